"""The client of live interpretation: speech in, translated text and speech out.

Law of this file: the events of ``*-livetranslate-*`` models, and the two shapes of their settings.
The model name picks the dialect, as it does in the official SDK: ``qwen3-`` and ``qwen3.5-`` are
flat, everything else (``qwen3.8-`` and later) is nested. What comes back is the same typed events
for all of them. Use it so::

    async with InterpretClient(url) as client:
        await client.update(target="es")
        ...  # one task: send_audio(...), then finish(); another: async for event in client

How it works. Servers differ in how they merge a partial update, so the client keeps the
settings and always sends all that were ever given.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import pybase64

from dragoman.client.connection import LOCAL_URL, Raw, Tap
from dragoman.client.event_reader import SessionReading
from dragoman.client.events import Event
from dragoman.client.session import Dialogue

DEFAULT_MODEL = "qwen3.5-livetranslate-flash-realtime"
INPUT_RATE_HZ = 16_000
OUTPUT_RATE_HZ = 24_000
_ASR_MODEL = "qwen3-asr-flash-realtime"
# 8 s of speech; keeps single frames small however long the piece that is handed over.
_APPEND_BYTES = 256 * 1024


class InterpretSettings(msgspec.Struct, kw_only=True, frozen=True):
    """What a session was asked to do; None leaves a thing to the server's default.

    ``turn_detection`` is the wire's own object; ``manual`` turns detection off altogether.
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
    """Whether the model speaks the newest dialect: nested settings, pieces instead of snapshots."""
    return not model.startswith(("qwen3-", "qwen3.5-"))


def session_object(settings: InterpretSettings, model: str) -> Raw:
    """The ``session`` of a ``session.update`` in the dialect of ``model``."""
    return (_nested if is_nested(model) else _flat)(settings, model) | dict(settings.more)


def _translation(settings: InterpretSettings) -> Raw:
    wanted: Raw = {} if settings.target is None else {"language": settings.target}
    if settings.phrases is not None:
        wanted["corpus"] = {"phrases": dict(settings.phrases)}
    return wanted


def _modalities(settings: InterpretSettings) -> list[str]:
    return ["text"] if settings.text_only else ["text", "audio"]


def _flat(settings: InterpretSettings, model: str) -> Raw:
    older = model.startswith("qwen3-")
    session: Raw = {
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


def _nested(settings: InterpretSettings, _model: str) -> Raw:
    listening: Raw = {"format": {"type": "pcm", "sample_rate": INPUT_RATE_HZ}}
    if settings.manual:
        listening["turn_detection"] = None
    elif settings.turn_detection is not None:
        listening["turn_detection"] = dict(settings.turn_detection)
    # The cloud breaks off at the first audio if no voice was ever named, so one always is.
    speaking = {
        "format": {"type": "pcm", "sample_rate": OUTPUT_RATE_HZ},
        "voice": settings.voice or "Tina",
    }
    session: Raw = {
        "output_modalities": _modalities(settings),
        "audio": {"input": listening, "output": speaking},
    }
    if translation := _translation(settings):
        session["translation"] = translation
    if settings.source is not None:
        session["input_audio_transcription"] = {"language": settings.source}
    return session


class InterpretClient(Dialogue):
    """One interpretation session, of any generation."""

    def __init__(
        self,
        url: str = LOCAL_URL,
        *,
        model: str = DEFAULT_MODEL,
        api_key: str | None = None,
        tap: Tap | None = None,
        open_timeout_s: float = 10.0,
    ) -> None:
        super().__init__(url, model=model, api_key=api_key, tap=tap, open_timeout_s=open_timeout_s)
        self.settings = InterpretSettings()
        self._reading = SessionReading()

    async def update(self, **changes: Any) -> str:
        """Change settings, also in the middle of a session; it takes the fields of
        ``InterpretSettings``.

        The answer is a ``SessionChanged`` or a ``Problem`` event, which names the returned id.

        Raises:
            TypeError: a name that ``InterpretSettings`` has not (use ``more={...}`` for the wire's
            own).

        """
        self.settings = msgspec.structs.replace(self.settings, **changes)
        session = session_object(self.settings, self.model)
        return await self.send({"type": "session.update", "session": session})

    async def send_audio(self, pcm: bytes) -> None:
        """Append speech: s16le mono at 16 kHz. Waits while the server takes no more."""
        for start in range(0, len(pcm), _APPEND_BYTES):
            piece = pybase64.b64encode_as_string(pcm[start : start + _APPEND_BYTES])
            await self.send({"type": "input_audio_buffer.append", "audio": piece})

    async def send_image(self, jpeg: bytes) -> None:
        """Append what is seen: one JPEG of at most 500,000 bytes, at most two per second."""
        image = pybase64.b64encode_as_string(jpeg)
        await self.send({"type": "input_image_buffer.append", "image": image})

    async def commit(self) -> None:
        """End the turn by hand (manual mode)."""
        await self.send({"type": "input_audio_buffer.commit"})

    async def clear(self) -> None:
        """Drop the audio that is not yet part of a turn."""
        await self.send({"type": "input_audio_buffer.clear"})

    async def finish(self) -> None:
        """Say that no more audio comes; the rest is translated, then ``SessionFinished``."""
        await self.send({"type": "session.finish"})

    def _read(self, raw: Raw) -> list[Event]:
        return self._reading.feed(raw)
