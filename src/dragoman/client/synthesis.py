"""The client of the synthesis API: text in, speech out.

Law of this file: the events of ``*-tts-*-realtime`` models and nothing else. Use it so::

    async with SpeechClient(url) as client:
        await client.update(voice="Cherry")
        async for audio in client.speak("Hello."):
            ...

or send with ``append``, ``commit``, ``finish`` while another task iterates over the client.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterable, AsyncIterator
from typing import Any, Literal

from dragoman.client.connection import LOCAL_URL, Raw, Tap
from dragoman.client.errors import ConnectionLost
from dragoman.client.event_reader import read_speech
from dragoman.client.events import Event, Problem, SessionFinished, SpokenData
from dragoman.client.session import Dialogue

DEFAULT_MODEL = "qwen3-tts-flash-realtime"
# Users of the cloud report a limit of about 2,000 units per append, a Han character being two.
_APPEND_CHARS = 900


class SpeechClient(Dialogue):
    """One synthesis session. ``first_audio_ms`` is the time from the first text sent to the
    first audio received, None until there was any.
    """

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
        self.first_audio_ms: float | None = None
        self._first_text_at_s: float | None = None
        self._mode = "server_commit"

    async def update(
        self,
        *,
        voice: str | None = None,
        mode: Literal["server_commit", "commit"] | None = None,
        language_type: str | None = None,
        response_format: str | None = None,
        sample_rate: int | None = None,
        speech_rate: float | None = None,
        pitch_rate: float | None = None,
        volume: int | None = None,
        instructions: str | None = None,
        **more: Any,
    ) -> str:
        """Change settings; only what is given is sent, and ``more`` as it is. Returns the id.

        The answer is a ``SessionChanged`` or a ``Problem`` event.
        """
        given = {
            "voice": voice,
            "mode": mode,
            "language_type": language_type,
            "response_format": response_format,
            "sample_rate": sample_rate,
            "speech_rate": speech_rate,
            "pitch_rate": pitch_rate,
            "volume": volume,
            "instructions": instructions,
        }
        settings = {name: value for name, value in given.items() if value is not None} | more
        self._mode = settings.get("mode", self._mode)
        return await self.send({"type": "session.update", "session": settings})

    async def append(self, text: str) -> None:
        """Add text, of any length down to single characters. Empty text sends nothing."""
        for start in range(0, len(text), _APPEND_CHARS):
            piece = text[start : start + _APPEND_CHARS]
            if self._first_text_at_s is None:
                self._first_text_at_s = time.monotonic()
            await self.send({"type": "input_text_buffer.append", "text": piece})

    async def commit(self) -> None:
        """Have everything spoken that was appended."""
        await self.send({"type": "input_text_buffer.commit"})

    async def clear(self) -> None:
        """Drop what was appended and not committed (``commit`` mode only)."""
        await self.send({"type": "input_text_buffer.clear"})

    async def cancel(self) -> None:
        """Stop speaking and drop all text that is waiting."""
        await self.send({"type": "response.cancel"})

    async def finish(self) -> None:
        """Say that no more text comes; the rest is spoken, then ``SessionFinished``."""
        await self.send({"type": "session.finish"})

    async def speak(self, text: str | AsyncIterable[str]) -> AsyncIterator[bytes]:
        """Send a text, or pieces of one as they come, and finish; yields the audio.

        Text is sent while audio is received. The bytes are in the ``response_format`` of the
        session: s16le mono at ``sample_rate`` unless ``update`` said otherwise.

        Raises:
            ServerError: the server reported an error.
            ConnectionLost: the connection ended before the session did.

        """
        failures: list[Exception] = []
        sender = asyncio.create_task(self._send_all(text, failures))
        try:
            async for event in self:
                match event:
                    case SpokenData(data=data) if data:
                        yield data
                    case Problem():
                        raise event.as_error()
                    case SessionFinished():
                        return
            raise ConnectionLost(1000, "")
        except ConnectionLost:
            # If the text itself failed, the sender has hung up: its reason is the true one.
            if failures:
                raise failures[0] from None
            raise
        finally:
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)

    async def _send_all(self, text: str | AsyncIterable[str], failures: list[Exception]) -> None:
        try:
            if isinstance(text, str):
                await self.append(text)
            else:
                async for piece in text:
                    await self.append(piece)
            if self._mode == "commit":
                await self.commit()
            await self.finish()
        except Exception as failure:  # noqa: BLE001  # whatever it is, the listener raises it
            failures.append(failure)
            await self.close()

    def _read(self, raw: Raw) -> list[Event]:
        event = read_speech(raw)
        if isinstance(event, SpokenData) and self.first_audio_ms is None:
            begun_s = self._first_text_at_s
            if begun_s is not None:
                self.first_audio_ms = (time.monotonic() - begun_s) * 1000
        return [event]
