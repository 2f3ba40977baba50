"""When committed source is ripe to be translated, and what of a translation is new.

Law of this file: the policy ``units``. Source is cut into clause units; each unit is translated
together with the sentence before it as context, and only what goes beyond the target already
committed is added. Pure. Two decisions live here and nowhere else: where to cut (``Units``),
and how a new translation joins what was said before (``continuation``). Language data is in
``policy.clause_data``.

``Units.update`` is given all committed words of the turn each time; they only grow (the last
may gain a mark, see ``policy.agreement``), so it keeps positions, not words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from dragoman.policy import clause_data
from dragoman.policy.agreement import fold
from dragoman.speech import Word, joined_text

_LONGEST_SENTENCE = 40
_SEAM_TOKENS = 5
_SEAM_REACH = 3
_TOKEN = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\U00020000-\U0003ffff]|"
    r"[^\s\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\U00020000-\U0003ffff]+"
)


class Pace(msgspec.Struct, frozen=True):
    """Unit lengths in words: ``least`` before a comma or pause cuts, ``soft`` before a clause
    opener cuts, ``most`` at which a cut comes anyway.
    """

    least: int = 4
    soft: int = 7
    most: int = 12


class Unit(msgspec.Struct, frozen=True):
    """The open sentence up to a cut. ``closes`` says that the sentence ends here."""

    sentence: int
    source: str
    closes: bool


class Units:
    """Cuts the committed words of one turn."""

    def __init__(self, language: str | None, pace: Pace | None = None) -> None:
        self._pace = pace or Pace()
        self._openers = clause_data.openers(language)
        self._abbreviations = clause_data.abbreviations(language)
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

    def update(
        self, words: Sequence[Word], tail: Sequence[Word] = (), *, paused: bool, final: bool
    ) -> list[Unit]:
        """The units that became ripe. ``tail`` are uncommitted words, only looked at."""
        ripe: list[Unit] = []
        if self._begin < self._cut and self._closes(words[self._cut - 1]):
            ripe.append(self._take(words, self._cut, closes=True))  # the mark came late
        for end in range(self._cut + 1, len(words) + 1):
            following = words[end] if end < len(words) else (tail[0] if tail else None)
            verdict = self._verdict(words[end - 1], end, following)
            if verdict is not None:
                ripe.append(self._take(words, end, closes=verdict))
        pending = len(words) - self._cut
        if final and (pending or self._begin < len(words)):
            ripe.append(self._take(words, len(words), closes=True))
        elif paused and pending >= self._pace.least:
            ripe.append(self._take(words, len(words), closes=False))
        return ripe

    def _verdict(self, word: Word, end: int, following: Word | None) -> bool | None:
        """None: no cut behind this word; else whether the cut closes the sentence."""
        size = end - self._cut
        if self._closes(word) or end - self._begin >= _LONGEST_SENTENCE:
            return True
        mark = word.text[-1:]
        if mark in clause_data.HALF_STOPS or (
            mark in clause_data.COMMAS and size >= self._pace.least
        ):
            return False
        opens = following is not None and fold(following.text) in self._openers
        if size >= self._pace.most or (opens and size >= self._pace.soft):
            return False
        return None

    def _closes(self, word: Word) -> bool:
        text = word.text.rstrip(clause_data.CLOSERS)
        if not text.endswith(clause_data.FULL_STOPS):
            return False
        return fold(text) not in self._abbreviations or not text.endswith(".")

    def _take(self, words: Sequence[Word], end: int, *, closes: bool) -> Unit:
        unit = Unit(self._sentence, joined_text(words[self._begin : end]), closes)
        self._cut = end
        if closes:
            self._sentence += 1
            self._begin = end
        return unit


def continuation(translation: str, done: str) -> str:
    """What ``translation`` adds to the target text ``done`` of the same sentence.

    The answer brings its own leading space, and begins with a mark alone where ``done`` lacked
    only that. A committed word is never given out again: where the translation says the
    beginning differently, the seam is looked for near the end of ``done``.
    """
    if not done.strip():
        return translation.strip()
    new = [(match.group(), match.start(), match.end()) for match in _TOKEN.finditer(translation)]
    said = [fold(token) for token in _TOKEN.findall(done)]
    heard = [fold(token) for token, _, _ in new]
    position = _seam(heard, said)
    rest = translation[new[position][1] :].strip() if position < len(new) else ""
    mark = ""
    if 0 < position <= len(new):
        mark = _late_mark(new[position - 1][0], _TOKEN.findall(done)[-1])
    if not rest:
        return mark
    spaced = new[position][1] > new[position - 1][2] if position else True
    return mark + (" " if spaced else "") + rest


def _seam(heard: list[str], said: list[str]) -> int:
    if heard[: len(said)] == said:
        return len(said)
    for size in range(min(_SEAM_TOKENS, len(said)), 0, -1):
        ends = [
            i + size for i in range(len(heard) - size + 1) if heard[i : i + size] == said[-size:]
        ]
        near = [end for end in ends if abs(end - len(said)) <= _SEAM_REACH]
        if near:
            return min(near, key=lambda end: abs(end - len(said)))
    return min(len(said), len(heard))


def _late_mark(now: str, before: str) -> str:
    """The punctuation that the last committed token gained."""
    if now.startswith(before) and fold(now) == fold(before) and not now[len(before) :].isalnum():
        return now[len(before) :]
    return ""
