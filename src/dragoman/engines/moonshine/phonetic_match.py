"""Where a hypothesis sounds like one of a list of names.

Scope: spelling only, no model. It finds one to three words that are phonetically close
to a name, by English letters; the recogniser decides with the audio whether the name was said. The
measure is an edit distance between phonetic keys: letters of one sound are one letter, a vowel
counts half, and a vowel for another one less than that.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from dragoman.text.similarity import sound_distance, sound_key, sounds_farther

FARTHEST = 0.25
MOST_WORDS = 3
SHORTEST = 4
"""Shorter names are ignored: they sound like too many other words."""

_MARKS = re.compile(r"[.,;:!?]*$")


class NameMatch(msgspec.Struct, frozen=True):
    """Words ``begin`` up to ``end`` of a hypothesis may be ``name``; 0 is the same sound."""

    begin: int
    end: int
    name: str
    distance: float


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
    keys = [(name, sound_key(name)) for name in names if len(name) >= SHORTEST]
    bare = [split_marks(word) for word in words]
    found = []
    for begin in range(first, len(words)):
        for end in range(begin + 1, min(begin + MOST_WORDS, len(words)) + 1):
            if end - begin > 1 and bare[end - 2][1]:
                break  # never across a mark
            text = " ".join(word for word, _ in bare[begin:end])
            sound = sound_key(text)
            found += [
                NameMatch(begin, end, name, far)
                for name, wanted in keys
                if f" {name} " not in f" {text} "
                if abs(len(sound) - len(wanted)) <= 1 + len(wanted) // 3
                if not sounds_farther(sound, wanted, FARTHEST)
                if (far := sound_distance(sound, wanted)) <= FARTHEST
            ]
    return sorted(found, key=lambda one: (one.distance, one.begin, one.end))
