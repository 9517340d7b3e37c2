"""What Python `tokenizers` and transformers' Jinja environment make of 10,000 fuzzed strings, as digests of blocks of 100.

Usage: python test/golden/tokenizer_fuzz.py                 (tokenizers 0.23, transformers 5.23)
       python test/golden/tokenizer_fuzz.py NAME INDEX…     prints what a tokenizer makes of single strings

Writes tokenizer_fuzz_golden.json. Fields: README.md here.
"""

import json
import os
import sys

from fuzz_strings import BLOCK, HERE, STRINGS, digests, fuzz_string, texts, written
from tokenizers import Tokenizer
from transformers.utils.chat_template_utils import render_jinja_template

NAMES = ["qwen", "gpt2", "llama3", "llama2"]


def load(name):
    return Tokenizer.from_file(os.path.join(HERE, "tokenizer", name + ".json"))


def record(name, strings):
    tokenizer = load(name)
    ids = [x.ids for x in tokenizer.encode_batch(strings, add_special_tokens=False)]
    plain = load(name)
    plain.encode_special_tokens = True
    as_text = [x.ids for x in plain.encode_batch(strings, add_special_tokens=False)]
    decoded = [tokenizer.decode(x, skip_special_tokens=False) for x in ids]
    return {"ids": digests([written(x) for x in ids]), "as_text": digests([written(x) for x in as_text]), "decoded": digests(decoded)}


def messages_of(strings, at):
    """A conversation of four strings: content, arguments of a call, a tool's reply, and the answer."""
    one, two, three, four = (strings[(at + k) % len(strings)] for k in range(4))
    call = {"type": "function", "function": {"name": "get_weather", "arguments": {"city": two, "_" + one: [1.5, None, True]}}}
    return [
        {"role": "user", "content": one}, {"role": "assistant", "content": "", "tool_calls": [call]}, {"role": "tool", "content": three},
        {"role": "assistant", "content": four},
    ]


def rendered(template, strings):
    tools = [{"type": "function", "function": {"name": "get_weather", "description": strings[0]}}]
    conversations = [messages_of(strings, at) for at in range(len(strings))]
    return render_jinja_template(conversations=conversations, tools=tools, chat_template=template, add_generation_prompt=True, bos_token="<s>", date_string="1 Jan 2026")[0]


def main():
    strings = texts()
    with open(os.path.join(HERE, "chat_template_golden.json")) as f:
        templates = json.load(f)["templates"]
    out = {
        "strings": STRINGS, "block": BLOCK, "texts": digests(strings),
        "first": [{"text": strings[i], **{name: load(name).encode(strings[i], add_special_tokens=False).ids for name in NAMES}} for i in (7, 8, 9)],
        "tokenizers": {name: record(name, strings) for name in NAMES},
        "templates": {name: digests(rendered(template, strings)) for name, template in templates.items()},
    }
    with open(os.path.join(HERE, "tokenizer_fuzz_golden.json"), "w") as f:
        json.dump(out, f, separators=(",", ":"))
        f.write("\n")


if __name__ == "__main__":
    if len(sys.argv) > 2:
        for index in map(int, sys.argv[2:]):
            ids = load(sys.argv[1]).encode(fuzz_string(index), add_special_tokens=False)
            print(json.dumps([fuzz_string(index), ids.ids, ids.tokens]))
    else:
        main()
