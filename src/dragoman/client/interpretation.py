"""The client for live interpretation: speech in, translated text and speech out.

Scope: what a client of the ``*-livetranslate-*`` models sends, and the two shapes of their
settings. As in the official SDK the model name decides the shape: flat for ``qwen3-`` and
``qwen3.5-``, nested for all others (``qwen3.8-`` and later). Example::

    async with InterpretClient(url) as client:
        await client.update(target="es")
        ...  # one task: send_audio(...), then finish(); another: async for event in client

Servers differ in how they merge a partial update, so the client always sends all settings that
were ever given.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import pybase64

from dragoman.client.connection import RawEvent
from dragoman.client.session import ClientSession
from dragoman.protocol.audio_input import events as audio_input
from dragoman.protocol.realtime import events as realtime

DEFAULT_MODEL = "qwen3.5-livetranslate-flash-realtime"
INPUT_RATE_HZ = 16_000
OUTPUT_RATE_HZ = 24_000
_ASR_MODEL = "qwen3-asr-flash-realtime"
# 8 s of speech in one frame at most.
_APPEND_BYTES = 256 * 1024


class InterpretSettings(msgspec.Struct, kw_only=True, frozen=True):
    """The settings of a session; None means the server's default.

    ``turn_detection`` is the object of the API; ``manual`` turns detection off.
    ``phrases`` maps source terms to the translations wanted for them.
    """

    target: str | None = None
    source: str | None = None
    voice: str | None = None
    text_only: bool = False
    transcript: bool = True
    manual: bool = False
    turn_detection: Mapping[str, Any] | None = None
    phrases: Mapping[str, str] | None = None
    more: Mapping[str, Any] = {}


def is_nested(model: str) -> bool:
    """Whether the settings of this model are nested."""
    return not model.startswith(("qwen3-", "qwen3.5-"))


def session_object(settings: InterpretSettings, model: str) -> RawEvent:
    """The ``session`` of a ``session.update`` for this model."""
    return (_nested if is_nested(model) else _flat)(settings, model) | dict(settings.more)


def _translation(settings: InterpretSettings) -> RawEvent:
    translation: RawEvent = {} if settings.target is None else {"language": settings.target}
    if settings.phrases is not None:
        translation["corpus"] = {"phrases": dict(settings.phrases)}
    return translation


def _modalities(settings: InterpretSettings) -> list[str]:
    return ["text"] if settings.text_only else ["text", "audio"]


def _flat(settings: InterpretSettings, model: str) -> RawEvent:
    older = model.startswith("qwen3-")
    session: RawEvent = {
        "modalities": _modalities(settings),
        "input_audio_format": "pcm16" if older else "pcm",
        "output_audio_format": "pcm24" if older else "pcm",
        "input_audio_transcription": None,
    }
    if settings.transcript:
        session["input_audio_transcription"] = {"model": _ASR_MODEL}
        if settings.source is not None:
            session["input_audio_transcription"]["language"] = settings.source
    if settings.voice is not None:
        session["voice"] = settings.voice
    if settings.manual:
        session["turn_detection"] = None
    elif settings.turn_detection is not None:
        session["turn_detection"] = dict(settings.turn_detection)
    if translation := _translation(settings):
        session["translation"] = translation
    return session


def _nested(settings: InterpretSettings, _model: str) -> RawEvent:
    audio_in: RawEvent = {"format": {"type": "pcm", "sample_rate": INPUT_RATE_HZ}}
    if settings.manual:
        audio_in["turn_detection"] = None
    elif settings.turn_detection is not None:
        audio_in["turn_detection"] = dict(settings.turn_detection)
    # The cloud closes at the first audio if the session has no voice, so always set one.
    audio_out = {
        "format": {"type": "pcm", "sample_rate": OUTPUT_RATE_HZ},
        "voice": settings.voice or "Tina",
    }
    session: RawEvent = {
        "output_modalities": _modalities(settings),
        "audio": {"input": audio_in, "output": audio_out},
    }
    if translation := _translation(settings):
        session["translation"] = translation
    if settings.source is not None:
        session["input_audio_transcription"] = {"language": settings.source}
    return session


class InterpretClient(ClientSession):
    """One interpretation session, of any generation."""

    default_model = DEFAULT_MODEL
    settings = InterpretSettings()

    async def update(self, **changes: Any) -> str:
        """Change settings (fields of ``InterpretSettings``), also while the session runs.

        Returns the event's id. The answer is a ``SessionChanged`` or a ``Problem`` event.

        Raises:
            TypeError: no such field (use ``more={...}`` for other settings of the API).

        """
        self.settings = msgspec.structs.replace(self.settings, **changes)
        session = session_object(self.settings, self.model)
        return await self._send(realtime.SessionUpdate(session=session))

    async def send_audio(self, pcm: bytes) -> None:
        """Append speech: s16le mono at 16 kHz. Waits while the server does not read."""
        for start in range(0, len(pcm), _APPEND_BYTES):
            piece = pybase64.b64encode_as_string(pcm[start : start + _APPEND_BYTES])
            await self._send(audio_input.AudioAppend(audio=piece))

    async def send_image(self, jpeg: bytes) -> None:
        """Append a picture: a JPEG of at most 500,000 bytes, at most two per second."""
        image = pybase64.b64encode_as_string(jpeg)
        await self._send(audio_input.ImageAppend(image=image))

    async def commit(self) -> None:
        """End the turn (manual mode)."""
        await self._send(audio_input.AudioCommit())

    async def clear(self) -> None:
        """Drop the audio that is not yet part of a turn."""
        await self._send(audio_input.AudioClear())

    async def finish(self) -> None:
        """Send no more audio; the server translates the rest, then sends ``SessionEnded``."""
        await self._send(realtime.SessionFinish())
