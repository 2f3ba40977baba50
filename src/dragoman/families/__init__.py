"""The model families of both APIs, and which of them a model name means.

Law of this package: pure; one file per group of families. ``lookup`` goes by pattern, because
every family has dated snapshots and new ones appear; an operator can name further models.
"""

from __future__ import annotations

from collections.abc import Mapping

from dragoman.families import livetranslate, tts
from dragoman.families.livetranslate import QWEN3, QWEN35, QWEN38, LivetranslateFamily
from dragoman.families.tts import TtsFamily

Family = TtsFamily | LivetranslateFamily

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
