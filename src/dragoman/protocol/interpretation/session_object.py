"""The ``session`` object as each generation shows it.

Scope: settings in, dictionary out. Aliases that a client used are not repeated:
formats are shown by the generation's own names, because a client in the field insists on
``pcm`` or ``pcm24`` for the output.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dragoman.protocol.audio_input.turn_detection import TurnDetection
from dragoman.protocol.interpretation.generation import OUTPUT_RATE_HZ, Generation
from dragoman.protocol.interpretation.settings import ASR_MODEL, InterpretationSettings


def describe(
    family: Generation,
    settings: InterpretationSettings,
    session_id: str,
    model: str,
    *,
    created: bool,
) -> dict[str, Any]:
    """The whole configuration. The nested shape shows less of the detection when ``created``."""
    if family.session_shape == "nested":
        return _nested(family, settings, session_id, model, created=created)
    return _flat(family, settings, session_id, model)


def _flat(
    family: Generation, settings: InterpretationSettings, session_id: str, model: str
) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": session_id,
        "object": "realtime.session",
        "model": model,
        "modalities": list(settings.modalities),
        "voice": settings.voice,
        "input_audio_format": "opus" if settings.opus_in else family.pcm_in_name,
        "output_audio_format": family.pcm_out_name,
    }
    if family.session_shape == "short":
        shown["translation"] = _translation(settings)
        return shown
    shown["sample_rate"] = settings.sample_rate
    shown["input_audio_transcription"] = _transcription(settings)
    if settings.detection is not None:
        shown["turn_detection"] = _detection(settings.detection)
    shown["translation"] = _translation(settings)
    if settings.skip_place == "session":
        shown["same_language_skip_options"] = _skip(settings)
    shown["enable_voice_clone"] = bool(settings.enable_voice_clone)
    _add_clone(shown, settings)
    return shown


def _transcription(settings: InterpretationSettings) -> dict[str, Any] | None:
    if not settings.transcribes:
        return None
    shown: dict[str, Any] = {"model": ASR_MODEL}
    return shown | _asr_options(settings)


def _asr_options(settings: InterpretationSettings) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    if settings.asr_language is not None:
        shown["language"] = settings.asr_language
    if settings.context:
        shown["corpus"] = {"text": settings.context}
    return shown


def _detection(detection: TurnDetection) -> dict[str, Any]:
    return {
        "type": detection.type,
        "threshold": detection.threshold,
        "prefix_padding_ms": detection.prefix_ms,
        "silence_duration_ms": detection.silence_ms,
        "create_response": detection.create_response,
        "interrupt_response": detection.interrupt_response,
    }


def _translation(settings: InterpretationSettings) -> dict[str, Any]:
    shown: dict[str, Any] = {"language": settings.target}
    if settings.source_language is not None:
        shown["source_language"] = settings.source_language
    if settings.corpus is not None:
        shown["corpus"] = dict(settings.corpus)
    if settings.skip_place == "translation":
        shown["same_language_skip_options"] = _skip(settings)
    return shown | dict(settings.options)


def _skip(settings: InterpretationSettings) -> Mapping[str, bool]:
    return {"skip_text": settings.skip_text, "skip_audio": settings.skip_audio}


def _add_clone(shown: dict[str, Any], settings: InterpretationSettings) -> None:
    if settings.enable_voice_clone and settings.clone_frequency is not None:
        shown["voice_clone_options"] = {"frequency": settings.clone_frequency}


def _nested(
    family: Generation,
    settings: InterpretationSettings,
    session_id: str,
    model: str,
    *,
    created: bool,
) -> dict[str, Any]:
    form = "opus" if settings.opus_in else family.pcm_in_name
    audio_in: dict[str, Any] = {"format": {"type": form, "sample_rate": settings.sample_rate}}
    detection = _nested_detection(family, settings.detection, created=created)
    if detection is not None:
        audio_in["turn_detection"] = detection
    audio_out = {
        "format": {"type": family.pcm_out_name, "sample_rate": OUTPUT_RATE_HZ},
        "voice": settings.voice,
    }
    shown: dict[str, Any] = {
        "id": session_id,
        "object": "realtime.session",
        "model": model,
        "input_modalities": ["audio"],
        "output_modalities": list(settings.modalities),
        "audio": {"input": audio_in, "output": audio_out},
        "translation": _translation(settings),
    }
    if detection is not None and not created:
        shown["turn_detection"] = dict(detection)
    if settings.asr_given and _asr_options(settings):
        shown["input_audio_transcription"] = _asr_options(settings)
    if settings.enable_voice_clone is not None:
        shown["enable_voice_clone"] = settings.enable_voice_clone
        _add_clone(shown, settings)
    return shown


def _nested_detection(
    family: Generation, detection: TurnDetection | None, *, created: bool
) -> dict[str, Any] | None:
    if detection is None:
        return None
    shown: dict[str, Any] = {"type": detection.type, "threshold": family.fixed_threshold}
    if created or detection.silence_given:
        shown["silence_duration_ms"] = detection.silence_ms
    if not created:
        shown["create_response"] = detection.create_response
        shown["interrupt_response"] = detection.interrupt_response
    return shown
