"""Agreement that knows the glossary: terms are spelled before words are compared, and complete
before they are committed.

Law of this file: it only puts ``glossary_hearing`` before ``agreement``. What a hypothesis says
beyond the committed words is spelled first; so two hypotheses that mis-hear a term in two ways
agree, and nothing committed is ever looked at again. A pause and the end of a turn commit all.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from dragoman.policy.glossary.asr_spelling import TermSpeller, term_speller
from dragoman.policy.recognition.local_agreement import DecodePosition, LocalAgreement, fold
from dragoman.speech import Hints, Hypothesis, Word


class TermAgreement(LocalAgreement):
    """``LocalAgreement`` with the terms of a session. ``language``: of the speech, if known."""

    def __init__(
        self, gate: float = 0.0, hints: Hints | None = None, language: str | None = None
    ) -> None:
        super().__init__(gate)
        self._language_of_terms = language
        self._ear: TermSpeller | None = None
        self.heed(hints or Hints())

    def heed(self, hints: Hints) -> None:
        """From now on these are the terms."""
        known = term_speller(hints.phrases, self._language_of_terms) if hints.phrases else None
        self._ear = known or None

    def update(self, hypothesis: Hypothesis, at: DecodePosition, *, trusted: bool = False) -> None:
        """See ``LocalAgreement``."""
        if self._ear is not None:
            hypothesis = self._spelled(self._ear, hypothesis, at)
        super().update(hypothesis, at, trusted=trusted)

    def _spelled(
        self, known: TermSpeller, hypothesis: Hypothesis, at: DecodePosition
    ) -> Hypothesis:
        heard, done = hypothesis.words, [fold(word.text) for word in self.window]
        kept = len(done) if [fold(word.text) for word in heard[: len(done)]] == done else 0
        result = known.spelled(heard[kept:])
        words = (*heard[:kept], *(one.word for one in result))
        stable = hypothesis.stable
        if stable > kept:
            promised, count = stable - kept, 0
            for place, one in enumerate(result, 1):
                promised -= len(one.heard)
                count = place if promised >= 0 else count
            tail = words[kept:]
            stable = kept + (known.held(tail, count) if at is DecodePosition.STEP else count)
        return replace(hypothesis, words=words, stable=stable)

    def _agreed(self, tail: tuple[Word, ...]) -> int:
        count = super()._agreed(tail)
        return self._ear.held(tail, count) if self._ear is not None and count > 0 else count


def of_language(language: str | None, languages: Sequence[str]) -> str | None:
    """The language of the speech: as declared, or the only one that the engine hears."""
    if language is not None:
        return language
    return languages[0] if len(languages) == 1 and languages[0] != "*" else None
