"""Three small SentencePiece models and what sentencepiece and transformers make of 330 fuzzed strings and random ids.

Usage: python test/golden/sentencepiece.py     (sentencepiece 0.2.1, transformers 4.57.6: the last whose LlamaTokenizerFast is
converted from tokenizer.model as Llama 2's was). Fields: README.md here.
llama = BPE as Llama 2 was trained · unigram = SentencePiece's defaults with a small character map of our own, no byte fallback ·
unigram_bytes = unigram with Llama's other settings.
"""

import json
import os
import random
import re
import sys
import tempfile

# This file bears the library's name.
sys.path = [p for p in sys.path if os.path.abspath(p or ".") != os.path.dirname(os.path.abspath(__file__))]

import sentencepiece as spm
from transformers import LlamaTokenizerFast

HERE = os.path.dirname(os.path.abspath(__file__))
CORPUS = [
    "The agent reads the question, chooses a tool and calls it with arguments.",
    "A tool answers with an observation; the agent reads the observation and calls the next tool.",
    "Find the cheapest flight from Lisbon to Oslo, then book it for two people on Friday.",
    "When the weather in Zurich is rainy, look for a museum that is open in the afternoon.",
    "The currency converter needs an amount, a source currency and a target currency.",
    "If a call fails, read the error message, correct the missing parameter and try again.",
    "Thought: I should search for the restaurant before I ask for its opening hours.",
    "Action: search_restaurants\nAction Input: {\"city\": \"Lyon\", \"cuisine\": \"thai\", \"limit\": 3}",
    "Action: Finish\nAction Input: {\"return_type\": \"give_answer\", \"final_answer\": \"It costs 42.50 EUR.\"}",
    "def call(name, arguments):\n    result = tools[name](**arguments)\n    return result\n",
    "  - first item\n  - second item\n    - nested item\n\n\n",
    "The reward of a step says whether the call was useful; the reward of the answer says whether it was right.",
    "Training raises the probability of good actions and lowers the probability of bad actions.",
    "Messages, languages, passages and packages; a message, a language, a passage and a package.",
    "Un café à Genève, déjà vu, naïve, señor, Straße, Zürich, Ærø, Łódź.",
    "Привет, мир! Погода сегодня хорошая. 天气很好,我们去公园。 今日は天気がいいです。",
    "0 1 2 3 4 5 6 7 8 9 10 11 12 100 2024 3.14159 1,000,000",
]
PIECES = [
    "hello", " world", "the tool", " calls", "observation", "search_restaurants", "12345", "3.14", " ", "  ", "   ", "     ", "\n", "\n\n", "\r\n", "\t",
    "\t\t", " \n ", "\u00a0", "\u3000", "\u200b", "\u0085", "\ufeff", "\u2028", "\u00ad", "\x00", "\x1f", "\x7f", "é", "e\u0301", "n\u0303", "ﬁ", "ﬀ", "Ａ", "ｚ", "Ǆ", "ß",
    "İ", "ñ", "ا", "שלום", "你好", "天气", "こんにちは", "今日は", "한국어", "한", "Привет", "😀", "👩‍👩‍👧", "🇨🇭", "e\u20dd", "\u0301", "²", "½", "Ⅻ", "١٢٣", "…", "—", "“q”",
    "{", "}", '"', "\\", "\\n", "/", "<", ">", "<0x0A>", "<0x", "▁", "▁▁", "a", "B", "_", "'s", "aaaaaaa", "-----", "\u202e",
    "\U0001f9d1\u200d\U0001f4bb", "\U00020000", "\ud7ff", "\ufffd", "\uffff", "\U0010ffff",
]  # fmt: skip
SPECIALS = ["<s>", "</s>", "<unk>", "<tool>", "<pad>", "[PAD]", "<|im_start|>", "<|im_end|>", "<s", "</s"]
# What the unigram model's normaliser does: from → to (hexadecimal code points). Prefixes of each other, deletions, several to one.
RULES = {
    "ﬁ": "fi", "ﬀ": "ff", "Ａ": "A", "ｚ": "z", "\u00a0": " ", "\u3000": " ", "\t": " ", "\n": " ", "\r": " ", "\r\n": " ", "\u00ad": "",
    "\u200b": "", "e\u0301": "é", "e": "e", "n\u0303": "ñ", "…": "...", "“": '"', "”": '"', "—": "-", "½": " 1/2", "\x7f": "", "한": "한",
}  # fmt: skip
SHARED = {"num_threads": 1, "character_coverage": 0.9995, "hard_vocab_limit": True, "minloglevel": 2, "input_sentence_size": 0}
LLAMA = {
    "normalization_rule_name": "identity", "remove_extra_whitespaces": False, "add_dummy_prefix": True, "byte_fallback": True,
    "split_digits": True, "allow_whitespace_only_pieces": True, "pad_id": -1,
}  # fmt: skip
# Left out here beside tokens that take the space around them; sentencepiece_fuzz.py has such texts.
UNSHARED_SPACE = re.compile("[\ufeff\u0085]<tool>|<\\|im_start\\|>[\ufeff\u0085]")
# The second reading of llama.model: what a model fine-tuned for tools adds to it.
TOOL_CONFIG = {
    "tokenizer_class": "LlamaTokenizer", "legacy": False, "add_bos_token": True, "add_eos_token": True,
    "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "[PAD]",
}  # fmt: skip


