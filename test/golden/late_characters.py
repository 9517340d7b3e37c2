"""Characters that Python `tokenizers` leaves alone in normal forms, though Unicode by now decomposes or reorders them.

Usage: python test/golden/late_characters.py        (tokenizers 0.23, unicodedata2 18.0)

Its tables are of Unicode 9. Prints the ranges that src/models/tokenizer/normalForms.ts holds.
"""

import unicodedata2
from tokenizers import normalizers

FORMS = {"NFC": normalizers.NFC(), "NFD": normalizers.NFD(), "NFKC": normalizers.NFKC(), "NFKD": normalizers.NFKD()}


def trials(character):
    """Texts in which a combining class or a decomposition shows."""
    canonical = unicodedata2.decomposition(character)
    if unicodedata2.combining(character):
        yield from ("b\u0301" + character, "b" + character + "\u0334", "b" + character + "\u0301")
    if canonical:
        yield character
        if not canonical.startswith("<"):
            yield "".join(chr(int(x, 16)) for x in canonical.split())


def main():
    ranges = []
    for code in (c for c in range(0x110000) if not 0xD800 <= c < 0xE000):
        texts = list(trials(chr(code)))
        if all(form.normalize_str(text) == unicodedata2.normalize(name, text) for text in texts for name, form in FORMS.items()):
            continue
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    print(" ".join(f"{a:x}" if a == b else f"{a:x}-{b:x}" for a, b in ranges))


if __name__ == "__main__":
    main()
