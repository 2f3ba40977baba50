"""The protocol sessions: synchronous step functions, one class for each API.

Law of this package: no waiting, no clock, no randomness, no engine (see ``kernel``).
"""

from __future__ import annotations

from dragoman.families import Family
from dragoman.families.tts import TtsFamily
from dragoman.session.base import BaseSession, Limits, Synthesis
from dragoman.session.translation import TranslationSession
from dragoman.session.tts import TtsSession
from dragoman.session.unknown import UnknownModelSession
from dragoman.speech import Conduct, Coverage
from dragoman.wire.base import Ids


def make_session(
    family: Family | None,
    model: str,
    ids: Ids,
    limits: Limits,
    coverage: Coverage,
    *,
    strict: bool = False,
    synthesis: Synthesis | None = None,
    conduct: Conduct | None = None,
) -> BaseSession:
    """The session that speaks the API of the family; None is the family of unknown models."""
    if family is None:
        return UnknownModelSession(model, ids, limits, strict=strict)
    if isinstance(family, TtsFamily):
        return TtsSession(family, model, ids, limits, coverage, strict=strict, synthesis=synthesis)
    return TranslationSession(family, model, ids, limits, coverage, strict=strict, conduct=conduct)
