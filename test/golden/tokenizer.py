"""Four small tokenizers and what Python `tokenizers` makes of ~300 fuzzed strings and random id sequences.

Usage: python test/golden/tokenizer.py          (tokenizers 0.23). Fields: README.md here.
qwen = byte-level BPE, NFC, Qwen2's split · gpt2 = ByteLevel's own split · llama3 = Llama 3's split, ignore_merges ·
llama2 = sentencepiece-style BPE with byte fallback.
"""

import json
import os
import random

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

HERE = os.path.dirname(os.path.abspath(__file__))
CORPUS = [
    "Find the cheapest flight from Paris to Oslo on 2024-03-17, then book it for two people.",
    '{"name": "get_weather", "arguments": {"city": "Zürich", "unit": "celsius", "days": 3}}',
    "<|im_start|>user\nWhat is the weather in Tokyo?<|im_end|>\n<|im_start|>assistant\n",
    "The tool returned an error: missing parameter 'currency_code'. I'll try again; it's the 2nd call.",
    "def call(name, arguments):\n    return tools[name](**arguments)\n",
    "Привет, мир! 你好,世界。 こんにちは 😀👩‍👩‍👧 naïve café déjà-vu",
    "SELECT * FROM orders WHERE total >= 100.50 AND status = 'open';",
]
PIECES = [
    "hello", " world", "Tokyo", "get_weather", "12345", "007", "3.14", "'s", "'LL", "I'm", "don't", "  ", "   ", "\n", "\n\n", "\r\n", "\t",
    " \n ", "\u00a0", "\u3000", "\u200b", "\u0085", "\ufeff", "\u2028", "\u00ad", "\x00", "\x1f", "é", "e\u0301", "ﬁ", "Ǆ", "ß", "İ", "ñ", "ا", "שלום",
    "你好", "こんにちは", "한국어", "한", "😀", "👩‍👩‍👧", "🇨🇭", "e\u20dd", "\u0301", "²", "½", "Ⅻ", "١٢٣", "…", "—", "“q”", "{", "}", '"', "\\", "\\n", "/",
    "<", ">", "<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|im_", "im_end|>", "<tool_call>", "</tool_call>", "<s>", "</s>", "<0x0A>", "▁", "Ġ", "Ċ",
    "a", "B", " ", "_", "user", "assistant\n", "\U0001f9d1\u200d\U0001f4bb", "\U00020000", "\ud7ff", "\ufffd", "\uffff", "\U0010ffff",
]
QWEN = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
SPECIALS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]


def byte_level(pre, normalizer=None, ignore_merges=False, bos=None):
    tokenizer = Tokenizer(models.BPE(ignore_merges=ignore_merges))
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=420, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(CORPUS * 3, trainer)
    tokenizer.add_special_tokens(SPECIALS)
    tokenizer.add_tokens([AddedToken(t, special=False, normalized=False) for t in ("<tool_call>", "</tool_call>")])
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    if bos:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{bos} $A", pair=f"{bos} $A $B", special_tokens=[(bos, tokenizer.token_to_id(bos))]
        )
    return tokenizer


def split(pattern):
    return pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(pattern), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )


def sentencepiece():
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, fuse_unk=True, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    bytes_ = [f"<0x{b:02X}>" for b in range(256)]
    trainer = trainers.BpeTrainer(vocab_size=480, show_progress=False, special_tokens=["<unk>", "<s>", "</s>"] + bytes_)
    tokenizer.train_from_iterator(CORPUS * 3, trainer)
    raw = json.loads(tokenizer.to_str())
    raw["added_tokens"] = [t for t in raw["added_tokens"] if not t["content"].startswith("<0x")]  # bytes are not added tokens
    tokenizer = Tokenizer.from_str(json.dumps(raw))
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", 1)])
    return tokenizer


def main():
    rng = random.Random(5)
    texts = ["", " ", "a", *CORPUS, *PIECES]
    while len(texts) < 300:
        texts.append("".join(rng.choice(PIECES) for _ in range(rng.randint(2, 9))))
    built = {
        "qwen": byte_level(split(QWEN), normalizers.NFC()),
        "gpt2": byte_level(pre_tokenizers.ByteLevel(add_prefix_space=False), bos="<|endoftext|>"),
        "llama3": byte_level(split(LLAMA3), ignore_merges=True, bos="<|endoftext|>"),
        "llama2": sentencepiece(),
    }
    out = {"texts": texts, "tokenizers": {}}
    for name, tokenizer in built.items():
        raw = json.loads(tokenizer.to_str())
        with open(os.path.join(HERE, "tokenizer", name + ".json"), "w") as f:
            json.dump(raw, f, ensure_ascii=True, separators=(",", ":"))
        tokenizer = Tokenizer.from_str(tokenizer.to_str())
        size = tokenizer.get_vocab_size()
        ids = [tokenizer.encode(t, add_special_tokens=False).ids for t in texts]
        random_ids = [[rng.randrange(size) for _ in range(rng.randint(1, 12))] for _ in range(40)]
        record = {
            "vocab_size": size,
            "ids": ids,
            "with_special": [tokenizer.encode(t).ids for t in texts[:12]],
            "decoded": {str(i): s for i, s in enumerate(tokenizer.decode(x, skip_special_tokens=False) for x in ids) if s != texts[i]},
            "random_ids": random_ids,
            "random_decoded": [tokenizer.decode(x, skip_special_tokens=False) for x in random_ids],
        }
        tokenizer.encode_special_tokens = True
        as_text = {str(i): tokenizer.encode(t, add_special_tokens=False).ids for i, t in enumerate(texts)}
        record["specials_as_text"] = {i: x for i, x in as_text.items() if x != ids[int(i)]}
        out["tokenizers"][name] = record
    with open(os.path.join(HERE, "tokenizer_golden.json"), "w") as f:
        json.dump(out, f, ensure_ascii=True, separators=(",", ":"))
        f.write("\n")


if __name__ == "__main__":
    os.makedirs(os.path.join(HERE, "tokenizer"), exist_ok=True)
    main()
