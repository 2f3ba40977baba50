"""Reading the ``session`` object of a ``session.update`` for an interpretation session.

Scope: a patch either becomes a whole new ``InterpretationSettings`` or raises ``Invalid``. The top
level is merged; nested objects replace what was there, except that the target language is never
lost. Where a setting may stand is in ``field_paths``; what the engines cover is in
``language_checks``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from dragoman.protocol.audio_input.field_paths import FieldValue, collect, inner
from dragoman.protocol.audio_input.turn_detection import (
    DetectionType,
    TurnDetection,
    read_detection,
)
from dragoman.protocol.core import fields
from dragoman.protocol.core.client_text import shown
from dragoman.protocol.core.fields import Invalid
from dragoman.protocol.interpretation import latency_options
from dragoman.protocol.interpretation.generation import Generation
from dragoman.protocol.interpretation.language_checks import check_languages, language
from dragoman.protocol.interpretation.settings import InterpretationSettings
from dragoman.protocol.interpretation.voices import CLONE_OF_SPEAKER, is_clone
from dragoman.speech import Coverage

MAX_PHRASES = 5_000
MAX_PHRASE_CHARS = 500
MAX_CONTEXT_CHARS = 100_000
MAX_VOICE_CHARS = 256
PCM_IN = ("pcm", "pcm16")
OPUS_IN = "opus"
PCM_OUT = ("pcm", "pcm16", "pcm24")
FREQUENCIES = ("never", "once", "always")
_SILENCE_MS: Mapping[DetectionType, int] = {"server_vad": 1000, "speaker_detection": 2500}

Changes = dict[str, Any]


def merge(
    family: Generation,
    settings: InterpretationSettings,
    patch: Mapping[str, Any],
    coverage: Coverage,
    *,
    strict: bool,
) -> InterpretationSettings:
    """``settings`` changed by the ``session`` object of a ``session.update``.

    Raises ``fields.Invalid`` for the first thing wrong with it; nothing is half applied.
    """
    asked = collect(patch, nested_first=family.update_paths.nested_first)
    if family.needs_translation and strict and not fields.given(patch, "translation"):
        raise Invalid("Invalid translation parameter.", "session.translation")
    changes: Changes = {}
    _read_formats(family, asked, changes, strict=strict)
    _read_modalities(asked, changes)
    _read_voice(family, asked, changes, strict=strict)
    if "detection" in asked:
        changes["detection"] = _detection(family, settings.detection, asked["detection"])
    if "transcription" in asked:
        _read_transcription(family, asked["transcription"], changes, strict=strict)
    if "translation" in asked:
        _read_translation(family, asked["translation"], changes, strict=strict)
    _read_skip(family, patch, changes, strict=strict)
    _read_clone(asked, changes)
    merged = msgspec.structs.replace(settings, **changes)
    check_languages(family, settings, merged, patch, coverage, strict=strict)
    if strict:
        _check_strictly(family, merged)
    return merged


# ---------------------------------------------------------------- one setting after the other
def _read_formats(
    family: Generation, asked: Mapping[str, FieldValue], changes: Changes, *, strict: bool
) -> None:
    if "format_in" in asked:
        value, param = asked["format_in"]
        formats = PCM_IN if strict and not family.accepts_opus else (*PCM_IN, OPUS_IN)
        changes["opus_in"] = fields.enum(value, formats, param) == OPUS_IN
    if "format_out" in asked:
        fields.enum(asked["format_out"].value, PCM_OUT, asked["format_out"].param)
    if "rate_out" in asked:
        fields.choice(asked["rate_out"].value, (24_000,), asked["rate_out"].param)
    if "rate_in" in asked:
        rates = family.rates_in if strict else (16_000, 8_000)
        changes["sample_rate"] = fields.choice(
            asked["rate_in"].value, rates, asked["rate_in"].param
        )


def _read_modalities(asked: Mapping[str, FieldValue], changes: Changes) -> None:
    if "modalities" not in asked:
        return
    value, param = asked["modalities"]
    named = value if isinstance(value, list) else []
    if "text" not in named or any(name not in ("text", "audio") for name in named):
        plain = isinstance(value, list) and all(isinstance(name, str) for name in value)
        listed = ", ".join(f"'{shown(name)}'" for name in value[:8]) if plain else ""
        seen = f"[{listed}]" if plain else shown(value)
        raise Invalid(
            f"Invalid modalities: {seen}. "
            "Supported combinations are: ['text'] and ['audio', 'text'].",
            param,
        )
    changes["modalities"] = ("text", "audio") if "audio" in named else ("text",)


def _read_voice(
    family: Generation, asked: Mapping[str, FieldValue], changes: Changes, *, strict: bool
) -> None:
    if "voice" not in asked:
        return
    value, param = asked["voice"]
    voice = fields.text(value, param, max_chars=MAX_VOICE_CHARS)
    changes["voice_refused"] = ""
    if not is_clone(voice) and voice not in family.voices:
        if strict:
            raise Invalid(f"Voice '{shown(voice)}' is not supported.", param)
        same = (name for name in family.voices if name.casefold() == voice.casefold())
        known = next(same, None)
        changes["voice_refused"] = "" if known else voice
        voice = known or family.default_voice
    changes["voice"] = voice


def _detection(
    family: Generation, before: TurnDetection | None, asked: FieldValue
) -> TurnDetection | None:
    types = family.detection_types
    default_type = before.type if before is not None else types[0]
    return read_detection(*asked, types, default_type, _SILENCE_MS)


def _read_transcription(
    family: Generation, asked: FieldValue, changes: Changes, *, strict: bool
) -> None:
    always = family.transcribes_always
    changes.update(asr_given=True, asr_language=None, context="", transcribes=always)
    if asked.value is None:
        return
    value = fields.mapping(asked.value, asked.param)
    # A model name of another service means "on": clients copy them over from siblings.
    if value.get("model", "on") is not None:
        if "model" in value:
            fields.text(value["model"], f"{asked.param}.model", max_chars=256)
        changes["transcribes"] = True
    if fields.given(value, "language"):
        param = f"{asked.param}.language"
        changes["asr_language"] = language(family, value["language"], param, strict=strict)
    corpus = inner(value, "corpus", f"{asked.param}.corpus")
    if fields.given(corpus, "text"):
        param = f"{asked.param}.corpus.text"
        changes["context"] = fields.text(corpus["text"], param, max_chars=MAX_CONTEXT_CHARS)


def _read_translation(
    family: Generation, asked: FieldValue, changes: Changes, *, strict: bool
) -> None:
    if not isinstance(asked.value, Mapping):
        raise Invalid("Invalid translation parameter.", asked.param)
    value: Mapping[str, Any] = asked.value
    if fields.given(value, "language"):
        target = language(family, value["language"], f"{asked.param}.language", strict=strict)
        if target is None:
            raise fields.refusal(value["language"], "a language code", f"{asked.param}.language")
        changes["target"] = target
    elif strict and family.needs_translation:
        raise Invalid("Invalid translation parameter.", asked.param)
    changes.update(source_language=None, corpus=None, phrases={})
    changes["options"] = latency_options.overrides(value, asked.param)
    if fields.given(value, "source_language"):
        param = f"{asked.param}.source_language"
        changes["source_language"] = language(
            family, value["source_language"], param, strict=strict
        )
    if fields.given(value, "corpus"):
        param = f"{asked.param}.corpus"
        corpus = fields.mapping(value["corpus"], param)
        changes["phrases"] = _phrases(corpus, f"{param}.phrases")
        changes["corpus"] = {"phrases": changes["phrases"]} if changes["phrases"] else None


def _phrases(corpus: Mapping[str, Any], param: str) -> dict[str, str]:
    if not fields.given(corpus, "phrases"):
        return {}
    phrases = fields.mapping(corpus["phrases"], param)
    if len(phrases) > MAX_PHRASES:
        raise Invalid(
            f"Invalid value: {len(phrases)} phrases. At most {MAX_PHRASES} are supported.", param
        )
    return {
        fields.text(source, param, max_chars=MAX_PHRASE_CHARS): fields.text(
            target, f"{param}.{shown(source)}", max_chars=MAX_PHRASE_CHARS
        )
        for source, target in phrases.items()
    }


def _read_skip(
    family: Generation, patch: Mapping[str, Any], changes: Changes, *, strict: bool
) -> None:
    """The documents put the options in the one place, the SDK in the other: both are read."""
    name = "same_language_skip_options"
    translation = patch.get("translation")
    nested = translation if isinstance(translation, Mapping) else {}
    for place, where, path in (
        ("translation", nested, f"session.translation.{name}"),
        ("session", patch, f"session.{name}"),
    ):
        if not fields.given(where, name):
            continue
        value = fields.mapping(where[name], path)
        if not family.skips_same_language:
            if strict:
                raise Invalid(f"'{name}' is not supported by this model.", path)
            continue
        changes["skip_place"] = place
        for option in ("skip_text", "skip_audio"):
            asked = fields.given(value, option)
            changes[option] = asked and fields.boolean(value[option], f"{path}.{option}")


def _read_clone(asked: Mapping[str, FieldValue], changes: Changes) -> None:
    if "enable_voice_clone" in asked:
        changes["enable_voice_clone"] = fields.boolean(*asked["enable_voice_clone"])
    if "voice_clone_options" in asked:
        value, param = asked["voice_clone_options"]
        options = fields.mapping(value, param)
        changes["clone_frequency"] = None
        if fields.given(options, "frequency"):
            frequency = fields.enum(options["frequency"], FREQUENCIES, f"{param}.frequency")
            changes["clone_frequency"] = frequency


def _check_strictly(family: Generation, merged: InterpretationSettings) -> None:
    if (merged.skip_text or merged.skip_audio) and merged.target not in ("zh", "en"):
        raise Invalid(
            "'same_language_skip_options' needs the target language 'zh' or 'en'.",
            "session.same_language_skip_options",
        )
    if not merged.enable_voice_clone:
        return
    live = merged.clone_frequency in ("once", "always")
    if live and merged.voice != CLONE_OF_SPEAKER:
        raise fields.refusal(merged.voice, f"'{CLONE_OF_SPEAKER}'", family.update_paths.voice)
    if merged.clone_frequency == "never" and not is_clone(merged.voice):
        raise fields.refusal(merged.voice, "the id of an enrolled voice", family.update_paths.voice)
