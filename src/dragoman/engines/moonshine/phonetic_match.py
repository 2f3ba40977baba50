"""Where a hypothesis sounds like one of a list of names.

Scope: spelling only, no model. It finds one to three words that are phonetically close
to a name, by English letters; the recogniser decides with the audio whether the name was said. The
measure is an edit distance between phonetic keys: letters of one sound are one letter, a vowel
counts half, and a vowel for another one less than that.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

import msgspec

FARTHEST = 0.25
MOST_WORDS = 3
SHORTEST = 4
"""Shorter names are ignored: they sound like too many other words."""

_MARKS = re.compile(r"[.,;:!?]*$")
_NOT_LETTERS = re.compile(r"[\W_]+")
_SOUNDS = (
    ("sch", "X"), ("tch", "X"), ("sz", "X"), ("sh", "X"), ("ch", "X"), ("cz", "X"), ("zh", "X"),
    ("tz", "TS"), ("ph", "F"), ("gh", "K"), ("th", "T"), ("ck", "K"), ("qu", "KF"), ("kn", "N"),
    ("wr", "R"), ("wh", "F"), ("ce", "Se"), ("ci", "Si"), ("cy", "Si"), ("x", "KS"),
)  # fmt: skip
_SAME = str.maketrans("cqzvwdbgj", "kksfftpky")
_VOWELS = frozenset("aeiouyh")
_DOUBLED = re.compile(r"(.)\1+")


class NameMatch(msgspec.Struct, frozen=True):
    """Words ``begin`` up to ``end`` of a hypothesis may be ``name``; 0 is the same sound."""

    begin: int
    end: int
    name: str
    distance: float


@functools.lru_cache(maxsize=4096)
def key(text: str) -> str:
    """The phonetic key of a word, or of several as one. Letters of other alphabets stay."""
    plain = _NOT_LETTERS.sub("", text).lower()
    for letters, sound in _SOUNDS:
        plain = plain.replace(letters, sound)
    return _DOUBLED.sub(r"\1", plain.lower().translate(_SAME))


@functools.lru_cache(maxsize=4096)
def distance(one: str, other: str) -> float:
    """Between two keys, 0 to 1 by the weight of the longer."""
    longest = max(_weights(one), _weights(other))
    if not longest:
        return 1.0
    before = [0.0]
    for letter in other:
        before.append(before[-1] + _weight(letter))
    for letter in one:
        lone = _weight(letter)
        row = [before[0] + lone]
        for at, against in enumerate(other):
            changed = before[at] + _change(letter, against)
            row.append(min(before[at + 1] + lone, row[at] + _weight(against), changed))
        before = row
    return before[-1] / longest


def _is_far(one: str, other: str) -> bool:
    """A cheap lower bound of the distance: every consonant that the other lacks costs one."""
    mine, theirs = _consonants(one), _consonants(other)
    lacking = max((mine & ~theirs).bit_count(), (theirs & ~mine).bit_count())
    return lacking > FARTHEST * max(_weights(one), _weights(other))


@functools.lru_cache(maxsize=4096)
def _consonants(sound: str) -> int:
    bits = 0
    for letter in sound:
        bits |= 0 if letter in _VOWELS else 1 << ord(letter) % 61
    return bits


@functools.lru_cache(maxsize=4096)
def _weights(sound: str) -> float:
    return sum(map(_weight, sound))


def _weight(letter: str) -> float:
    return 0.5 if letter in _VOWELS else 1.0


def _change(letter: str, against: str) -> float:
    if letter == against:
        return 0.0
    return 0.3 if letter in _VOWELS and against in _VOWELS else 1.0


def split_marks(word: str) -> tuple[str, str]:
    """A word without what stands behind it, and that: marks, and an English genitive."""
    marks = _MARKS.search(word)
    tail = marks[0] if marks else ""
    bare = word[: len(word) - len(tail)]
    if bare.endswith(("'s", "’s")):
        return bare[:-2], bare[-2:] + tail
    return bare, tail


def find_matches(words: Sequence[str], names: Sequence[str], first: int = 0) -> list[NameMatch]:
    """Where a hypothesis is close to a name without being equal, from word ``first`` on; the
    closest first.
    """
    keys = [(name, key(name)) for name in names if len(name) >= SHORTEST]
    bare = [split_marks(word) for word in words]
    found = []
    for begin in range(first, len(words)):
        for end in range(begin + 1, min(begin + MOST_WORDS, len(words)) + 1):
            if end - begin > 1 and bare[end - 2][1]:
                break  # never across a mark
            text = " ".join(word for word, _ in bare[begin:end])
            sound = key(text)
            found += [
                NameMatch(begin, end, name, far)
                for name, wanted in keys
                if f" {name} " not in f" {text} "
                if abs(len(sound) - len(wanted)) <= 1 + len(wanted) // 3
                if not _is_far(sound, wanted)
                if (far := distance(sound, wanted)) <= FARTHEST
            ]
    return sorted(found, key=lambda one: (one.distance, one.begin, one.end))
