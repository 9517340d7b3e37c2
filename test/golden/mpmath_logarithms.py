"""
Quotients of logarithms as mpmath 1.3.0 computes and prints them: `python mpmath_logarithms.py WHEEL`, with the wheel of bfcl-eval. Writes
mpmath_logarithms_golden.json: rows of value, base, decimal digits, `repr` and `str` (null for a division by zero). First those of all
`logarithm` calls among the right calls of the benchmark's multi-turn items, then drawn ones.
"""

import ast
import json
import random
import re
import sys
import zipfile

import mpmath


def asked(wheel):
    found = []
    for name in wheel.namelist():
        if "possible_answer/BFCL_v4_multi_turn" not in name or "unused" in name:
            continue
        for call in re.findall(r"\blogarithm\([^)]*\)", wheel.read(name).decode()):
            node = ast.parse(call, mode="eval").body
            values = dict(zip(["value", "base", "precision"], [ast.literal_eval(value) for value in node.args]))
            values.update({keyword.arg: ast.literal_eval(keyword.value) for keyword in node.keywords})
            found.append([values["value"], values["base"], values["precision"]])
    return [list(row) for row in sorted({tuple(row) for row in found})]


def drawn(rng):
    for _ in range(150):
        value = rng.choice([rng.randint(1, 10**6), rng.random() * 100, rng.random() * 1e-9, 10.0 ** rng.randint(-300, 300), 10 ** rng.randint(1, 15), 1])
        base = rng.choice([2, 10, 2.718281828459045, rng.random() * 20, 1.5, 1, 0.5])
        yield [value, base, rng.choice([0, 1, 2, 3, 5, 8, 10, 14, 15, 16, 20, 30, 50])]


def row(value, base, digits):
    mpmath.mp.dps = digits
    try:
        result = mpmath.log(value) / mpmath.log(base)
        return [value, base, digits, repr(result), str(result)]
    except ZeroDivisionError:
        return [value, base, digits, None, None]


questions = asked(zipfile.ZipFile(sys.argv[1]))
print(len(questions), "of the benchmark")
rows = [row(*question) for question in [*questions, *drawn(random.Random(3))]]
with open(__file__.replace(".py", "_golden.json"), "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(one) for one in rows) + "\n]\n")
