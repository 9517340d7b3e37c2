"""What sentencepiece and transformers make of 10,000 fuzzed strings, as digests of blocks of 100.

Usage: python test/golden/sentencepiece_fuzz.py                  (versions of sentencepiece.py)
       python test/golden/sentencepiece_fuzz.py READING INDEX…   prints what a reading makes of single strings

llama and llama_tools are LlamaTokenizerFast's; unigram_bytes and unigram are sentencepiece's own, the latter on strings without its own symbols.
Writes sentencepiece_fuzz_golden.json. Fields: README.md here.
"""

import json
import os
import sys

from fuzz_strings import BLOCK, HERE, STRINGS, digests, fuzz_string, texts, written

sys.path = [p for p in sys.path if os.path.abspath(p or ".") != HERE]  # sentencepiece.py there bears the library's name
import sentencepiece as spm  # isort: skip

sys.path.insert(0, HERE)
sys.modules.setdefault("sentencepiece", spm)

from importlib.util import module_from_spec, spec_from_file_location

spec = spec_from_file_location("goldens", os.path.join(HERE, "sentencepiece.py"))
goldens = module_from_spec(spec)
spec.loader.exec_module(goldens)


def model(name):
    return os.path.join(HERE, "tokenizer", name + ".model")


def readings():
    """Of each: the ids of a text, None where it is left out, and the text of ids."""
    with open(os.path.join(HERE, "sentencepiece_golden.json")) as f:
        known = json.load(f)["readings"]

    def fast(name, config):
        tokenizer = goldens.llama_fast(model(name), config)
        return tokenizer, lambda ids: tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)

    def of(tokenizer):
        return lambda text: tokenizer(text, add_special_tokens=False)["input_ids"]

    llama, llama_text = fast("llama", {"legacy": True})
    tools, tools_text = fast("llama", known["llama_tools"]["config"])
    _, bytes_text = fast("unigram_bytes", {"legacy": True})
    whole = spm.SentencePieceProcessor(model_file=model("unigram_bytes"))
    plain = spm.SentencePieceProcessor(model_file=model("unigram"))
    return {
        "llama": (of(llama), llama_text),
        "llama_tools": (of(tools), tools_text),
        "unigram_bytes": (lambda text: goldens.by_sections(whole, text), bytes_text),
        "unigram": (lambda text: None if "<tool>" in text else plain.encode(text), lambda ids: "" if 0 in ids else plain.decode(ids)),
    }


def main():
    strings = texts()
    out = {"strings": STRINGS, "block": BLOCK, "readings": {}}
    for name, (encode, decode) in readings().items():
        ids = [encode(text) or [] for text in strings]
        out["readings"][name] = {"ids": digests([written(x) for x in ids]), "decoded": digests([decode(x) for x in ids])}
    with open(os.path.join(HERE, "sentencepiece_fuzz_golden.json"), "w") as f:
        json.dump(out, f, separators=(",", ":"))
        f.write("\n")


if __name__ == "__main__":
    if len(sys.argv) > 2:
        for index in map(int, sys.argv[2:]):
            print(json.dumps([fuzz_string(index), readings()[sys.argv[1]][0](fuzz_string(index))]))
    else:
        main()
