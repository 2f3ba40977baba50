"""Where the client's glossary meets translation.

Scope: four moments of a turn, each a function of its arguments; how it is done is the policies'
(``policy.glossary.terms``, ``policy.glossary.mt_placeholders``). The glossary of a turn is that of
the turn's settings, so a new one holds from the next turn on.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from dragoman.engines.base import Info, Translation
from dragoman.policy.glossary.mt_placeholders import (
    TermPlaceholders,
    missing_terms,
    with_lost_terms,
    with_terms,
)
from dragoman.policy.glossary.terms import glossary
from dragoman.policy.translation.clause_units import Together
from dragoman.runtime.observer import Observer, TermMissed
from dragoman.speech import Hints, Interpret, Word
from dragoman.text.clause_data import is_spaced
from dragoman.text.language_tags import primary_tag
from dragoman.text.numbers import cuts_number


class GlossarySteps:
    """The glossary of one session; ``observer`` is told of every term that gets lost."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._hidden: tuple[Translation, TermPlaceholders] | None = None

    def must_not_cut(self, settings: Interpret, language: str | None = None) -> Together | None:
        """For a turn with these settings in this language: which words must not be cut apart; None
        for any. Those are the glossary's terms, and English numbers in words.
        """
        phrases = settings.hints.phrases
        in_term = glossary(phrases, settings.source).is_inside if phrases else None
        if primary_tag(language) != "en":
            return in_term

        def together(words: Sequence[Word], end: int) -> bool:
            before, after = (
                [word.text.strip() for word in part]
                for part in (words[max(0, end - 2) : end], words[end : end + 2])
            )
            return cuts_number(before, after) or (in_term is not None and in_term(words, end))

        return together

    def prepare_request(self, request: Translation, info: Info) -> Translation:
        """The request as this engine should get it. An engine that takes a glossary gets the
        entries that the sentence needs; for any other one placeholders hide the terms.
        """
        self._hidden = None
        if not request.hints.phrases:
            return request
        known = glossary(request.hints.phrases, request.source)
        needed = {m.term.key: m.term.value for m in known.matches(request.text) if m.term.value}
        hints = Hints(phrases=needed, context=request.hints.context)
        if info.takes_glossary or not needed:
            return replace(request, hints=hints)
        hidden = TermPlaceholders(request.text, known, info.placeholders)
        self._hidden = request, hidden
        prefix = hidden.hidden(request.prefix)
        return replace(request, text=hidden.text, prefix=prefix, hints=replace(hints, phrases={}))

    def restore_terms(self, request: Translation, answer: str) -> str:
        """The answer to ``request`` (as it was before ``prepare_request``) with the glossary's
        translations in their places. Drafts and what is committed are treated alike, so that they
        agree.
        """
        if not request.hints.phrases:
            return answer
        if self._hidden is not None and self._hidden[0] is request:
            answer = self._hidden[1].restored(answer)
        known = glossary(request.hints.phrases, request.source)
        answer = with_terms(request.text, answer, known)
        spaced = is_spaced(request.target)
        return with_lost_terms(request.text, answer, request.prefix, known, spaced=spaced)

    def count_misses(self, pair: tuple[str, str], source: str, settings: Interpret) -> None:
        """Report the terms that a committed sentence and its translation lack all the same."""
        if not settings.hints.phrases or source == settings.target:
            return
        for match in missing_terms(*pair, glossary(settings.hints.phrases, source)):
            self._observer.on(TermMissed(len(match.term.key)))