def train(name, rules=None, **options):
    path = os.path.join(HERE, "tokenizer", name + ".model")
    with tempfile.TemporaryDirectory() as folder:
        if rules:
            tsv = os.path.join(folder, "rules.tsv")
            with open(tsv, "w") as f:
                for a, b in rules.items():
                    f.write(" ".join(f"{ord(c):X}" for c in a) + "\t" + " ".join(f"{ord(c):X}" for c in b) + "\n")
            options["normalization_rule_tsv"] = tsv
        sentences = [line for text in CORPUS for line in [text, *text.split("\n")] if line] * 2
        with open(path, "wb") as f:
            spm.SentencePieceTrainer.train(sentence_iterator=iter(sentences), model_writer=f, **SHARED, **options)
    return path


def unmapped_path(path):
    """The rules' temporary file name is no part of what the model means, and would make every run's bytes differ."""
    from sentencepiece import sentencepiece_model_pb2 as pb

    proto = pb.ModelProto()
    with open(path, "rb") as f:
        proto.ParseFromString(f.read())
    proto.normalizer_spec.normalization_rule_tsv = ""
    with open(path, "wb") as f:
        f.write(proto.SerializeToString(deterministic=True))


def llama_fast(path, config):
    with tempfile.TemporaryDirectory() as folder:
        with open(path, "rb") as source, open(os.path.join(folder, "tokenizer.model"), "wb") as target:
            target.write(source.read())
        with open(os.path.join(folder, "tokenizer_config.json"), "w") as f:
            json.dump(config, f)
        return LlamaTokenizerFast.from_pretrained(folder)


def added(content, special=True, rstrip=False, lstrip=False):
    return {"content": content, "lstrip": lstrip, "rstrip": rstrip, "normalized": False, "single_word": False, "special": special}


def fast_record(tokenizer, texts, rng, base=None):
    """`ids` [text][token]; with `base`, {index: ids} where they differ from base's."""

    def encode(text, specials=False):
        return tokenizer(text, add_special_tokens=specials)["input_ids"]

    def decode(ids):
        return tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)

    ids = [encode(t) for t in texts]
    random_ids = [[rng.randrange(len(tokenizer)) for _ in range(rng.randint(1, 12))] for _ in range(40)]
    return {
        "vocab_size": len(tokenizer),
        "ids": ids if base is None else {str(i): x for i, x in enumerate(ids) if x != base[i]},
        "with_special": [encode(t, True) for t in texts[:12]],
        "decoded": {str(i): s for i, s in enumerate(decode(x) for x in ids) if s != texts[i]},
        "random_ids": random_ids,
        "random_decoded": [decode(x) for x in random_ids],
    }, ids


