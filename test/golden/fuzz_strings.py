"""10,000 strings, the same here and in test/models/fuzzStrings.ts: parts drawn from the tables of fuzz_tables.json. Imported, not run."""

import hashlib
import json
import os

HERE = os.path.dirname(os.path.abspath(__file__))
STRINGS, BLOCK = 10_000, 100
MASK = 0xFFFFFFFF

with open(os.path.join(HERE, "fuzz_tables.json")) as f:
    GIVEN = json.load(f)


def mulberry32(seed):
    """Tommy Ettinger's generator: 32 bits at a time."""
    state = seed & MASK

    def draw():
        nonlocal state
        state = (state + 0x6D2B79F5) & MASK
        t = (state ^ (state >> 15)) * (state | 1) & MASK
        t ^= t + (t ^ (t >> 7)) * (t | 61) & MASK
        return (t ^ (t >> 14)) & MASK

    return draw


def fuzz_string(index):
    draw = mulberry32(index * 0x9E3779B1)

    def below(n):
        return draw() * n >> 32

    text = ""
    for _ in range(1 + below(GIVEN["parts"])):
        for name, most in GIVEN["kinds"][below(len(GIVEN["kinds"]))]:
            table = GIVEN["tables"][name]
            for _ in range(1 + below(most)):
                item = table[below(len(table))]
                text += item if isinstance(item, str) else chr(item[0] + below(item[1] - item[0] + 1))
    return text


def texts():
    return [fuzz_string(index) for index in range(STRINGS)]


def digests(values):
    """12 hexadecimal digits of the SHA-256 of each block: every value as text, then a line feed."""
    return [
        hashlib.sha256("".join(f"{value}\n" for value in values[start : start + BLOCK]).encode()).hexdigest()[:12] for start in range(0, len(values), BLOCK)
    ]


def written(ids):
    return ",".join(map(str, ids))
