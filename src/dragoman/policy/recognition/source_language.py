"""Which language is being spoken, when nobody declared it.

Law of this file: the decision, pure. A recogniser of many languages guesses anew with every
hypothesis, and its first guesses, from half a second of speech, are its worst. So a decision
sticks: a turn's language is settled once and never changes inside the turn, and the session's
usual language changes only on good evidence. Until a turn is settled its words are shown, but not
translated. A declared language is not argued with.
"""

from __future__ import annotations

_FAMILIAR_WORDS = 2
"""Words that settle a turn in the usual language, or the session's first."""
_SWITCH_WORDS = 4
"""Words that settle it in another, heard in as many hypotheses in a row:"""
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
        """The decision, once it has been made."""
        return self._settled

    @property
    def best(self) -> str | None:
        """The decision, or as long as there is none the best guess; None if nothing was heard or
        the recogniser does not say.
        """
        if self._candidate is None:
            return None
        return self._settled or self._usual or self._candidate

    @property
    def doubtful(self) -> bool:
        """Whether words had better wait: another language than usual seems to be spoken."""
        return self._settled is None and self._candidate not in (None, self._usual)

    def heard(self, language: str | None, words: int, *, final: bool = False) -> None:
        """A hypothesis of so many words was in this language. ``final``: the speaker paused or
        ended; more evidence may be long in coming.
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
            return candidate if words >= _FAMILIAR_WORDS else None
        if self._usual is None:
            seen = self._times >= _SWITCH_TIMES or final
            return candidate if words >= _FAMILIAR_WORDS and seen else None
        if words >= _SWITCH_WORDS:
            return candidate if self._times >= _SWITCH_TIMES or final else None
        return None

    def end(self) -> str | None:
        """The turn is over: its language, from what there is."""
        self._settled = self.best
        return self._settled