def by_sections(processor, text):
    """What transformers means to do: control tokens split the text, and sentencepiece encodes what stands between them."""
    sections = [x for x in re.split("(<unk>|<s>|</s>)", text) if x]
    return [i for x in sections for i in ([processor.piece_to_id(x)] if x in ("<unk>", "<s>", "</s>") else processor.encode(x))]


def main():
    rng = random.Random(11)
    texts = ["", " ", "  ", "a", " a", "a ", "  a  b  ", *CORPUS, *PIECES, *SPECIALS]
    while len(texts) < 330:
        pool = PIECES + 4 * SPECIALS if rng.random() < 0.5 else PIECES
        text = "".join(rng.choice(pool) for _ in range(rng.randint(2, 7)))
        if not UNSHARED_SPACE.search(text):
            texts.append(text)

    llama = train("llama", model_type="bpe", vocab_size=600, **LLAMA)
    unigram_bytes = train("unigram_bytes", model_type="unigram", vocab_size=500, **LLAMA)
    unigram = train("unigram", RULES, model_type="unigram", vocab_size=260, user_defined_symbols=["<tool>"], control_symbols=["<pad>"])
    unmapped_path(unigram)

    out = {"texts": texts, "readings": {}}
    record, llama_ids = fast_record(llama_fast(llama, {"legacy": True}), texts, rng)
    size = record["vocab_size"]
    processor = spm.SentencePieceProcessor(model_file=llama)
    assert [by_sections(processor, text) for text in texts] == llama_ids
    record["specials_as_text"] = {
        str(i): x for i, x in enumerate(map(processor.encode, texts)) if x != llama_ids[i] and any(s in texts[i] for s in SPECIALS)
    }
    out["readings"]["llama"] = {"model": "llama", "config": {}, **record}

    config = {
        **TOOL_CONFIG,
        "added_tokens_decoder": {
            "0": added("<unk>"), "1": added("<s>"), "2": added("</s>"), str(size): added("<|im_start|>", rstrip=True), str(size + 1): added("<|im_end|>"),
            str(size + 2): added("<tool>", special=False, lstrip=True),
        },
    }  # fmt: skip
    record, _ = fast_record(llama_fast(llama, config), texts, rng, llama_ids)
    out["readings"]["llama_tools"] = {"model": "llama", "config": config, "base": "llama", **record}

    fast = llama_fast(unigram_bytes, {"legacy": True})
    record, ids = fast_record(fast, texts, rng)
    processor = spm.SentencePieceProcessor(model_file=unigram_bytes)
    # transformers reads a written "<0x0A>" as the byte, and rounds sums otherwise than sentencepiece, which is right.
    for i, text in enumerate(texts):
        right = by_sections(processor, text)
        if right == ids[i]:
            continue
        assert "<0x0A>" in text or sorted(right) == sorted(ids[i]), text
        record["ids"][i] = right
        decoded = fast.decode(right, skip_special_tokens=False, clean_up_tokenization_spaces=False)
        record["decoded"].pop(str(i), None)
        if decoded != text:
            record["decoded"][str(i)] = decoded
    out["readings"]["unigram_bytes"] = {"model": "unigram_bytes", "config": {}, **record}

    processor = spm.SentencePieceProcessor(model_file=unigram)
    plain = {str(i): processor.encode(t) for i, t in enumerate(texts) if "<tool>" not in t}
    out["sentencepiece"] = {
        "model": "unigram",
        "vocab_size": processor.get_piece_size(),
        "ids": plain,
        "decoded": {i: processor.decode(x) for i, x in plain.items() if 0 not in x},
    }
    with open(os.path.join(HERE, "sentencepiece_golden.json"), "w") as f:
        json.dump(out, f, ensure_ascii=True, separators=(",", ":"))
        f.write("\n")


if __name__ == "__main__":
    main()
