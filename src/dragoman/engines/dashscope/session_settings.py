"""The settings of an interpretation as the two generations of the protocol write them.

Scope: pure; ``Interpret`` in, the ``session`` of a ``session.update`` out. ``qwen3-`` and
``qwen3.5-`` models have flat settings, all others nested ones, as in the official SDK.
"""

from __future__ import annotations

from typing import Any

from dragoman.speech import HEARING_RATE_HZ, Endpointing, Interpret

OUTPUT_RATE_HZ = 24_000
_ASR_MODEL = "qwen3-asr-flash-realtime"


def is_flat(model: str) -> bool:
    """Whether the settings of this model are flat."""
    return model.startswith(("qwen3-", "qwen3.5-"))


def session_settings(task: Interpret, model: str, voice: str = "") -> dict[str, Any]:
    """All settings, so that it does not matter how a server merges. ``voice`` replaces the
    task's.
    """
    transcription: dict[str, Any] = {"model": _ASR_MODEL} if is_flat(model) else {}
    if task.source:
        transcription["language"] = task.source
    if task.hints.context:
        transcription["corpus"] = {"text": task.hints.context}
    translation: dict[str, Any] = {
        "language": task.target,
        "corpus": {"phrases": dict(task.hints.phrases)},
    }
    write = _flat if is_flat(model) else _nested
    modalities = ["text", "audio"] if task.speak else ["text"]
    session = write(modalities, _detection(task, model), voice or task.voice, model)
    return session | {"input_audio_transcription": transcription, "translation": translation}


def _flat(
    modalities: list[str], detection: dict[str, Any] | None, voice: str, model: str
) -> dict[str, Any]:
    oldest = model.startswith("qwen3-")
    session: dict[str, Any] = {
        "modalities": modalities,
        "input_audio_format": "pcm16" if oldest else "pcm",
        "output_audio_format": "pcm24" if oldest else "pcm",
        "turn_detection": detection,
    }
    return session | ({"voice": voice} if voice else {})


def _nested(
    modalities: list[str], detection: dict[str, Any] | None, voice: str, _model: str
) -> dict[str, Any]:
    rate_in = {"type": "pcm", "sample_rate": HEARING_RATE_HZ}
    rate_out = {"type": "pcm", "sample_rate": OUTPUT_RATE_HZ}
    return {
        "output_modalities": modalities,
        "audio": {
            "input": {"format": rate_in, "turn_detection": detection},
            # The cloud closes at the first audio if the session has no voice.
            "output": {"format": rate_out, "voice": voice or "Tina"},
        },
    }


def _detection(task: Interpret, model: str) -> dict[str, Any] | None:
    ends = task.endpointing
    if ends is None:
        return None
    by_speaker = task.by_speaker and not is_flat(model)
    return {
        "type": "speaker_detection" if by_speaker else "server_vad",
        "threshold": _threshold(ends),
        "silence_duration_ms": ends.silence_ms,
        "prefix_padding_ms": ends.prefix_ms,
    }


def _threshold(ends: Endpointing) -> float:
    """The wire's threshold for a probability: 0.1 is -1, 0.5 is 0.2, 0.9 is 1."""
    share = ends.threshold - 0.5
    found = 0.2 + share * (2.0 if share > 0 else 3.0)
    return round(min(1.0, max(-1.0, found)), 3)
