"""The text of a recogniser that writes running text, as words of a hypothesis.

Scope: pure; where words begin, and when they were said if the recogniser gives times of words or
of segments. Those come without punctuation and often cut otherwise than the text does, so times
are found by counting letters: each piece spreads its letters evenly over its time.
"""

from __future__ import annotations

import bisect
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from dragoman.speech import Word
from dragoman.text.scripts import is_unspaced
from dragoman.text.words import without_controls

_LONGEST_S = 86_400.0
"""No audio is longer: beyond it a time is nonsense, and too large a number for other processes."""
_OPENING = {"Ps", "Pi"}  # Unicode categories of brackets and quotes that open


class TimedPiece(NamedTuple):
    """A piece of the text, in order, and when it was said, in seconds of the audio."""

    text: str
    start_s: float
    end_s: float


def transcript_words(
    text: str, pieces: Sequence[TimedPiece] = (), confidence: float | None = None
) -> tuple[Word, ...]:
    """The words of a text; with pieces that have letters, with their times in ms.

    A character of a script without spaces (Chinese, Japanese, Thai) is a word of its own, with the
    marks that belong to it; it is joined to what stands before it without a space.
    """
    runs = without_controls(text).split()
    written = [(part, place > 0) for run in runs for place, part in enumerate(_parts(run))]
    times = _times([part for part, _ in written], pieces)
    return tuple(
        Word(part, confidence, start_ms, end_ms, is_joined)
        for (part, is_joined), (start_ms, end_ms) in zip(written, times, strict=True)
    )


def _parts(run: str) -> Iterator[str]:
    """The words in text without a space."""
    word, letter = "", ""  # so far, and the last letter in it
    for char in run:
        if char.isalnum():
            if letter and (is_unspaced(char) or is_unspaced(letter)):
                yield word
                word = ""
            letter = char
        elif is_unspaced(letter) and unicodedata.category(char) in _OPENING:
            yield word
            word, letter = "", ""
        word += char
    if word:
        yield word


def _letters(text: str) -> int:
    return sum(map(str.isalnum, text))


def _times(
    words: Sequence[str], pieces: Sequence[TimedPiece]
) -> list[tuple[int, int]] | list[tuple[None, None]]:
    timed = [piece for piece in pieces if _letters(piece.text)]
    if not timed:
        return [(None, None)] * len(words)
    ends = list(accumulate(_letters(piece.text) for piece in timed))
    scale = ends[-1] / max(1, sum(map(_letters, words)))

    def at_ms(letters: float, *, is_end: bool) -> int:
        find = bisect.bisect_left if is_end else bisect.bisect_right
        place = min(find(ends, letters - 1e-6 if is_end else letters + 1e-6), len(ends) - 1)
        begin = ends[place - 1] if place else 0
        share = min(1.0, max(0.0, (letters - begin) / (ends[place] - begin)))
        piece = timed[place]
        length_s = max(0.0, piece.end_s - piece.start_s)
        at_s = piece.start_s + share * length_s
        return round(1000 * max(0.0, min(at_s, _LONGEST_S)))

    found, before, last_ms = [], 0.0, 0
    for word in words:
        after = before + _letters(word) * scale
        start_ms = max(last_ms, at_ms(before, is_end=False))
        last_ms = max(start_ms, at_ms(after, is_end=True))
        found.append((start_ms, last_ms))
        before = after
    return found
