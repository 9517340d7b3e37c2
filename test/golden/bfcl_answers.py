"""Right and mutated answers to BFCL items, with the verdicts of bfcl-eval's own checker.

    python -m venv VENV && VENV/bin/pip install --no-deps bfcl-eval==2026.3.23
    VENV/bin/python test/golden/bfcl_answers.py [--data FOLDER] [--out FILE] [--per-item 12] [--seed 1]

FOLDER holds the package's data files (default: the invented ones in test/fixtures/bfcl). FILE is JSON lines, compressed when it ends in .gz:
{category, id, calls, valid, error_type}; error_type "exception" where the checker itself stopped.
"""

import argparse
import copy
import gzip
import json
import random
import sys
import types
from pathlib import Path

# The package's list of models imports the client of every provider; the checker reads one flag of it.
models = types.ModuleType("bfcl_eval.constants.model_config")
models.MODEL_CONFIG_MAPPING = {
    "dots": types.SimpleNamespace(underscore_to_dot=False),
    "underscores": types.SimpleNamespace(underscore_to_dot=True),
}
sys.modules["bfcl_eval.constants.model_config"] = models
from bfcl_eval.constants.enums import Language  # noqa: E402
from bfcl_eval.eval_checker.ast_eval.ast_checker import ast_checker  # noqa: E402

CATEGORIES = [
    "simple_python", "simple_java", "simple_javascript", "multiple", "parallel", "parallel_multiple",
    "live_simple", "live_multiple", "live_parallel", "live_parallel_multiple",
]  # fmt: skip
HERE = Path(__file__).resolve().parent


