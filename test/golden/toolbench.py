"""Names, cache keys and JSON as ToolBench's Python code makes them: writes toolbench_golden.json. Needs Python 3 alone."""
import json
import re
from pathlib import Path


def standardize(string):
    res = re.compile("[^\\u4e00-\\u9fa5^a-z^A-Z^0-9^_]")
    string = res.sub("_", string)
    string = re.sub(r"(_)\1+", "_", string).lower()
    while len(string) and string[0] == "_":
        string = string[1:]
    while len(string) and string[-1] == "_":
        string = string[:-1]
    if len(string) and string[0].isdigit():
        string = "get_" + string
    return string


def change_name(name):
    return "is_" + name if name in ["from", "class", "return", "false", "true", "id", "and"] else name


def standard_category(name):
    name = name.replace(" ", "_").replace(",", "_").replace("/", "_")
    while " " in name or "," in name:
        name = name.replace(" ", "_").replace(",", "_")
    return name.replace("__", "_")


NAMES = [
    "List Languages", "5 Day Forecast", "/v1/{id}/", "ID", "a^b", "Get Coin (Deprecated!)", "城市 Weather", "from", "__x__", "",
    "And", "Größe", "😀 emoji", "A__b--C", "9", "^", "true", "Return", "日本 Tōkyō", "a\u0000b", "İstanbul", "ſ",
]
CATEGORIES = ["Data", "Video, Images", "Text/Analysis", "Health and Fitness", "a,, b", "A///B", "Business Software"]
INPUTS = [
    '{"a": 1, "b": "x"}', '{"b": "it\'s"}', '{"q": "say \\"hi\\""}', '{"q": "it\'s \\"x\\""}', '{"n": null, "t": true, "f": 1.0}',
    '{"s": "\\u00e9\\n\\u200b"}', "{}", '{"10": 1, "2": 2}', '{"x": 1e16, "y": 1e-05, "z": 1.5e300, "w": -0.0}',
    '{"big": 12345678901234567890, "list": [1, [2.5, "a"], {}], "d": {"k": [null]}}', '{"esc": "\\u001b\\t\\\\ \\u007f"}',
    '{"emoji": "\\ud83d\\ude00", "sep": "\\u2028"}', '{"n": NaN, "i": -Infinity}', '{"a": 1, "a": 2, "b": 3}',
]
VALUES = INPUTS + ['[]', '{"a": [], "b": {}, "c": [1, {"d": "é"}]}', '"\\b\\f\\u0001\\u007f\\u0080"', "[1.0, 100000000000000000000, 1e22]"]

golden = {
    "names": [[text, change_name(standardize(text))] for text in NAMES],
    "categories": [[text, standard_category(text)] for text in CATEGORIES],
    "keys": [[text, str(json.loads(text))] for text in INPUTS],
    "dumps": [
        {
            "json": text,
            "plain": json.dumps(json.loads(text)),
            "indented": json.dumps(json.loads(text), indent=2),
            "compact": json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":")),
        }
        for text in VALUES
    ],
}
Path(__file__).with_name("toolbench_golden.json").write_text(json.dumps(golden, indent=1) + "\n", encoding="utf-8")
