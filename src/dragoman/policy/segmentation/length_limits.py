"""How long a segment may be, how short a clause may be, and where a text that is too long is cut.

Scope: pure, bounded work. The weight of a segment is checked in steps that halve what is left, so
each character is weighed once and there are few steps. The steps depend on the text alone, not on
the pieces in which it comes.
"""

from __future__ import annotations

import re
import unicodedata

from dragoman.policy.segmentation.data import marks
from dragoman.policy.segmentation.open_quotes import OpenQuotes
from dragoman.text import scripts
from dragoman.text.characters import EXTENDS

LONGEST = 200
"""Characters in a segment; those of dense scripts count 2. Closers and marks may exceed it."""

_SHORTEST = LONGEST // 6  # a cut before this would leave tiny segments
_FIRST_CHECK = 80
_EAGER_CHECK = 12
_EAGER_WEIGHT = 12
_EAGER_WORDS = 3
_WIDE = re.compile(f"[{scripts.WIDE}]")  # about twice as long to say
_UNSTOPPED = re.compile(f"[{marks.UNSTOPPED}]")
_WORD = re.compile(r"[^\W_]+")
_DENSE = re.compile(f"[{scripts.DENSE}]")
_SENTENCE_END = re.compile(
    r"[!?…。！？؟۔।]+[”’»」』）)\"']*(?=\s|[^\s\x00-\x7f])|\.[”’»\"')]*(?=\s)"
)
_CLAUSE_END = re.compile(r"[,;:،؛፣፤՝၊–—](?=\s)|[，、；：､—]+(?=.)")
_SPACE = re.compile(r"\s(?=\S)")
_JOINER = "\u200d"
_EXTENDS = re.compile(f"[{EXTENDS}]")
_VIRAMAS = frozenset("\u094d\u09cd\u0a4d\u0acd\u0b4d\u0c4d\u0ccd\u0d4d\u0dca\u1039\u17d2")
_LONGEST_CHARACTER = 40


class SegmentLength:
    """The weight of one segment so far."""

    __slots__ = ("_start", "_to", "_weight", "is_unstopped", "next_at")

    def __init__(self, start: int, *, eager: bool) -> None:
        self._start = self._to = start
        self._weight = 0
        self.is_unstopped = False  # whether it has letters of a script without full stops
        self.next_at = start + (_EAGER_CHECK if eager else _FIRST_CHECK)

    def shift(self, by: int) -> None:
        """The text lost its first ``by`` characters."""
        self._start -= by
        self._to -= by
        self.next_at -= by

    def weigh(self, text: str) -> bool:
        """The text has reached ``next_at``: whether the segment is too long."""
        piece = text[self._to : self.next_at]
        self._weight += len(piece)
        if not piece.isascii():
            self._weight += len(_WIDE.findall(piece))
            self.is_unstopped = self.is_unstopped or _UNSTOPPED.search(piece) is not None
        self._to = self.next_at
        self.next_at += max(1, (LONGEST - self._weight) // 2)
        return self._weight >= LONGEST

    def place(self, text: str, open_quotes: OpenQuotes) -> int:
        """Where to cut the segment that is too long."""
        low, high = self._start + _SHORTEST, self._to
        opened = open_quotes.whole_from(low, high)
        if opened is not None:
            high = opened
        for pattern in (_SENTENCE_END, _CLAUSE_END, _SPACE):
            last = 0
            for found in pattern.finditer(text, low, high):
                last = found.end()
            if last:
                return last
        return high if opened is not None else _between_characters(text, high - 1, self._start)


def _between_characters(text: str, at: int, start: int) -> int:
    """The last place up to ``at`` that is not inside a character."""
    for place in range(at, max(start + 1, at - _LONGEST_CHARACTER), -1):
        if not _is_inside(text, place, start):
            return place
    return at


def _is_inside(text: str, at: int, start: int) -> bool:
    before, after = text[at - 1], text[at]
    if before == _JOINER or before in _VIRAMAS or _EXTENDS.match(after):
        return True
    if after > "\u02ff" and unicodedata.category(after)[0] == "M":
        return True
    if "\ud800" <= before <= "\udbff" and "\udc00" <= after <= "\udfff":
        return True
    if "\u1100" <= before <= "\u11ff" and "\u1160" <= after <= "\u11ff":
        return True
    return _is_flag_half(after) and _flags_before(text, at, start) % 2 == 1


def _is_flag_half(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _flags_before(text: str, at: int, start: int) -> int:
    count = 0
    while at - count > start and _is_flag_half(text[at - count - 1]):
        count += 1
    return count


def is_long_phrase(size: int, *, eager: bool) -> bool:
    """Whether ``size`` characters without a full stop are enough for a segment."""
    return size >= (_EAGER_CHECK if eager else _FIRST_CHECK)


def separates_phrases(before: str, after: str) -> bool:
    """Whether a space between the two characters separates phrases of a script without stops."""
    return (
        _UNSTOPPED.match(before) is not None
        and _UNSTOPPED.match(after) is not None
        and before not in marks.REPEATS
        and after not in marks.REPEATS
        and not after.isdigit()
    )


def is_long_clause(text: str, start: int, at: int) -> bool:
    """Whether the text up to a clause mark is long enough: three words, or six dense characters."""
    piece = text[start:at]
    dense = len(_DENSE.findall(piece)) if not piece.isascii() else 0
    if len(piece.strip()) + dense < _EAGER_WEIGHT:
        return False
    return dense * 2 >= _EAGER_WEIGHT or len(_WORD.findall(piece)) >= _EAGER_WORDS