def read(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def language_of(category):
    return {"simple_java": Language.JAVA, "simple_javascript": Language.JAVASCRIPT}.get(category, Language.PYTHON)


# Right answers


def concrete(value):
    """One value out of a right answer's lists of alternatives."""
    if isinstance(value, dict):
        return {k: concrete(random.choice(v)) for k, v in value.items() if isinstance(v, list) and v and not ("" in v and random.random() < 0.5)}
    if isinstance(value, list):
        return [concrete(v) for v in value]
    return value


def right_calls(item, truth):
    calls = []
    for call in truth["ground_truth"]:
        (name, parameters), = call.items()
        chosen = {}
        for parameter, answers in parameters.items():
            if not answers or ("" in answers and random.random() < 0.4):
                continue
            chosen[parameter] = concrete(random.choice([a for a in answers if a != ""] or [""]))
        calls.append({name: chosen})
    return calls


# Text of Java and JavaScript values


def java(value, declared, items):
    quote = lambda text: json.dumps(text, ensure_ascii=False)
    number = lambda n, kind: f"{n}{random.choice('Ll') if kind == 'long' else random.choice('fF') if kind == 'float' else ''}"
    element = lambda v: (
        str(v).lower() if isinstance(v, bool) else number(v, items) if isinstance(v, (int, float)) else f"'{v}'" if items == "char" else quote(str(v))
    )
    gap = random.choice(["", " ", "  "])
    if isinstance(value, list):
        inner = f",{gap}".join(element(v) for v in value)
        if declared == "Array":
            return random.choice(["new String[]{%s}", "new int[] { %s }", "new Object[]{%s}", "{%s}", "[%s]", "new T[] {%s};"]) % inner
        adds = " ".join(f"add({element(v)});" for v in value)
        return random.choice(
            [
                f"new ArrayList<>(Arrays.asList({inner}))",
                f"new ArrayList<String>(Arrays.asList({inner}))",
                "new ArrayList<Integer>() {{ %s }}" % adds,
                "new ArrayList<>(){{%s}}" % adds,
                "new ArrayList<>() {{\n  %s\n}}" % adds,
                f"Arrays.asList({inner})",
                f"List.of({inner})",
                "new ArrayList<>()",
                "new ArrayList<>() {{ }}",
                "new ArrayList<>() {{}}",
            ]
        )
    if isinstance(value, dict):
        puts = " ".join(f"put({quote(str(k))},{gap}{element(v)});" for k, v in value.items())
        return random.choice(
            [
                "new HashMap<String, Object>() {{ %s }}" % puts,
                "new HashMap<>(){{%s}}" % puts,
                "new HashMap<String, String>() { { %s } }" % puts,
                "new HashMap<>() {\n%s\n}" % puts,
                "new HashMap<>()",
                "new HashMap<>() {}",
                "new HashMap<>() {{ %s" % puts,
                "Map.of(%s)" % puts,
            ]
        )
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return number(value, declared)
    return str(value)


def javascript(value, declared, items):
    quote = lambda text: random.choice(['"%s"', "'%s'"]) % text
    if isinstance(value, list):
        inner = random.choice([", ", ",", " , "]).join(javascript_element(v, items) for v in value)
        return random.choice(["[%s]", "[ %s ]", "new Array(%s)", "new Array( %s )", "[%s", "[\n%s\n]", "[[%s]]", "[[%s],[%s]]"]).replace("%s", inner)
    if isinstance(value, dict):
        inner = ", ".join(f"{random.choice([str(k), quote(k)])}: {javascript_element(v, None)}" for k, v in value.items())
        return random.choice(["{%s}", "{ %s }", "{%s", "{\n%s\n}", "{}"]).replace("%s", inner)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return f"{value}n" if declared == "Bigint" else str(value)
    return random.choice([str(value), str(value), quote(value)])


def javascript_element(value, items):
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return f"{value}n" if items == "Bigint" else str(value)
    if isinstance(value, list):
        return "[" + ", ".join(javascript_element(v, None) for v in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {javascript_element(v, None)}" for k, v in value.items()) + "}"
    return random.choice(['"%s"', "'%s'"]) % value


def as_text(calls, item, category):
    """Java's and JavaScript's values as the text that the checker reads."""
    write = java if category == "simple_java" else javascript
    docs = {f["name"]: f["parameters"]["properties"] for f in item["function"]}
    written = []
    for call in calls:
        (name, arguments), = call.items()
        types_of = lambda p: docs.get(name, {}).get(p, {})
        written.append({name: {p: write(v, types_of(p).get("type"), types_of(p).get("items", {}).get("type")) for p, v in arguments.items()}})
    return written


# Mutations

TEXTS = ["", " ", "x", "true", "0", "1.0", "None", "O'Neill", "a,b", "É", "İ", "ß", "[1, 2]", "{}", "12", "-3", "1e3", "12L", "3.5f", "7n", "[[1, 2], [3]]",
         "[['a'], ['b', 'c']", "new Array([1], [2])", "{a: 1, 'b': \"x\", c: [1, 2], d: {e: 1}}", "5\n", " 5", "1_000", "+5", "'q'", "'", '"', '"a"', "{'a': 'b, c', d: 2}",
         "new int[]{1, 2}", "new HashMap<String, Integer>() {{ put(\"a\", 1); put(\"b\", 2L); put(\"c\", 1.5f); put(\"d\", x); }}",
         "new ArrayList<>(Arrays.asList(1, \"abc\", true))", "nan", "[1n, 2n]", "[true, false]", "[1.5, .5, 5., inf]"]  # fmt: skip
SCALARS = [0, 1, -1, 0.0, 1.0, 2.5, True, False, None, 10**20, 1e300, [], {}, [""], {"": ""}, [None], [[]], [{}], [1, "a"], {"a": [1]}]


def mutate_value(value):
    choices = [lambda: random.choice(TEXTS), lambda: copy.deepcopy(random.choice(SCALARS)), lambda: [value], lambda: str(value), lambda: [value, value], lambda: {"value": value}]
    if isinstance(value, bool):
        choices += [lambda: not value, lambda: int(value), lambda: str(value).lower()] * 2
    elif isinstance(value, (int, float)):
        choices += [lambda: value + 1, lambda: -value, lambda: float(value), lambda: int(value), lambda: value * 1.0000001, lambda: float(value)] * 2
    elif isinstance(value, str):
        choices += [lambda: value.upper(), lambda: value.title(), lambda: value + ".", lambda: value.replace(" ", "_"), lambda: f" {value} ", lambda: value + "s",
                    lambda: value.replace("'", '"'), lambda: f"'{value}'", lambda: f'"{value}"', lambda: value[:-1], lambda: value + "\n", lambda: value.replace(" ", ", ")] * 2  # fmt: skip
    elif isinstance(value, list):
        choices += [lambda: value[:-1], lambda: value[::-1], lambda: value + value[-1:], lambda: [mutate_value(v) if random.random() < 0.5 else v for v in value], lambda: value + [random.choice(SCALARS)],
                    lambda: tuple(value), lambda: [str(v) for v in value], lambda: [float(v) if type(v) is int else v for v in value], lambda: [v.upper() if isinstance(v, str) else v for v in value]] * 2  # fmt: skip
    elif isinstance(value, dict):
        choices += [lambda: {k: mutate_value(v) if random.random() < 0.5 else v for k, v in value.items()}, lambda: {**value, "extra": 1}, lambda: dict(list(value.items())[:-1]), lambda: dict(list(value.items())[::-1]),
                    lambda: {f"{k}x": v for k, v in value.items()}, lambda: {**{k: mutate_value(v) for k, v in value.items()}, "extra": 1}, lambda: {k: mutate_value(v) for k, v in list(value.items())[:-1]}] * 2  # fmt: skip
    return random.choice(choices)()


def mutate(calls, item):
    calls = copy.deepcopy(calls)
    kind = random.random()
    at = random.randrange(len(calls)) if calls else None
    if at is None or kind < 0.05:
        return random.choice([[], calls + calls[:1], calls[::-1], calls[:-1]])
    (name, arguments), = calls[at].items()
    if kind < 0.10:
        name = random.choice([name.replace(".", "_"), name + "x", name.upper(), random.choice(item["function"])["name"]])
    elif kind < 0.16 and arguments:
        arguments.pop(random.choice(list(arguments)))
    elif kind < 0.24:
        doc = next((f for f in item["function"] if f["name"] == name), None)
        known = list(doc["parameters"]["properties"]) if doc else []
        arguments[random.choice(known + ["unknown"])] = random.choice([*SCALARS, *TEXTS])
    elif kind < 0.30:
        arguments = dict(list(arguments.items())[::-1])
    elif arguments:
        for _ in range(random.choice([1, 1, 2])):
            parameter = random.choice(list(arguments))
            arguments[parameter] = mutate_value(arguments[parameter])
    calls[at] = {name: arguments}
    return random.choice([calls, calls, calls[::-1]])


def answers(item, truth, category, per_item):
    for index in range(per_item):
        calls = right_calls(item, truth)
        if index > 0 and random.random() < 0.8 and category != "simple_python":
            calls = mutate(calls, item)
        elif index > 0:
            calls = mutate(mutate(calls, item), item) if random.random() < 0.2 else mutate(calls, item)
        if category in ("simple_java", "simple_javascript") and random.random() < 0.9:
            calls = as_text(json.loads(json.dumps(calls)), item, category)
            if random.random() < 0.3:
                calls = mutate(calls, item)
        # As it is stored, so that the checker sees what a reader of the file sees.
        yield json.loads(json.dumps(calls))


def verdict(item, truth, category, calls, model="dots"):
    try:
        result = ast_checker(item["function"], copy.deepcopy(calls), truth["ground_truth"], language_of(category), category, model)
    except Exception:  # the checker has no verdict
        return False, "exception"
    return result["valid"], result.get("error_type", "")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=HERE.parent / "fixtures" / "bfcl")
    parser.add_argument("--out", type=Path, default=HERE / "bfcl_answers_golden.jsonl")
    parser.add_argument("--per-item", type=int, default=24)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    random.seed(options.seed)
    rows, kinds = [], {}
    for category in CATEGORIES:
        questions = options.data / f"BFCL_v4_{category}.json"
        if not questions.exists():
            continue
        truths = {row["id"]: row for row in read(options.data / "possible_answer" / questions.name)}
        for item in read(questions):
            truth, seen = truths[item["id"]], set()
            for calls in answers(item, truth, category, options.per_item):
                text = json.dumps(calls)
                if text in seen:
                    continue
                seen.add(text)
                valid, kind = verdict(item, truth, category, calls)
                kinds[kind if not valid else "valid"] = kinds.get(kind if not valid else "valid", 0) + 1
                rows.append({"category": category, "id": item["id"], "calls": calls, "valid": valid, "error_type": kind})
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    if options.out.suffix == ".gz":
        options.out.write_bytes(gzip.compress(text.encode(), mtime=0))
    else:
        options.out.write_text(text, encoding="utf-8")
    print(len(rows), json.dumps(dict(sorted(kinds.items()))))


main()
