"""Texts of models that were prompted for calls, as bfcl-eval's own decoder reads them.

    VENV/bin/pip install --no-deps bfcl-eval==2026.3.23 tree_sitter==0.21.3 tree-sitter-java==0.21.0 tree-sitter-javascript==0.21.4 tenacity
    VENV/bin/python test/golden/bfcl_texts.py

Writes bfcl_texts_golden.json: a list of {language, text, calls}; calls is Python's repr of the decoded list, null where the decoder failed.
"""

import json
import sys
import types
from pathlib import Path

for name in ["bfcl_eval.constants.model_config", "filelock", "tqdm", "dotenv"]:
    stub = types.ModuleType(name)
    stub.__dict__.update(MODEL_CONFIG_MAPPING={}, FileLock=None, tqdm=None, load_dotenv=None)
    sys.modules[name] = stub
from bfcl_eval.constants.enums import ReturnFormat  # noqa: E402
from bfcl_eval.model_handler.utils import default_decode_ast_prompting  # noqa: E402

PYTHON = r"""
[f(a=1)]
f(a=1)
[f(a=1), g(b='x')]
```[f(a=1)]```
`f()`
 [ f( a = 1 ,) , ]
[a.b.c(d=1.0, e=-2, f=+3, g=not True, h=~4)]
[f(a=True, b=None, c=..., d=name)]
[f(a=[1, 2.5, 'x'], b=(1, 2), c={'k': [1], 2: None}, d=())]
[f(a=g(1, 'x'), b=g(c=1), d=h.i(), e=j()['k'])]
[f(a=2 * 3 + 4, b=2 ** 10, c=7 // 2, d=-7 // 2, e=7 % -3, f=1 / 4, g=(1 + 2) * 3, h=2 ** -1)]
[f(a='x' + 'y', b='x' 'y', c="it's", d='a\n', e=r'\d', f='''q''')]
[f(a=x[0], b=x['k'], c=x[y[1]])]
[f(1, 2, a=3)]
[f(a=1, a=2)]
[f(a=x.y)]
[f(a=-x)]
[f(a=1 < 2)]
[f(a=lambda: 1)]
[f(a=x if y else z)]
[f(a=f'{x}')]
[f(a=b'x')]
[f(a={1, 2})]
[f(a=1, 2)]
[f(a=1]
[f(a=1) g(b=2)]
[f(a=1), 2]
[]
[f]
[[f(a=1)]]
No function fits.
I would call f(a=1).
'[f(a=1)]'
[f(a=10000000000000000000000, b=1e400, c=0x1f, d=1_000, e=0.1, f=.5, g=5.)]
[f(a="São Paulo", b="日本")]
[f(
  a=1,  # the first
  b=2,
)]
[f(a=None), g(**{'b': 1})]
[f(*x, a=1)]
[f(a=[g(b=1), h])]
[f(a='unclosed)]
[f(a=1))]
[1f(a=1)]
[class(a=1)]
[f(class=1)]
[f(a=--1)]
[f(a=- -1)]
[f(a=1 if True else 2)]
[f()(a=1)]
[x[0].f(a=1)]
[f(a=3 - 1 - 1, b=2 ** 3 ** 2, c=-2 ** 2, d=10 - (2 - 1))]
[f(a=g(1 + 2 * 3, (1 + 2) * 3, [1, (2,)], {'a': -1}, not x, x.y))]
[f(a=[1, 2)]
[f(a=1);g()]
[f(a=3 - 1 - 1, b=2 ** 3 ** 2, d=10 - (2 - 1), e=-7 % 3, f=7.5 // 2)]
"""

