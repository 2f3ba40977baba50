"""Counting text the way the usage of a response reports it.

Scope: pure counts. ``characters`` is exact: recordings of the cloud confirm that a Han ideograph
(also as Kanji or Hanja) counts 2 and anything else 1. ``text_tokens`` is an estimate and documented
as one, since the cloud's tokenizer is not public: one per Han, kana or hangul character, and one
per four others, rounded up.
"""

from __future__ import annotations

import re

from dragoman.text import scripts

_HAN_RUNS = re.compile(f"[{scripts.HAN}]+")
_SYLLABLE_RUNS = re.compile(f"[{scripts.DENSE}]+")
_CHARS_PER_TOKEN = 4


class TextMeter:
    """Both counts of a text that comes in pieces, without keeping it: a response may be a book."""

    def __init__(self) -> None:
        self.characters = 0
        self._syllables = self._others = 0

    def feed(self, text: str) -> None:
        """More text."""
        syllables = _covered(_SYLLABLE_RUNS, text)
        self._syllables += syllables
        self._others += len(text) - syllables
        self.characters += characters(text)

    def add(self, other: TextMeter) -> None:
        """The text that ``other`` counted."""
        self.characters += other.characters
        self._syllables += other._syllables
        self._others += other._others

    @property
    def tokens(self) -> int:
        """``text_tokens`` of all of it."""
        return self._syllables + -(-self._others // _CHARS_PER_TOKEN)


def characters(text: str) -> int:
    """Billed characters: 2 for a Han ideograph, 1 for anything else, spaces included."""
    return len(text) + _covered(_HAN_RUNS, text)


def text_tokens(text: str) -> int:
    """Estimated tokens of the text."""
    meter = TextMeter()
    meter.feed(text)
    return meter.tokens


def cut_to_tokens(text: str, most: int) -> str:
    """The longest beginning of the text that is estimated at ``most`` tokens or less."""
    text = text[: most * _CHARS_PER_TOKEN]  # no more can fit
    if text_tokens(text) <= most:
        return text
    lo, hi = most, len(text)
    while lo < hi:
        middle = (lo + hi + 1) // 2
        lo, hi = (middle, hi) if text_tokens(text[:middle]) <= most else (lo, middle - 1)
    return text[:lo]


def _covered(runs: re.Pattern[str], text: str) -> int:
    return sum(match.end() - match.start() for match in runs.finditer(text))
