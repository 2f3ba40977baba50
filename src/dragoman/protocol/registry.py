"""The model families of both APIs, and which of them a model name means.

Law of this package: pure; one file per group of families. ``lookup`` goes by pattern, because
every family has dated snapshots and new ones appear; an operator can name further models.
"""

from __future__ import annotations

from collections.abc import Mapping

from dragoman.protocol.core.events import Ids
from dragoman.protocol.core.session import BaseSession, Limits, SynthesisOptions
from dragoman.protocol.interpretation import family as livetranslate
from dragoman.protocol.interpretation.family import QWEN3, QWEN35, QWEN38, Generation
from dragoman.protocol.interpretation.session import InterpretationSession
from dragoman.protocol.synthesis import family as tts
from dragoman.protocol.synthesis.family import SynthesisFamily
from dragoman.protocol.synthesis.session import SynthesisSession
from dragoman.protocol.unknown_model import UnknownModelSession
from dragoman.speech import Coverage, InterpretationOptions

Family = SynthesisFamily | Generation

FAMILIES: Mapping[str, Family] = {
    family.name: family for family in (*tts.FAMILIES, QWEN3, QWEN35, QWEN38)
}
"""Every family by its name."""


def lookup(model: str, aliases: Mapping[str, str]) -> Family | None:
    """The family of a model name, or None. ``aliases`` maps an operator's model names to the
    name of a family or of another model; an alias of an alias is not followed.
    """
    name = aliases.get(model, model)
    if model in aliases and name in FAMILIES:
        return FAMILIES[name]
    return livetranslate.family_for(name) or tts.family_for(name)


def make_session(
    family: Family | None,
    model: str,
    ids: Ids,
    limits: Limits,
    coverage: Coverage,
    *,
    strict: bool = False,
    synthesis: SynthesisOptions | None = None,
    conduct: InterpretationOptions | None = None,
) -> BaseSession:
    """The session that speaks the API of the family; None is the family of unknown models."""
    if family is None:
        return UnknownModelSession(model, ids, limits, strict=strict)
    if isinstance(family, SynthesisFamily):
        return SynthesisSession(
            family, model, ids, limits, coverage, strict=strict, synthesis=synthesis
        )
    return InterpretationSession(
        family, model, ids, limits, coverage, strict=strict, conduct=conduct
    )