JAVA = r"""
[Foo.bar(a=1, b="x", c='y')]
Foo.bar(a = 1)
[foo(a=new HashMap<String, Object>() {{ put("k", 1); }})]
[foo(a=new ArrayList<>(Arrays.asList("a", "b c")), b=new int[]{1, 2, 3}, c=new String[] { "a", "b" })]
[foo(a=new int[5])]
[foo(a=new int[][]{{1, 2}, {3}})]
[foo(a=true, b=null, c=9L, d=1.5f, e=-2, f=x, g=Foo.class, h=this.x)]
[foo(a=bar(1, 2), b=x.y( 1 ).z, c=new Foo( 1 ).bar( 2 ), d=new Foo(1, new Bar( "q" )))]
[foo(a=x + 1, b="a" + "b", c=(String) x, d=x -> x.y( 1 ), e=(a, b) -> { return a; }, f=Foo::bar, g=x[ 0 ])]
[foo(a=x ? 1 : 2, b=x == 1 && !y)]
[foo(a=1), bar(b=2)]
[foo(a=1); bar(b=2);]
[foo(a=1).bar(b=2)]
[foo(a=1, a=2)]
[foo(a=1, b)]
[foo(x, "y", 3)]
[foo(x, y)]
[foo(a=[1, 2])]
[foo(a={1, 2})]
[foo(a=1,)]
[foo(a=)]
[foo(a=hello world)]
[foo(a="unclosed)]
[foo(a=(1)]
I cannot do that.
[]
[new Foo(a=1)]
[a.b.C.d(e=new a.b.C(1))]
[foo(a="\"q\"", b="é", c="after", d=x)]
[foo(a=new Foo<>(), b=new Foo<Bar<Baz>>())]
[foo(a=new Foo() { void x() { y(); } }, b=1)]
[foo(a=Map.of("k", 1), b=List.of( 1 , 2 ))]
[foo(a={'k': 1})]
[foo(a="it's", b='it')]
[foo(a=1 /* note */, b=2)]
[Numbers.add(a=0x1F, b=1_000L, c=.5f, d=1e3, e=2D)]
[Numbers.add(a=7n, b=1)]
[Numbers.add(a=42.0L, b=1)]
[Names.store(a=new int[]{1, 2, b=3)]
[Names.store(a=new Map<String, List<Integer>>(), b=new HashMap<String, String>(x, y) {{ put("k", "v"); }}.size())]
[Names.store(a=new HashMap<>() { put("k", 1); }, b=1)]
[Names.store(a=List.of(), b=Map.of("a", 1)x)]
[Names.store(a=/usr/bin, b=employee:12)]
[Names.store(a=new Array([1]), b='')]
[Names.store(a=(int) x, b=!y, c=x--, d=() -> 1)]
[Names.store(a=new, b=1)]
[Names.store(a=x instanceof Foo, b=x > 1 ? "a" : 'b')]
[Names.store(a=café, b=new String[]{"x"}, c=1)]
"""
JAVASCRIPT = r"""
[foo(a=1, b="x", c='y')]
foo(a = 1)
[foo()]
[foo.bar(a=[1, 2], b={k: 1, 'j': "x"}, c=new Map([["a", 1]]))]
[foo(a=true, b=null, c=9n, d=1.5, e=-2, f=x, g=x.y, h=x[0])]
[foo(a=(x) => x + 1, b=function(y) { return y; }, c=x => { return x; }, d=`t ${x}`)]
[foo(a=/re[/]x/g, b=x ? 1 : 2, c="a" + "b", d=async () => await x())]
[foo(a=1), bar(b=2)]
[foo(a=1); bar(b=2)]
[foo(a=1).bar(b=2)]
[foo(a=1, a=2)]
[foo(a=1, b)]
[foo(x, "y", 3)]
[foo(x, y)]
[foo({a: 1})]
[foo(a=1,)]
[foo(a=1,,b=2)]
[foo(a=)]
[foo(a=hello world)]
[foo(a="unclosed)]
[foo(a=(1)]
I cannot do that.
[]
[new Foo(a=1)]
[foo(a="é", b="after")]
[foo(a=b=1, c==2, d+=3)]
[foo(a=1 /* note */, b=2)]
[foo(a={b: [1, {c: 2}]}, d=[[1], [2]])]
[foo(true, a=1)]
[foo(false, a=1)]
[foo(a=typeof x, b=!y, c=new Date(), d=x?.y)]
[foo(a=0x1F, b=1_000, c=.5, d=1e3, e=5., f=7n)]
[foo(a=12L)]
[foo(a=[1, 2, b=3)]
[foo(a={k: 1, b=3)]
[foo(a={k: [1, {l: 'm'}], 'n': x => y, o})]
[foo(a={'k': 'it('s')'})]
[foo(a=new int[]{1, 2})]
[foo(a=new ArrayList<>(1))]
[foo(a=Hello!s, b=1)]
[foo(a=/var/log/x.log, b=employee:12)]
[foo(a=x.of(1), b=List.new(2))]
[foo(a=(x, y) => ({z: 1}), b=() => 1, c=())]
[foo(a=QQQxQQQ)]
[foo(a=class A { b() { return 1; } }, b=1)]
"""

cases = [("python", text) for text in PYTHON.strip("\n").replace("\n  ", "\0 ").replace("\n)]", "\0)]").split("\n")]
cases = [(language, text.replace("\0", "\n")) for language, text in cases]
cases += [("java", text) for text in JAVA.strip("\n").split("\n")]
cases += [("javascript", text.replace("QQQ", '"""')) for text in JAVASCRIPT.strip("\n").split("\n")]
cases += [(language, '[foo(a="x\n", b=1)]') for language in ("java", "javascript")]
rows = []
for language, text in cases:
    try:
        calls = repr(default_decode_ast_prompting(text, ReturnFormat(language)))
    except Exception:
        calls = None
    rows.append({"language": language, "text": text, "calls": calls})
out = Path(__file__).resolve().parent / "bfcl_texts_golden.json"
out.write_text("[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]\n", encoding="utf-8")
print(len(rows), sum(row["calls"] is None for row in rows))
