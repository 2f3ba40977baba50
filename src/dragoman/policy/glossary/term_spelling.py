"""The glossary as a spelling of ``LocalAgreement``: terms are respelled before words are compared,
and complete before they are committed.

Scope: which terms hold for a turn. Two hypotheses that misrecognise a term in two ways agree once
both are respelled. How terms are found is ``policy.glossary.asr_spelling``.
"""

from __future__ import annotations

from collections.abc import Sequence

from dragoman.policy.glossary.asr_spelling import TermSpeller, term_speller
from dragoman.policy.recognition.local_agreement import SpelledWord
from dragoman.speech import Hints, Word


class TermSpelling:
    """The terms of a session, which may change. ``language``: of the speech, if known."""

    def __init__(self, hints: Hints, language: str | None) -> None:
        self._language = language
        self._speller: TermSpeller | None = None
        self.use_hints(hints)

    def use_hints(self, hints: Hints) -> None:
        """From now on these are the terms."""
        self._speller = term_speller(hints.phrases, self._language) or None

    def respell(self, words: Sequence[Word]) -> list[SpelledWord]:
        """See ``Spelling``."""
        if self._speller is None:
            return [SpelledWord(word, (word.text,)) for word in words]
        return self._speller.respell(words)

    def committable_count(self, words: Sequence[Word], count: int) -> int:
        """See ``Spelling``."""
        return count if self._speller is None else self._speller.committable_count(words, count)


def spoken_language(declared: str | None, engine_languages: Sequence[str]) -> str | None:
    """The language of the speech: as declared, or the only one that the engine recognises."""
    if declared is not None:
        return declared
    if len(engine_languages) == 1 and engine_languages[0] != "*":
        return engine_languages[0]
    return None
