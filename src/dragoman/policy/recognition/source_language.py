"""Which language is being spoken, when nobody declared it.

Scope: the decision, pure. A recogniser of many languages guesses again with every hypothesis, and
its first guesses, from half a second of speech, are its worst. So a decision is sticky: a turn's
language is settled once and never changes inside the turn, and the session's usual language changes
only on good evidence. Until a turn is settled its words are shown but not translated. A declared
language is always taken.
"""

from __future__ import annotations

_USUAL_WORDS = 2
"""Words that settle a turn in the usual language, or the session's first."""
_SWITCH_WORDS = 4
"""Words that settle it in another language, which was recognised ``_SWITCH_TIMES`` in a row."""
_SWITCH_TIMES = 2


class SourceLanguage:
    """The language of one turn. ``usual`` is that of the session so far, None at its begin."""

    def __init__(self, declared: str | None, usual: str | None) -> None:
        self._usual = declared or usual
        self._settled = declared
        self._candidate: str | None = None
        self._times = 0

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

    def add_hypothesis(self, language: str | None, words: int, *, final: bool = False) -> None:
        """A hypothesis of so many words was in this language. ``final``: the speaker paused or
        ended, so that more evidence may take long to come.
        """
        if language is not None:
            self._times = self._times + 1 if language == self._candidate else 1
            self._candidate = language
        if self._settled is None:
            self._settled = self._decision(words, final=final)

    def _decision(self, words: int, *, final: bool) -> str | None:
        candidate = self._candidate
        if candidate is None:
            return None
        if candidate == self._usual:
            return candidate if words >= _USUAL_WORDS else None
        if self._usual is None:
            is_sure = self._times >= _SWITCH_TIMES or final
            return candidate if words >= _USUAL_WORDS and is_sure else None
        if words >= _SWITCH_WORDS:
            return candidate if self._times >= _SWITCH_TIMES or final else None
        return None

    def end(self) -> str | None:
        """The turn is over: its language, by the evidence so far."""
        self._settled = self.best
        return self._settled
