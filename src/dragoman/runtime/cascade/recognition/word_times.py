"""When the words of successive hypotheses of one window were said, in media time of the session."""

from __future__ import annotations

from collections.abc import Sequence

from dragoman.speech import Word
from dragoman.text.words import fold


class WordTimes:
    """Remembers the last hypothesis of the present window."""

    def __init__(self) -> None:
        self._last: list[tuple[str, int]] = []

    def clear(self) -> None:
        """Another window begins."""
        self._last = []

    def timed(self, words: Sequence[Word], begin_ms: int, end_ms: int) -> tuple[Word, ...]:
        """The words of a hypothesis of the audio from ``begin_ms`` to ``end_ms``, with times of the
        session instead of the window. Where the engine gives no time, a word ends where the audio
        ended in which it was first recognised.
        """
        timed, seen = [], []
        for place, word in enumerate(words):
            key, word_end_ms = fold(word.text), end_ms
            if word.end_ms is not None:
                word_end_ms = begin_ms + word.end_ms
            elif place < len(self._last) and self._last[place][0] == key:
                word_end_ms = self._last[place][1]
            start_ms = None if word.start_ms is None else begin_ms + word.start_ms
            seen.append((key, word_end_ms))
            timed.append(Word(word.text, word.confidence, start_ms, word_end_ms, word.joined))
        self._last = seen
        return tuple(timed)
