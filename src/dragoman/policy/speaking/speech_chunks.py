"""Committed target text, which may come word by word, to pieces that are worth speaking.

Scope: how much is spoken at a time. The text is committed before and played later; that is decided
elsewhere. Pure; ``now_s`` is an input. A voice that is given single words sounds like a list, one
that waits for sentences comes late. So a piece is spoken as soon as it

* ends at a clause mark and has at least three words, or
* was committed together as a clause (``ends``), or
* has eight words (in languages without spaces: fourteen to sixteen characters), or
* has waited for a second since its first word, unless the voice is still playing: then it would not
  be heard earlier, and longer pieces sound better.

Everything that is added comes out once, in order: ``"".join`` of the pieces is the text. Usage::

    pieces = chunks.add(piece, now_s, ends=True)   # pieces to speak now
    chunks.due_s                                   # when to ask again if nothing comes, or None
    pieces = chunks.take_due(now_s, busy=False)    # what has waited long enough
    pieces = chunks.flush()                        # the turn is over

Source: the values with which interpreted speech in our measurements had the fewest audible gaps
without more lag.
"""

from __future__ import annotations

import re

from dragoman.text import clause_data
from dragoman.text.spoken import is_speakable
from dragoman.text.words import ends_with_mark, fold

LEAST_WORDS = 3
MOST_WORDS = 8
LONGEST_WAIT_S = 1.0

_MARKS = (*clause_data.FULL_STOPS, *clause_data.HALF_STOPS, *clause_data.COMMAS)
_WORD = re.compile(r"\s*\S+")
_CHARACTER = re.compile(r"\s*\S")


class SpeechChunks:
    """The text of one turn that waits to be spoken, in this language."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._waiting = ""
        self._since_s: float | None = None

    @property
    def waiting(self) -> str:
        """The text that has not come out yet."""
        return self._waiting

    @property
    def due_s(self) -> float | None:
        """When to call ``take_due``; None while nothing waits."""
        return None if self._since_s is None else self._since_s + LONGEST_WAIT_S

    def add(self, piece: str, now_s: float, *, ends: bool = False) -> list[str]:
        """Add committed text, with its own leading space; returns the pieces to speak now.
        ``ends``: a clause or sentence is complete with it.
        """
        self._waiting += piece
        if ends:
            return self.flush()
        pieces: list[str] = []
        while (end := self._end()) is not None:
            pieces.append(self._waiting[:end])
            self._waiting = self._waiting[end:]
            self._since_s = None
        if not is_speakable(self._waiting):
            self._since_s = None
        elif self._since_s is None:
            self._since_s = now_s
        return pieces

    def take_due(self, now_s: float, *, busy: bool = False) -> list[str]:
        """What has waited long enough. ``busy``: earlier pieces are still playing."""
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
