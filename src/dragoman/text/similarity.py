"""How much two words look alike and sound alike.

Scope: measures, no decisions. Pure.

* ``edits`` and ``shared_length`` compare letters or any other items, by ``rapidfuzz``.
* ``skeleton`` is the sound of a word without vowels, doubling and the difference between
  voiced and voiceless consonants: recognisers confuse these in names that they do not know. It is a
  coarse relative of Soundex that keeps all consonants, after English spelling: good enough to
  propose, never enough to decide alone.
* ``sound_key`` keeps the vowels and writes letters of one sound as one letter; ``sound_distance``
  is a weighted edit distance over such keys, in which vowels count half and one vowel for another
  less than that. It stays our own, since ``rapidfuzz`` has no weights for single letters.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Hashable, Sequence

from rapidfuzz.distance import Levenshtein, Prefix

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
_VOWELS = frozenset("aeiouyh")
_DOUBLED = re.compile(r"(.)\1+")
_CLASS_OF = {**_CLASSES, **dict(_CLUSTERS)}
_SPELLINGS = re.compile("|".join([*(cluster for cluster, _ in _CLUSTERS), "[a-z]"]))

_KEY_CLUSTERS = (
    ("sch", "X"), ("tch", "X"), ("sz", "X"), ("sh", "X"), ("ch", "X"), ("cz", "X"), ("zh", "X"),
    ("tz", "TS"), ("ph", "F"), ("gh", "K"), ("th", "T"), ("ck", "K"), ("qu", "KF"), ("kn", "N"),
    ("wr", "R"), ("wh", "F"), ("ce", "Se"), ("ci", "Si"), ("cy", "Si"), ("x", "KS"),
)  # fmt: skip
_KEY_LETTERS = str.maketrans("cqzvwdbgj", "kksfftpky")
_NOT_LETTERS = re.compile(r"[\W_]+")


def shared_length(left: Sequence[Hashable], right: Sequence[Hashable]) -> int:
    """How many items two sequences share at their beginnings."""
    return Prefix.similarity(left, right)


def edits(left: Sequence[Hashable], right: Sequence[Hashable], most: int | None = None) -> int:
    """How many items have to be changed, added or dropped (Levenshtein); ``most + 1`` for anything
    beyond ``most``.
    """
    return Levenshtein.distance(left, right, score_cutoff=most)


@functools.lru_cache(maxsize=8192)
def letters(text: str) -> str:
    """Its letters and digits, without case and accents."""
    apart = unicodedata.normalize("NFKD", text).casefold()
    return "".join(char for char in apart if char.isalnum())


@functools.lru_cache(maxsize=8192)
def skeleton(text: str) -> str:
    """The consonants by classes of sound; a vowel is kept only at the beginning, as ``A``."""
    word = letters(text)
    sound = _SPELLINGS.sub(lambda match: _CLASS_OF.get(match[0], ""), word)
    return _DOUBLED.sub(r"\1", ("A" if word[:1] in _VOWELS else "") + sound)


@functools.lru_cache(maxsize=4096)
def sound_key(text: str) -> str:
    """A word, or several as one, as it sounds. Letters of other alphabets stay."""
    plain = _NOT_LETTERS.sub("", text).lower()
    for cluster, sound in _KEY_CLUSTERS:
        plain = plain.replace(cluster, sound)
    return _DOUBLED.sub(r"\1", plain.lower().translate(_KEY_LETTERS))


@functools.lru_cache(maxsize=4096)
def sound_distance(left: str, right: str) -> float:
    """Between two keys: 0 for the same sound, 1 for the weight of the longer key."""
    longest = max(_key_weight(left), _key_weight(right))
    if not longest:
        return 1.0
    before = [0.0]
    for letter in right:
        before.append(before[-1] + _weight(letter))
    for letter in left:
        lone = _weight(letter)
        row = [before[0] + lone]
        for at, other in enumerate(right):
            changed = before[at] + _change(letter, other)
            row.append(min(before[at + 1] + lone, row[at] + _weight(other), changed))
        before = row
    return before[-1] / longest


def sounds_farther(left: str, right: str, most: float) -> bool:
    """Whether two keys are certainly farther apart than ``most``; much faster than the distance:
    every consonant that the other lacks costs one.
    """
    own, other = _consonant_bits(left), _consonant_bits(right)
    lacking = max((own & ~other).bit_count(), (other & ~own).bit_count())
    return lacking > most * max(_key_weight(left), _key_weight(right))


@functools.lru_cache(maxsize=4096)
def _consonant_bits(key: str) -> int:
    bits = 0
    for letter in key:
        bits |= 0 if letter in _VOWELS else 1 << ord(letter) % 61
    return bits


@functools.lru_cache(maxsize=4096)
def _key_weight(key: str) -> float:
    return sum(map(_weight, key))


def _weight(letter: str) -> float:
    return 0.5 if letter in _VOWELS else 1.0


def _change(letter: str, other: str) -> float:
    if letter == other:
        return 0.0
    return 0.3 if letter in _VOWELS and other in _VOWELS else 1.0
