"""Where the settings of a session with speech input stand in a client's ``session`` object.

Scope: paths, no meaning. Flat and nested names are both understood everywhere; where both are
there, the API's own form wins. ``null`` means "not given", except for ``turn_detection`` (manual
mode) and the source transcript (off). Unknown fields are ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from dragoman.protocol.core import fields


class FieldValue(NamedTuple):
    """A value that a client sent, and the path it sent it under."""

    value: Any
    param: str


def collect(patch: Mapping[str, Any], *, nested_first: bool) -> dict[str, FieldValue]:
    """Every setting that the patch names in either form, by our own name for it."""
    flat, nested = _flat(patch), _nested(patch)
    return {**flat, **nested} if nested_first else {**nested, **flat}


def _flat(patch: Mapping[str, Any]) -> dict[str, FieldValue]:
    names = {
        "modalities": "modalities",
        "voice": "voice",
        "input_audio_format": "format_in",
        "output_audio_format": "format_out",
        "sample_rate": "rate_in",
        "translation": "translation",
        "enable_voice_clone": "enable_voice_clone",
        "voice_clone_options": "voice_clone_options",
    }
    asked = {
        ours: FieldValue(patch[theirs], f"session.{theirs}")
        for theirs, ours in names.items()
        if fields.given(patch, theirs)
    }
    if "turn_detection" in patch:
        asked["detection"] = FieldValue(patch["turn_detection"], "session.turn_detection")
    if "input_audio_transcription" in patch:
        name = "input_audio_transcription"
        asked["transcription"] = FieldValue(patch[name], f"session.{name}")
    return asked


def _nested(patch: Mapping[str, Any]) -> dict[str, FieldValue]:
    asked: dict[str, FieldValue] = {}
    if fields.given(patch, "output_modalities"):
        asked["modalities"] = FieldValue(patch["output_modalities"], "session.output_modalities")
    audio = inner(patch, "audio", "session.audio")
    audio_in = inner(audio, "input", "session.audio.input")
    audio_out = inner(audio, "output", "session.audio.output")
    _add_format(asked, audio_in, "session.audio.input.format", "format_in", "rate_in")
    _add_format(asked, audio_out, "session.audio.output.format", "format_out", "rate_out")
    if "turn_detection" in audio_in:
        path = "session.audio.input.turn_detection"
        asked["detection"] = FieldValue(audio_in["turn_detection"], path)
    if "transcription" in audio_in:
        asked["transcription"] = FieldValue(
            audio_in["transcription"], "session.audio.input.transcription"
        )
    if fields.given(audio_out, "voice"):
        asked["voice"] = FieldValue(audio_out["voice"], "session.audio.output.voice")
    return asked


def _add_format(
    asked: dict[str, FieldValue], side: Mapping[str, Any], path: str, name: str, rate: str
) -> None:
    value = side.get("format")
    if isinstance(value, str):  # some clients write the flat value in the nested place
        asked[name] = FieldValue(value, path)
        return
    form = inner(side, "format", path)
    if fields.given(form, "type"):
        asked[name] = FieldValue(form["type"], f"{path}.type")
    if fields.given(form, "sample_rate"):
        asked[rate] = FieldValue(form["sample_rate"], f"{path}.sample_rate")


def inner(where: Mapping[str, Any], key: str, path: str) -> Mapping[str, Any]:
    """The object under a key; empty where there is none. Raises ``Invalid`` for anything else."""
    return fields.mapping(where[key], path) if fields.given(where, key) else {}
