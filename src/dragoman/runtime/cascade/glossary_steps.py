"""Where the client's glossary meets translation.

Law of this file: three moments, each a function of its arguments; how it is done is the policies'
(``policy.glossary.terms``, ``policy.glossary.mt_placeholders``). ``together`` keeps terms in one
unit. ``before`` gives an engine that takes a glossary the entries that the sentence needs and no
others, and hides the terms from any other engine behind stand-ins. ``after`` puts the glossary's
translations in their places and mends what can be mended. ``closed`` counts, when a sentence is
committed, the terms that it lacks all the same. The glossary of a turn is that of the turn's
settings, so a new one holds from the next turn on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

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
from dragoman.speech import Hints, Interpret
from dragoman.text.clause_data import is_spaced

LOG = logging.getLogger("dragoman.session")
MISS = "glossary_miss"


class GlossarySteps:
    """See the head of this file; one for each session. ``noted`` is told of every miss."""

    def __init__(self, noted: Callable[[str], None] = lambda _name: None) -> None:
        self._noted = noted
        self._slots: tuple[Translation, TermPlaceholders] | None = None

    def together(self, settings: Interpret) -> Together | None:
        """For a turn with these settings: which words must not be cut apart; None for any."""
        phrases = settings.hints.phrases
        return glossary(phrases, settings.source).is_inside if phrases else None

    def before(self, request: Translation, info: Info) -> Translation:
        """The request as this engine should get it."""
        self._slots = None
        if not request.hints.phrases:
            return request
        known = glossary(request.hints.phrases, request.source)
        needed = {m.term.key: m.term.value for m in known.matches(request.text) if m.term.value}
        hints = Hints(phrases=needed, context=request.hints.context)
        if info.takes_glossary or not needed:
            return replace(request, hints=hints)
        slots = TermPlaceholders(request.text, known, info.placeholders)
        self._slots = request, slots
        hidden = slots.hidden(request.prefix)
        return replace(request, text=slots.text, prefix=hidden, hints=replace(hints, phrases={}))

    def after(self, request: Translation, answer: str, *, commits: bool) -> str:
        """The answer to ``request`` (as it was before ``before``) as it should be used.
        ``commits``: it will be committed whole, else it is a draft; both are treated alike, so
        that a draft and what is committed after it agree.
        """
        if not request.hints.phrases:
            return answer
        if self._slots is not None and self._slots[0] is request:
            answer = self._slots[1].restored(answer)
        known = glossary(request.hints.phrases, request.source)
        answer = with_terms(request.text, answer, known)
        spaced = is_spaced(request.target)
        return with_lost_terms(request.text, answer, request.prefix, known, spaced=spaced)

    def closed(self, pair: tuple[str, str], source: str, settings: Interpret) -> None:
        """A sentence and its translation, all of it committed."""
        if not settings.hints.phrases or source == settings.target:
            return
        for match in missing_terms(*pair, glossary(settings.hints.phrases, source)):
            self._noted(MISS)
            LOG.info("%s: a term of %d letters was not translated", MISS, len(match.term.key))
