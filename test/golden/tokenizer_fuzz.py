"""What Python `tokenizers` and transformers' Jinja environment make of 10,000 fuzzed strings, as digests of blocks of 100.

Usage: python test/golden/tokenizer_fuzz.py                 (tokenizers 0.23, transformers 5.23; Python 3.11, unicodedata2 18.0)
       python test/golden/tokenizer_fuzz.py NAME INDEX…     prints what a tokenizer makes of single strings

Writes tokenizer_fuzz_golden.json and tokenizer/across.json. Fields: README.md here.
"""

import json
import os
import sys
import unicodedata

import unicodedata2
from fuzz_strings import BLOCK, HERE, STRINGS, digests, fuzz_string, texts, written
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers.utils.chat_template_utils import render_jinja_template

NAMES = ["qwen", "gpt2", "llama3", "llama2"]
ACROSS = os.path.join(HERE, "tokenizer", "across.json")


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


def train_across(strings):
    """Merges learnt with nothing split: they reach across words, so that ids show where a pre-tokenizer cuts."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=800, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(strings, trainer)
    with open(ACROSS, "w") as f:
        json.dump(json.loads(tokenizer.to_str()), f, ensure_ascii=True, separators=(",", ":"))


def is_newer(text):
    """Whether it has a character assigned after Unicode 14: which class it is of depends on who splits."""
    return any(unicodedata.category(c) == "Cn" != unicodedata2.category(c) for c in text)


def across(name, strings):
    """These merges behind the normaliser and pre-tokenizer of another."""
    tokenizer, other = Tokenizer.from_file(ACROSS), load(name)
    if other.normalizer is not None:
        tokenizer.normalizer = other.normalizer
    tokenizer.pre_tokenizer = other.pre_tokenizer
    return digests([written(x.ids) for x in tokenizer.encode_batch(["" if is_newer(x) else x for x in strings], add_special_tokens=False)])


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
    train_across(strings)
    with open(os.path.join(HERE, "chat_template_golden.json")) as f:
        templates = json.load(f)["templates"]
    out = {
        "strings": STRINGS, "block": BLOCK, "texts": digests(strings),
        "first": [{"text": strings[i], **{name: load(name).encode(strings[i], add_special_tokens=False).ids for name in NAMES}} for i in (7, 8, 9)],
        "tokenizers": {name: record(name, strings) for name in NAMES},
        "newer": [i for i, text in enumerate(strings) if is_newer(text)],
        "across": {name: across(name, strings) for name in NAMES[:3]},
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
