"""Tokens named beside tokenizer.json, as transformers takes them: `python test/golden/named_tokens.py` (transformers 5.24, tokenizers 0.23).

Writes named_tokens_golden.json over the small tokenizers of tokenizer.py: `placements`, each with its files and what they encode to, and
`splits`, every behaviour of the pre-tokenizers that cut. Fields: README.md here.
"""
import itertools
import json
import random
import tempfile
from pathlib import Path

import tokenizers
import transformers
from tokenizers import Tokenizer
from transformers import AutoTokenizer

HERE = Path(__file__).parent
PLAIN = {"lstrip": False, "rstrip": False, "single_word": False, "normalized": False, "special": True}


def token(content: str, **flags) -> dict:
    return {"content": content, **PLAIN, **flags}


def typed(content: str, **flags) -> dict:
    return {"__type": "AddedToken", **token(content, **flags)}


PLACEMENTS = {
    "decoder": {"tokenizer_config": {"added_tokens_decoder": {"500": token("<|tool|>"), "430": token("tide", special=False)}}},
    "decoder with flags": {
        "tokenizer_config": {
            "added_tokens_decoder": {
                "500": token("<mask>", lstrip=True), "501": token("<cut>", rstrip=True), "502": token("tide", single_word=True),
                "503": token("Wörd", normalized=True, special=False), "504": token("<both>", lstrip=True, rstrip=True),
                "505": token("al", single_word=True, special=False, lstrip=True),
            }
        }
    },
    "decoder renames the flags of a token in the file": {
        "tokenizer_config": {"added_tokens_decoder": {"421": token("<|im_start|>", rstrip=True), "0": token("the", special=False)}}
    },
    "decoder changes what is special": {
        "tokenizer_config": {"added_tokens_decoder": {"422": token("<|im_end|>", special=False, lstrip=True), "423": token("<tool_call>", rstrip=True),
                                                      "421": token("<|im_start|>", rstrip=True), "1": token("<s>", special=False, single_word=True)},
                             "eos_token": "<|im_end|>", "additional_special_tokens": [typed("<|im_start|>", lstrip=True)]}
    },
    "additional_special_tokens": {"tokenizer_config": {"additional_special_tokens": ["<|tool|>", "<mask>", "<|im_end|>"]}},
    "additional_special_tokens with flags": {"tokenizer_config": {"additional_special_tokens": [typed("<mask>", lstrip=True), "<|tool|>"]}},
    "extra_special_tokens as a list": {"tokenizer_config": {"extra_special_tokens": ["<|tool|>", typed("tide", single_word=True)]}},
    "extra_special_tokens as a map": {"tokenizer_config": {"extra_special_tokens": {"tool_token": "<|tool|>", "mask": "<mask>"}}},
    "both extra and additional": {"tokenizer_config": {"extra_special_tokens": ["<both>"], "additional_special_tokens": ["<|tool|>"]}},
    "empty extra and additional": {"tokenizer_config": {"extra_special_tokens": [], "additional_special_tokens": ["<|tool|>"]}},
    "new ends": {"tokenizer_config": {"eos_token": "<|eot|>", "pad_token": "<pad>", "bos_token": "<|begin|>", "unk_token": "<unknown>"}},
    "every role": {
        "tokenizer_config": {"mask_token": typed("<mask>", lstrip=True), "cls_token": "<cut>", "sep_token": "<both>", "eos_token": typed("tide")}
    },
    "a role of the model's own": {"tokenizer_config": {"tool_token": "<|tool|>", "image_token": typed("<both>", rstrip=True)}},
    "special_tokens_map": {
        "special_tokens_map": {"eos_token": token("<|eot|>"), "pad_token": "<pad>", "extra_special_tokens": ["<|tool|>"]},
        "tokenizer_config": {"eos_token": "<|im_end|>"},
    },
    "special_tokens_map with additional ones": {"special_tokens_map": {"additional_special_tokens": ["<|tool|>", "tide"]}},
    "special_tokens_map beside a decoder": {
        "special_tokens_map": {"eos_token": "<|eot|>"},
        "tokenizer_config": {"added_tokens_decoder": {"425": token("<|tool|>")}},
    },
    "added_tokens": {"added_tokens": {"<|tool|>": 426, "tide": 425}},
    "added_tokens, one of them special": {"added_tokens": {"<|tool|>": 426, "tide": 425}, "special_tokens_map": {"eos_token": "<|tool|>"}},
    "added_tokens beside a decoder": {
        "added_tokens": {"<mask>": 425},
        "tokenizer_config": {"added_tokens_decoder": {"425": token("<|tool|>")}},
    },
    "everywhere": {
        "added_tokens": {"<mask>": 427},
        "special_tokens_map": {"pad_token": "<pad>"},
        "tokenizer_config": {"additional_special_tokens": ["<|tool|>"], "tool_token": "<both>", "eos_token": "<|eot|>"},
    },
    "begins with bos": {"tokenizer_config": {"add_bos_token": True, "bos_token": "<|begin|>"}},
    "ends with eos": {"tokenizer_config": {"add_eos_token": True, "eos_token": "<|im_end|>", "bos_token": "<|begin|>"}},
    "no post-processor, begins with bos": {"tokenizer_config": {"add_bos_token": True, "bos_token": "<|begin|>"}, "tokenizer": {"post_processor": None}},
    "no post-processor, named ends": {"tokenizer_config": {"bos_token": "<|begin|>", "eos_token": "<|im_end|>"}, "tokenizer": {"post_processor": None}},
    "begins with nothing": {"tokenizer_config": {"add_bos_token": False, "bos_token": "<|begin|>"}},
    "padding of the file": {"tokenizer": {"padding": {"strategy": "BatchLongest", "direction": "Right", "pad_to_multiple_of": None, "pad_id": 0,
                                                      "pad_type_id": 0, "pad_token": "<pad>"}}},  # fmt: skip
}
NAMED = ["<tool_call>", "<s>", "<|tool|>", "<mask>", "<cut>", "<both>", "tide", "Wörd", "al", "<|eot|>", "<pad>", "<|begin|>", "<unknown>", "<|im_end|>", "<|im_start|>", "the"]
AROUND = ["", " ", "  ", "\n", "a", "A1", "_", ".", "é", "\u00a0", "\u3000 ", "x tides", "final", "W", "o\u0308", "Wo\u0308rd", "go ", "\u0085", "\ufeff"]


