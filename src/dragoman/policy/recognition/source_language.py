"""Which language is being spoken, when nobody declared it.

Scope: the decision, pure. A recogniser of many languages guesses again with every hypothesis, and
its first guesses, from half a second of speech, are its worst. So a decision is sticky: a turn's
language is settled once and never changes inside the turn, and the session's usual language changes
only on good evidence. Until a turn is settled its words are shown but not translated. A declared
language is always taken.

Evidence is what engines say about how sure they are: guesses that agree in a row count as
independent, so the doubt that remains is the product of theirs. They are not independent if they
are made of the same audio, so a guess counts by how much new audio it had, in full from a second
on. An engine that says nothing is taken as sure: the numbers of words and guesses decide alone.
"""

from __future__ import annotations

_USUAL_WORDS = 2
"""Words that settle a turn in the usual language, or the session's first."""
_SWITCH_WORDS = 4
"""Words that settle it in another language, which was recognised ``_SWITCH_TIMES`` in a row."""
_SWITCH_TIMES = 2
_USUAL_DOUBT, _SWITCH_DOUBT = 0.1, 0.01
"""The doubt that may remain, in the usual language and in another one."""


class SourceLanguage:
    """The language of one turn. ``usual`` is that of the session so far, None at its begin."""

    def __init__(self, declared: str | None, usual: str | None) -> None:
        self._usual = declared or usual
        self._settled = declared
        self._candidate: str | None = None
        self._times = 0
        self._doubt = 1.0

    @property
    def settled(self) -> str | None:
        """The language, once it is decided."""
        return self._settled

    @property
    def best(self) -> str | None:
        """The decision or, until there is one, the best guess; None if nothing was recognised or
        the recogniser names no language.
        """
        if self._candidate is None:
            return None
        return self._settled or self._usual or self._candidate

    @property
    def is_doubtful(self) -> bool:
        """Whether the words should wait: another language than usual seems to be spoken."""
        return self._settled is None and self._candidate not in (None, self._usual)

    def add_hypothesis(
        self,
        language: str | None,
        words: int,
        *,
        confidence: float = 1.0,
        new_s: float = 1.0,
        final: bool = False,
    ) -> None:
        """A hypothesis of so many words was in this language, with this ``confidence`` in it.
        ``new_s``: how much more audio it was made of than the one before. ``final``: the speaker
        paused or ended, so that more evidence may take long to come.
        """
        if language is not None:
            if language != self._candidate:
                self._candidate, self._times, self._doubt = language, 0, 1.0
            self._times += 1
            self._doubt *= (1 - confidence) ** min(new_s, 1.0) if confidence < 1 else 0.0
        if self._settled is None and self._is_decided(words, final=final):
            self._settled = self._candidate

    def _is_decided(self, words: int, *, final: bool) -> bool:
        if self._candidate is None:
            return False
        is_usual = self._candidate == self._usual
        least = _USUAL_WORDS if is_usual or self._usual is None else _SWITCH_WORDS
        if words < least or self._doubt > _USUAL_DOUBT:
            return False
        is_sure = self._times >= _SWITCH_TIMES and self._doubt <= _SWITCH_DOUBT
        return is_usual or is_sure or final

    def end(self) -> str | None:
        """The turn is over: its language, by the evidence so far."""
        self._settled = self.best
        return self._settled
