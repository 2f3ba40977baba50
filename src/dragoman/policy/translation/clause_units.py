"""When committed source text is translated: clause units and sentence breaks.

Scope: where source text is cut. Pure. ``ClauseUnits.update`` is given all committed words of the
turn each time; they only grow (the last may gain a mark, see ``policy.recognition``), so it keeps
positions, not words. Language data is in ``text.clause_data``. What is done with a unit is decided
by ``policy.translation.commit_rules``.

A cut closes the sentence at a full stop, at forty words, or where a long silence follows at least
four words. It cuts a clause at a semicolon or colon; at a comma or a short silence when the clause
has the least length; before a word that opens a clause when it has the soft length; and at the
most length in any case. Lengths are words; in languages without spaces characters are weighed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from dragoman.policy.pauses import SENTENCE_PAUSE_MS
from dragoman.speech import PaceName, Word, joined_text
from dragoman.text import clause_data
from dragoman.text.words import ends_sentence, fold

_LONGEST_SENTENCE = 40
_LEAST_SENTENCE = 4
_CLAUSE_PAUSE_MS = 250

Together = Callable[[Sequence[Word], int], bool]
"""Given words and a position: whether a cut there would be inside a phrase that must stay whole."""


class UnitLengths(msgspec.Struct, frozen=True):
    """In words: from ``least`` on a comma or pause cuts, from ``soft`` on a word that opens a
    clause does, and at ``most`` there is a cut in any case.
    """

    least: int = 4
    soft: int = 7
    most: int = 12


PACES: dict[PaceName, UnitLengths] = {
    "eager": UnitLengths(3, 5, 8),
    "even": UnitLengths(4, 7, 12),
    "careful": UnitLengths(6, 12, 20),
}


class ClauseUnit(msgspec.Struct, frozen=True):
    """The open sentence up to a cut. ``closes`` says that the sentence ends here, ``end`` is the
    number of the turn's words up to the cut, ``begin`` that of the words before the sentence.
    """

    sentence: int
    source: str
    end: int
    closes: bool
    begin: int = 0


class ClauseUnits:
    """Cuts the committed words of one turn."""

    def __init__(
        self,
        language: str | None,
        pace: UnitLengths | None = None,
        together: Together | None = None,
    ) -> None:
        self._pace = pace or PACES["even"]
        self._language = language
        self._together = together
        self._sentence = 0  # number of the open sentence
        self._begin = 0  # its first word
        self._cut = 0  # first word after the last cut

    @property
    def begin(self) -> int:
        """Position of the open sentence's first word."""
        return self._begin

    @property
    def sentence(self) -> int:
        """Number of the open sentence, counted from 0."""
        return self._sentence

    @property
    def least(self) -> int:
        """The fewest words that are worth a cut."""
        return self._pace.least

    def update(
        self, words: Sequence[Word], tail: Sequence[Word] = (), *, paused: bool, final: bool
    ) -> list[ClauseUnit]:
        """The units that are complete now. ``tail``: uncommitted words, used only to look ahead."""
        units: list[ClauseUnit] = []
        if self._begin < self._cut and self._closes(words[self._cut - 1]):
            units.append(self._take(words, self._cut, closes=True))  # the mark came after the cut
        for end in range(self._cut + 1, len(words) + 1):
            following = words[end] if end < len(words) else (tail[0] if tail else None)
            closes = self._cut_behind(words, end, following)
            if closes is not None:
                units.append(self._take(words, end, closes=closes))
        if final and self._begin < len(words):
            units.append(self._take(words, len(words), closes=True))
        elif paused and self.size(words, self._cut, self._known(words)) >= self._pace.least:
            units.append(self._take(words, self._known(words), closes=False))
        return units

    def open_unit(self, words: Sequence[Word]) -> ClauseUnit:
        """The committed part of the open sentence, up to a phrase that must stay whole; no cut."""
        end = self._known(words)
        source = joined_text(words[self._begin : end])
        return ClauseUnit(self._sentence, source, end, closes=False, begin=self._begin)

    def size(self, words: Sequence[Word], begin: int, end: int) -> float:
        """How many words of ordinary length there are between two positions."""
        if clause_data.is_spaced(self._language):
            return end - begin
        return clause_data.weight("".join(w.text for w in words[begin:end]), self._language)

    def _known(self, words: Sequence[Word]) -> int:
        """How many words there are before a phrase that is not complete."""
        end = len(words)
        while self._together is not None and end > self._cut and self._together(words, end):
            end -= 1
        return end

    def _cut_behind(self, words: Sequence[Word], end: int, following: Word | None) -> bool | None:
        """None: no cut behind this word; else whether the cut closes the sentence."""
        word, size = words[end - 1], self.size(words, self._cut, end)
        whole = self.size(words, self._begin, end)
        gap_ms = _gap_ms(word, following)
        if self._closes(word) or whole >= _LONGEST_SENTENCE:
            return True
        if gap_ms >= SENTENCE_PAUSE_MS and whole >= _LEAST_SENTENCE:
            return True
        if self._together is not None and self._together(words, end):
            return None
        mark = word.text.rstrip(clause_data.CLOSERS)[-1:]
        if mark in clause_data.HALF_STOPS:
            return False
        if size >= self._pace.least and (mark in clause_data.COMMAS or gap_ms >= _CLAUSE_PAUSE_MS):
            return False
        opens = following is not None and clause_data.opens_clause(
            fold(following.text), self._language
        )
        if size >= self._pace.most or (opens and size >= self._pace.soft):
            return False
        return None

    def _closes(self, word: Word) -> bool:
        return ends_sentence(word.text, self._language)

    def _take(self, words: Sequence[Word], end: int, *, closes: bool) -> ClauseUnit:
        source = joined_text(words[self._begin : end])
        unit = ClauseUnit(self._sentence, source, end, closes, self._begin)
        self._cut = end
        if closes:
            self._sentence += 1
            self._begin = end
        return unit


def _gap_ms(word: Word, following: Word | None) -> int:
    """The silence between two words by the recogniser's times; 0 without times."""
    if following is None or following.start_ms is None or word.start_ms is None:
        return 0
    return following.start_ms - word.end_ms if word.end_ms is not None else 0
