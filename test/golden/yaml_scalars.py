"""What PyYAML makes of scalars: `python test/golden/yaml_scalars.py` (PyYAML 6.0.3). Writes yaml_scalars_golden.json: [text, kind, value].

`trl` reads its recipes with yaml.safe_load and gives what is still text to argparse, which takes 1e-5 for a number; OmegaConf, with which verl and
ArCHer read theirs, has a resolver for it. Such texts have the kind "number" and the value of Python's float().
"""
import json
import re
from pathlib import Path

import yaml

BARE = """yes Yes YES yEs no No NO on On ON off Off OFF true True TRUE tRue false False FALSE y n Y N null Null NULL nULL ~ none None
0 1 -1 +1 007 017 08 0x1F 0X1F 0o17 0b101 0b102 1_000 1_0 _1 1__0 12e3 1e5 1e-5 1E-5 1.0e-06 1.e-5 1.5e5 1.5e+5 5e-7 -2e-3 +1e3 .5 .5e-3 -.5 5. 1.5 -1.5 1_0.5
1.5_0 .inf -.inf +.inf .Inf .INF .nan .NaN .NAN inf nan infinity 1:30 1:30:05 -1:30 1:70 1:30.5 0.0 -0.0 00 0_0 0x 0b 1e 1e- e5 1.2.3 1-2 2024-01-02 2024-01-02T03:04:05Z
0.1e1 1e5.0 bf16 cosine q_proj a:b a#b 'yes' "no" '1e-5' "1" !!str|1 !!int|"3" !!float|1 !!float|1e-5 !!bool|"yes" !!null|"" auto 1,000 0.10 1e0 3e 99999999999999999999 1e400""".split()


def entry(text: str) -> list:
    source = text.replace("|", " ")
    try:
        value = yaml.safe_load(f"a: {source}")["a"]
    except Exception:  # noqa: BLE001
        return [source, "error", None]
    if isinstance(value, str) and not source[0] in "'\"!" and re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", value):
        return [source, "number", repr(float(value))]
    kind = type(value).__name__
    return [source, kind, str(value) if kind in ("str", "date", "datetime") else repr(value)]


out = {"source": f"PyYAML {yaml.__version__}", "scalars": [entry(text) for text in BARE]}
(Path(__file__).parent / "yaml_scalars_golden.json").write_text(json.dumps(out, ensure_ascii=True, indent=0) + "\n")
