"""Committed target text, that may come word by word, to pieces worth speaking.

Law of this file: only *how much is spoken at a time*; what may be spoken was decided before (the
text is committed and never changes), when it is played is decided later. Pure; ``now_s`` is an
input. A voice that is given single words sounds like a list, one that waits for sentences
comes late; a piece is spoken as soon as it

* ends at a clause mark and holds at least three words, or
* was committed together as a clause (``ends``), or
* has eight words (in languages without spaces: fourteen to sixteen characters), or
* has waited for a second since its first word, unless the voice still has something to say: then
  nobody would hear it earlier, and longer pieces sound better.

Everything given in comes out once, in order: ``"".join`` of the pieces is the text. Usage::

    pieces = units.add(piece, now_s, ends=True)   # what is ripe at once
    units.due_s                                   # when to ask again if nothing comes, or None
    pieces = units.ripe(now_s, busy=False)        # what has waited long enough
    pieces = units.flush()                        # the turn is over

Source: the values are those with which interpreted speech in our measurements had the fewest
audible gaps without lagging further behind.
"""

from __future__ import annotations

import re

from dragoman.text import clause_data
from dragoman.text.words import ends_with_mark, fold

LEAST_WORDS = 3
MOST_WORDS = 8
LONGEST_WAIT_S = 1.0

_MARKS = (*clause_data.FULL_STOPS, *clause_data.HALF_STOPS, *clause_data.COMMAS)
_WORD = re.compile(r"\s*\S+")
_CHARACTER = re.compile(r"\s*\S")


class SpeechChunks:
    """What of one turn waits to be spoken. ``language`` is the one that is spoken."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._waiting = ""
        self._since_s: float | None = None

    @property
    def waiting(self) -> str:
        """The text that is not yet given out."""
        return self._waiting

    @property
    def due_s(self) -> float | None:
        """When what waits should be asked for with ``ripe``; None while nothing waits."""
        return None if self._since_s is None else self._since_s + LONGEST_WAIT_S

    def add(self, piece: str, now_s: float, *, ends: bool = False) -> list[str]:
        """Take committed text (it brings its own leading space); the pieces to speak now.
        ``ends``: a clause or sentence is complete with it.
        """
        self._waiting += piece
        if ends:
            return self.flush()
        ripe: list[str] = []
        while (end := self._end()) is not None:
            ripe.append(self._waiting[:end])
            self._waiting = self._waiting[end:]
            self._since_s = None
        if not any(char.isalnum() for char in self._waiting):
            self._since_s = None
        elif self._since_s is None:
            self._since_s = now_s
        return ripe

    def ripe(self, now_s: float, *, busy: bool = False) -> list[str]:
        """What has waited long enough. ``busy``: earlier pieces are still being heard."""
        if busy or self.due_s is None or now_s < self.due_s:
            return []
        return self.flush()

    def flush(self) -> list[str]:
        """Everything that waits, as one piece."""
        piece, self._waiting, self._since_s = self._waiting, "", None
        return [piece] if piece else []

    def _end(self) -> int | None:
        """Where the next piece ends; None while it is not complete."""
        step = _WORD if clause_data.is_spaced(self._language) else _CHARACTER
        words = 0.0
        opener: int | None = None
        for match in step.finditer(self._waiting):
            begin, end = match.span()
            word = match.group().strip()
            if words >= LEAST_WORDS and self._opens(begin):
                opener = begin
            words += clause_data.weight(word, self._language)
            if words >= LEAST_WORDS and ends_with_mark(word, _MARKS, self._language):
                return end
            if words > MOST_WORDS:
                return opener or begin
        if words >= MOST_WORDS:
            return opener or len(self._waiting)
        return None

    def _opens(self, begin: int) -> bool:
        rest = self._waiting[begin:].strip()
        word = fold(rest.split()[0]) if clause_data.is_spaced(self._language) else rest
        return clause_data.opens_clause(word, self._language)
