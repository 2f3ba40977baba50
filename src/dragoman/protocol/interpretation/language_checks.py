"""Whether the engines can do what a client declares.

Scope: a declared language that no engine covers is refused, and the message names
what is covered. What a client leaves open (the source) or never touches (the default target) is
not judged here. Strict sessions know only the languages of the family's own table, and only
speak those that the table speaks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dragoman.protocol.core import fields
from dragoman.protocol.core.fields import Invalid
from dragoman.protocol.core.languages import canonical
from dragoman.protocol.interpretation import languages
from dragoman.protocol.interpretation.generation import Generation
from dragoman.protocol.interpretation.settings import InterpretationSettings
from dragoman.speech import Coverage


def language(family: Generation, value: Any, param: str, *, strict: bool) -> str | None:
    """The code a client declared; None for "find out" (``""`` and ``auto`` mean that)."""
    if strict:
        return fields.enum(value, family.languages, param)
    code = canonical(fields.text(value, param, max_chars=35))
    return None if code in ("", "auto") else code


def check_languages(
    family: Generation,
    before: InterpretationSettings,
    merged: InterpretationSettings,
    patch: Mapping[str, Any],
    coverage: Coverage,
    *,
    strict: bool,
) -> None:
    """Raises ``Invalid`` if something that this patch declares is beyond the engines."""
    declares_target = _declares_target(patch)
    if merged.source is not None and merged.source != before.source:
        _check_source(family, merged, coverage)
    if declares_target or (merged.source is not None and merged.source != before.source):
        _check_target(family, merged, coverage, declared=declares_target)
    if declares_target or merged.modalities != before.modalities:
        _check_speech(family, merged, patch, coverage, strict=strict)


def _declares_target(patch: Mapping[str, Any]) -> bool:
    translation = patch.get("translation")
    return isinstance(translation, Mapping) and fields.given(translation, "language")


def _check_source(family: Generation, merged: InterpretationSettings, coverage: Coverage) -> None:
    source, covered = merged.source or "", languages.recognised(coverage)
    if source in covered:
        return
    _refuse_unknown(family, source, covered, _source_path(merged))
    raise Invalid(
        f"No engine of this server hears the source language '{source}'. "
        f"Covered source languages are: {_listed(covered)}.",
        _source_path(merged),
    )


def _check_target(
    family: Generation, merged: InterpretationSettings, coverage: Coverage, *, declared: bool
) -> None:
    target, covered = merged.target, languages.reachable(coverage, merged.source)
    if target in covered:
        return
    path = "session.translation.language" if declared else _source_path(merged)
    _refuse_unknown(family, target, covered, path)
    start = f" from '{merged.source}'" if merged.source is not None else ""
    raise Invalid(
        f"No engine of this server translates{start} into '{target}'. "
        f"Covered target languages are: {_listed(covered)}.",
        path,
    )


def _refuse_unknown(family: Generation, code: str, covered: Iterable[str], path: str) -> None:
    if code not in languages.KNOWN:
        raise fields.refusal(code, _listed({*covered} or family.languages), path)


def _check_speech(
    family: Generation,
    merged: InterpretationSettings,
    patch: Mapping[str, Any],
    coverage: Coverage,
    *,
    strict: bool,
) -> None:
    if not merged.speaks:
        return
    path = _culprit_of_speech(patch)
    if not coverage.can_speak(merged.target):
        raise Invalid(
            f"No voice of this server speaks the target language '{merged.target}'; "
            f"ask for text only. Spoken languages are: {_listed(coverage.speaks)}.",
            path,
        )
    if strict and merged.target not in family.spoken:
        raise Invalid(
            f"The target language '{merged.target}' is text only. "
            f"Spoken languages are: {_listed(family.spoken)}.",
            path,
        )


def _source_path(merged: InterpretationSettings) -> str:
    declared = "input_audio_transcription.language"
    return f"session.{declared if merged.asr_language else 'translation.source_language'}"


def _culprit_of_speech(patch: Mapping[str, Any]) -> str:
    for name in ("output_modalities", "modalities"):
        if fields.given(patch, name):
            return f"session.{name}"
    return "session.translation.language"


def _listed(codes: Iterable[str]) -> str:
    return ", ".join(f"'{code}'" for code in sorted(codes)) or "none"
