"""How much two words look alike and sound alike.

Law of this file: measures of letters, no decisions. Pure. ``edits`` is Levenshtein's distance with
an upper bound. ``skeleton`` is what is left of a word's sound when vowels, doubling and the
difference between voiced and voiceless consonants are taken away: recognisers confuse these when
they spell a name that they do not know. It is a coarse relative of Soundex that keeps all
consonants, after English spelling: good enough to propose, never enough to decide alone.
"""

from __future__ import annotations

import functools
import re
import unicodedata

_CLUSTERS = (
    ("tch", "S"), ("sch", "S"), ("sh", "S"), ("ch", "S"), ("ph", "F"), ("th", "T"), ("gh", "K"),
    ("ck", "K"), ("qu", "K"), ("dg", "S"), ("ce", "S"), ("ci", "S"), ("cy", "S"), ("ge", "S"),
    ("gi", "S"), ("x", "KS"), ("wr", "R"), ("kn", "N"),
)  # fmt: skip
_CLASSES = {
    **dict.fromkeys("bp", "P"), **dict.fromkeys("fv", "F"), **dict.fromkeys("dt", "T"),
    **dict.fromkeys("gkcq", "K"), **dict.fromkeys("szj", "S"), "l": "L", "m": "M", "n": "N",
    "r": "R",
}  # fmt: skip
_VOWELS = "aeiouyh"
_RUNS = re.compile(r"(.)\1+")
_SOUNDS = {**_CLASSES, **dict(_CLUSTERS)}
_SPELLINGS = re.compile("|".join([*(cluster for cluster, _ in _CLUSTERS), "[a-z]"]))


@functools.lru_cache(maxsize=8192)
def letters(text: str) -> str:
    """Its letters and digits, without case and accents."""
    apart = unicodedata.normalize("NFKD", text).casefold()
    return "".join(char for char in apart if char.isalnum())


def edits(left: str, right: str, most: int) -> int:
    """How many letters have to be changed, added or dropped; ``most + 1`` for anything beyond."""
    if abs(len(left) - len(right)) > most:
        return most + 1
    row = list(range(len(right) + 1))
    for place, char in enumerate(left, 1):
        above, row[0] = row[0], place
        for at, other in enumerate(right, 1):
            change = above + (char != other)
            above = row[at]
            row[at] = min(change, row[at] + 1, row[at - 1] + 1)
        if min(row) > most:
            return most + 1
    return min(row[-1], most + 1)


@functools.lru_cache(maxsize=8192)
def skeleton(text: str) -> str:
    """The consonants by classes of sound; a vowel is kept only at the beginning, as ``A``."""
    word = letters(text)
    sound = _SPELLINGS.sub(lambda match: _SOUNDS.get(match[0], ""), word)
    return _RUNS.sub(r"\1", ("A" if word[:1] in _VOWELS and word else "") + sound)


def bag(text: str) -> int:
    """Which letters there are, as bits: two words ``n`` edits apart differ in at most ``2 n``."""
    bits = 0
    for char in text:
        bits |= 1 << (ord(char) % 64)
    return bits