def texts(rng: random.Random) -> list[str]:
    made = ["go <|tool|>tide<mask> ok<|im_end|>", "a tide, the tides; low_tide tide1 tide", " al final al. al\u00a0<both>  x <cut> \n y <mask>z", "Wörd Wo\u0308rd words", " <|im_start|> a <|im_end|> b  <tool_call> c", "x<s>y <s> z"]
    while len(made) < 12:
        made.append("".join(rng.choice(AROUND) + rng.choice(NAMED) + rng.choice(AROUND) for _ in range(rng.randint(1, 4))))
    return made


def read(name: str) -> dict:
    return json.loads((HERE / "tokenizer" / f"{name}.json").read_text())


def placement(base: str, files: dict, rng: random.Random) -> dict:
    given = texts(rng)
    with tempfile.TemporaryDirectory() as folder:
        config = {"tokenizer_class": "PreTrainedTokenizerFast", **files.get("tokenizer_config", {})}
        (Path(folder) / "tokenizer.json").write_text(json.dumps({**read(base), **files.get("tokenizer", {})}))
        (Path(folder) / "tokenizer_config.json").write_text(json.dumps(config))
        for name in ("special_tokens_map", "added_tokens"):
            if name in files:
                (Path(folder) / f"{name}.json").write_text(json.dumps(files[name]))
        loaded = AutoTokenizer.from_pretrained(folder)
    ids = [loaded(text, add_special_tokens=False, padding=False)["input_ids"] for text in given]
    decoder = loaded.added_tokens_decoder
    with_special = loaded("tide")["input_ids"]
    loaded._tokenizer.encode_special_tokens = True
    return {
        "base": base,
        "files": {**files, "tokenizer_config": config},
        "texts": given,
        "ids": ids,
        "specials_as_text": [loaded._tokenizer.encode(text, add_special_tokens=False).ids for text in given],
        "with_special": with_special,
        "added": {str(index): [token.content, token.special] for index, token in sorted(decoder.items())},
        "eos_token": loaded.eos_token,
    }


def splits() -> dict:
    """Every behaviour of the steps that cut, by a vocabulary with all pieces, so that each piece is one id."""
    patterns = [{"Regex": r"\w+"}, {"String": "-"}, {"Regex": r"\d*"}, {"Regex": r"\d"}]
    given = ["a-b--c -d-", "--", "in 2024-03-17, 007!", "", "x", "(a)... b?!", "12a34", "$5+<6>^`|~=", "e\u0301-日本-1"]
    behaviours = ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"]
    steps = [
        {"type": "Split", "pattern": pattern, "behavior": behaviour, "invert": invert}
        for pattern, behaviour, invert in itertools.product(patterns, behaviours, (False, True))
    ]
    steps += [{"type": "Punctuation", "behavior": behaviour} for behaviour in behaviours]
    raw = read("gpt2")
    raw["model"] |= {"ignore_merges": True, "merges": []}
    bytes_only = {name: index for name, index in raw["model"]["vocab"].items() if len(name) == 1}
    last = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}

    def with_step(step: dict, vocab: dict) -> Tokenizer:
        changed = {**raw, "added_tokens": [], "post_processor": None, "model": {**raw["model"], "vocab": vocab}}
        return Tokenizer.from_str(json.dumps({**changed, "pre_tokenizer": {"type": "Sequence", "pretokenizers": [step, last]}}))

    cut = {piece for step in steps for text in given for piece, _ in with_step(step, bytes_only).pre_tokenizer.pre_tokenize_str(text)}
    vocab = {**bytes_only, **{piece: 1000 + index for index, piece in enumerate(sorted(cut - set(bytes_only)))}}
    cases = [{"step": step, "ids": [with_step(step, vocab).encode(text).ids for text in given]} for step in steps]
    return {"texts": given, "vocab": vocab, "last": last, "cases": cases}


if __name__ == "__main__":
    rng = random.Random(7)
    made = {f"{base}: {name}": placement(base, files, rng) for base in ("gpt2", "qwen", "llama2") for name, files in PLACEMENTS.items()}
    out = {"source": f"transformers {transformers.__version__}, tokenizers {tokenizers.__version__}", "placements": made, "splits": splits()}
    (HERE / "named_tokens_golden.json").write_text(json.dumps(out, separators=(",", ":")) + "\n")
    print(len(made), len(out["splits"]["cases"]))
