"""
Verdicts of bfcl-eval's own multi-turn checker on changed answers: `python bfcl_multi_turn.py WHEEL` with bfcl-eval 2026.3.23 and mpmath 1.3.0
installed (no other dependency is needed). Writes bfcl_multi_turn_golden.jsonl, a row an answer: the item's id, the turns that differ from the item's
right calls (`changed`, by index: a list of steps, each a list of calls), how many turns there are if not all, and the verdict. Only what was
changed stands in the file; the right calls are read from the user's own copy.
"""

import copy
import json
import random
import re
import sys
import zipfile

from bfcl_eval.eval_checker.multi_turn_eval.multi_turn_checker import multi_turn_checker

CATEGORIES = ["base", "miss_func", "miss_param", "long_context"]
PER_CATEGORY = 50


def rows(wheel, path):
    return [json.loads(line) for line in wheel.read(path).decode().split("\n") if line.strip()]


def a_turn(rng, turns):
    return rng.choice([index for index, steps in enumerate(turns) if any(steps)])


def drop_call(rng, turns, _):
    steps = turns[a_turn(rng, turns)]
    step = rng.choice([step for step in steps if step])
    step.pop(rng.randrange(len(step)))


def drop_turn_calls(rng, turns, _):
    turns[a_turn(rng, turns)][:] = []


def empty_step(rng, turns, _):
    turns[a_turn(rng, turns)][:] = [[]]


def fewer_turns(rng, turns, _):
    turns.pop()


def repeat_call(rng, turns, _):
    step = rng.choice(turns[a_turn(rng, turns)])
    step.insert(0, rng.choice(step))


def reverse_calls(rng, turns, _):
    index = a_turn(rng, turns)
    turns[index] = [list(reversed(step)) for step in reversed(turns[index])]


def one_step_a_call(rng, turns, _):
    index = a_turn(rng, turns)
    turns[index] = [[call] for step in turns[index] for call in step]


def foreign_call(rng, turns, others):
    turns[a_turn(rng, turns)].append([rng.choice(others)])


def unknown_function(rng, turns, _):
    turns[a_turn(rng, turns)].append([rng.choice(["no_such_function(x=1)", "run(x=1)", "cd", "kill()", "1 / 0", "len([1, 2])", "(unfinished"])])


def change_call(rng, turns, _, pattern, replace):
    step = rng.choice(turns[a_turn(rng, turns)])
    at = rng.randrange(len(step))
    step[at] = re.sub(pattern, replace, step[at], count=1)


def change_text(rng, turns, others):
    change_call(rng, turns, others, r"'([^']*)'", lambda match: f"'{match.group(1)}x'")


def change_number(rng, turns, others):
    change_call(rng, turns, others, r"\b(\d+)\b", lambda match: str(int(match.group(1)) + 1))


def number_as_float(rng, turns, others):
    change_call(rng, turns, others, r"=(\d+)(?=[,)])", lambda match: f"={match.group(1)}.0")


def wrong_parameter(rng, turns, others):
    change_call(rng, turns, others, r"(\w+)=", lambda match: f"{match.group(1)}_=")


def without_parameter(rng, turns, others):
    change_call(rng, turns, others, r"\(\s*\w+=[^,()]*,?", "(")


def spaces_before_bracket(rng, turns, others):
    change_call(rng, turns, others, r"\(", "  (")


MUTATIONS = [value for name, value in list(globals().items()) if callable(value) and getattr(value, "__code__", None) and value.__code__.co_varnames[:2] == ("rng", "turns") and name != "a_turn" and name != "change_call"]


def verdict(turns, truth, entry, name):
    if len(turns) != len(truth):
        return {"valid": False, "error_type": "multi_turn:force_terminated"}
    # Steps without a call are left out before the checker, as the package's runner does.
    decoded = [[step for step in steps if step] for steps in turns]
    # A name of its own for each run, since the package keeps instances by it.
    result = multi_turn_checker(decoded, copy.deepcopy(truth), copy.deepcopy(entry), entry["id"].rsplit("_", 1)[0], name)
    return {"valid": result["valid"], "error_type": result.get("error_type")}


def main():
    rng = random.Random(20)
    wheel = zipfile.ZipFile(sys.argv[1])
    lines = []
    right = 0
    for category in CATEGORIES:
        entries = rows(wheel, f"bfcl_eval/data/BFCL_v4_multi_turn_{category}.json")
        truths = rows(wheel, f"bfcl_eval/data/possible_answer/BFCL_v4_multi_turn_{category}.json")
        for entry, truth in zip(entries, truths):
            assert entry["id"] == truth["id"]
            turns = [[calls] for calls in truth["ground_truth"]]
            right += verdict(turns, truth["ground_truth"], entry, f"right_{entry['id']}")["valid"]
        everything = [call for truth in truths for calls in truth["ground_truth"] for call in calls]
        for number, index in enumerate(rng.sample(range(len(entries)), PER_CATEGORY)):
            entry, truth = entries[index], truths[index]["ground_truth"]
            before = [[list(calls)] if calls else [] for calls in truth]
            after = copy.deepcopy(before)
            for _ in range(20):
                after = copy.deepcopy(before)
                MUTATIONS[(number + CATEGORIES.index(category) * 3) % len(MUTATIONS)](rng, after, everything)
                if after != before:
                    break
            if after == before:
                drop_call(rng, after, everything)
            row = {"id": entry["id"], "changed": {str(at): steps for at, steps in enumerate(after) if steps != before[at]}}
            if len(after) != len(before):
                row["turns"] = len(after)
            lines.append({**row, **verdict(after, truth, entry, f"changed_{number}_{entry['id']}")})
    print(right, "right answers are valid;", sum(line["valid"] for line in lines), "of", len(lines), "changed ones are")
    with open(__file__.replace(".py", "_golden.jsonl"), "w") as file:
        file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


main()
