"""Numbers that a model garbles, behind short ones that it does not.

Scope: pure. Numbers of two digits came through 60 of 60 times, those of five were wrong 7 of 24
times. So a number that got lost is replaced by one of two digits that does not occur in the text
(a number and no name, so that the noun behind stays a plural), and put back into the translation.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from dragoman.text.numbers import numbers_in

_STAND_INS = ("37", "48", "59", "64", "73", "86", "95", "28", "46", "83", "57", "68", "94", "34")
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+|\d{1,3}(?:\.\d{3})+")
_SWAPPED = str.maketrans(",.", ".,")
_DECIMAL_POINT = frozenset({"en", "zh", "ja", "ko", "th", "hi", "he", "ms", "mt", "ta", "te", "bn"})


class HiddenNumbers:
    """``text`` is the source with stand-ins for the numbers in ``lost``; false if there are none,
    or more than stand-ins.
    """

    def __init__(self, text: str, lost: Sequence[str], pair: tuple[str, str]) -> None:
        taken = " ".join(numbers_in(text))
        free = [number for number in _STAND_INS if number not in taken]
        self._by_stand_in = dict(zip(free, dict.fromkeys(lost), strict=False))
        self._are_all = len(self._by_stand_in) == len(set(lost))
        self._swaps = _swaps(pair)
        for stand_in, number in self._by_stand_in.items():
            text = _whole(number).sub(stand_in, text)
        self.text = text

    def __bool__(self) -> bool:
        return bool(self._by_stand_in) and self._are_all

    def restored(self, translation: str) -> str:
        """The translation of ``text`` with the numbers in their places, as the target language
        writes them; empty if a stand-in got lost.
        """
        for stand_in, number in self._by_stand_in.items():
            written = number.translate(_SWAPPED) if self._swaps else number
            translation, count = _whole(stand_in).subn(written, translation)
            if not count:
                return ""
        return translation


def with_target_separators(text: str, translation: str, pair: tuple[str, str]) -> str:
    """The translation of ``text`` in which thousands are not separated as in the source language,
    where that is the target's decimal mark: 9,644 would be nine and a half.
    """
    for number in numbers_in(text) if _swaps(pair) else ():
        if _GROUPED.fullmatch(number) and ("," in number) == (pair[0] in _DECIMAL_POINT):
            translation = _whole(number).sub(number.translate(_SWAPPED), translation)
    return translation


def _swaps(pair: tuple[str, str]) -> bool:
    return (pair[0] in _DECIMAL_POINT) != (pair[1] in _DECIMAL_POINT)


def _whole(number: str) -> re.Pattern[str]:
    """The number where it is no part of a longer one."""
    return re.compile(rf"(?<![\d.,]){re.escape(number)}(?!\d|[.,]\d)")
