"""The settings of a recognition session: values, the ``session`` object, the task.

Scope: how settings are shown and what they mean to the engines; how a client's patch is read stands
in ``session_update``.
"""

from __future__ import annotations

from typing import Any

import msgspec

from dragoman.protocol.audio_input.turn_detection import TurnDetection, endpointing
from dragoman.protocol.core.languages import canonical
from dragoman.speech import HEARING_RATE_HZ, Hints, Interpret, InterpretationOptions

ASR_MODEL = "qwen3-asr-flash-realtime"
SILENCE_MS = 800


class RecognitionSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a client can configure. ``language`` is spelled as the client did, None is "detect";
    ``detection`` None is manual mode.
    """

    sample_rate: int = 16_000
    opus_in: bool = False
    language: str | None = None
    context: str = ""
    detection: TurnDetection | None = TurnDetection(silence_ms=SILENCE_MS)

    @property
    def rate_in(self) -> int:
        """The rate of the PCM that is recognised, Hz; Opus is decoded to the best."""
        return HEARING_RATE_HZ if self.opus_in else self.sample_rate

    @property
    def manual(self) -> bool:
        """Whether the client ends the turns."""
        return self.detection is None


def task(settings: RecognitionSettings, options: InterpretationOptions) -> Interpret:
    """Recognise under these settings: a task without a target."""
    return Interpret(
        target="",
        source=canonical(settings.language) if settings.language else None,
        speak=False,
        rate_in=settings.rate_in,
        opus_in=settings.opus_in,
        endpointing=endpointing(settings.detection),
        hints=Hints(context=settings.context),
        conduct=options,
    )


def describe(settings: RecognitionSettings, session_id: str, model: str) -> dict[str, Any]:
    """The ``session`` object, the same in ``session.created`` and ``session.updated``."""
    transcription: dict[str, Any] = {"model": ASR_MODEL}
    if settings.language is not None:
        transcription["language"] = settings.language
    if settings.context:
        transcription["corpus"] = {"text": settings.context}
    return {
        "id": session_id,
        "object": "realtime.session",
        "model": model,
        "modalities": ["text"],
        "input_audio_format": "opus" if settings.opus_in else "pcm",
        "sample_rate": settings.sample_rate,
        "input_audio_transcription": transcription,
        "turn_detection": _shown(settings.detection),
    }


def _shown(detection: TurnDetection | None) -> dict[str, Any] | None:
    if detection is None:
        return None
    return {
        "type": detection.type,
        "threshold": detection.threshold,
        "prefix_padding_ms": detection.prefix_ms,
        "silence_duration_ms": detection.silence_ms,
    }
