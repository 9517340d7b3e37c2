"""
Verdicts of ToolHop's original rule, in Python's own string functions: `python toolhop_answers.py` writes toolhop_answers_golden.json, rows of right
answer, what was said last, the last reply of a tool or null, and whether the rule takes it for right.
"""

import json
import random


def original(golden, said, reply):
    golden = golden.rstrip(".0").lower()

    def occurs(text):
        return golden in text.replace(",", "").lower().rstrip(".0")

    return occurs(said) or (reply is not None and occurs(reply))


GOLDEN = ["1920", "100", "0", "5", "0.05", "10.0", "Ada Venn", "ada venn.", "1,234", "1905-03-07", "True", "Straße", "...", "2000", "Osker Bridge, Südturm"]
SAID = [
    "<answer>{}</answer>",
    "The answer is {}.",
    "{}",
    "It is {}, I think",
    "{}.00",
    "1{}",
    "I do not know",
    "",
    "<answer>1</answer>",
    "The total is 1,920.",
    "<answer>192</answer>",
]


def main():
    rng = random.Random(8)
    rows = []
    for golden in GOLDEN:
        for said in SAID:
            reply = rng.choice([None, golden, f'{{"result": "{golden.upper()}"}}', "nothing", "100.0"])
            text = said.format(rng.choice([golden, golden.upper(), golden + "0", rng.choice(GOLDEN)]))
            rows.append([golden, text, reply, original(golden, text, reply)])
    print(sum(row[3] for row in rows), "of", len(rows), "are right")
    with open(__file__.replace(".py", "_golden.json"), "w") as file:
        file.write("[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]\n")


main()
