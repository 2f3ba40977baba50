"""The client for synthesis: text in, speech out.

Scope: what a client of the ``*-tts-*-realtime`` models sends. Example::

    async with SpeechClient(url) as client:
        await client.update(voice="Cherry")
        async for audio in client.speak("Hello."):
            ...

or send with ``append``, ``commit`` and ``finish`` while another task iterates over the client.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterable, AsyncIterator
from typing import Any, Literal

from dragoman.client.errors import ConnectionLost
from dragoman.client.events import Event, Problem, SessionEnded, SpeechAudio
from dragoman.client.session import ClientSession
from dragoman.protocol.realtime import events as realtime
from dragoman.protocol.synthesis import events as synthesis

DEFAULT_MODEL = "qwen3-tts-flash-realtime"
# Users of the cloud report about 2,000 characters per append, with Han characters counted twice.
_APPEND_CHARS = 900


class SpeechClient(ClientSession):
    """One synthesis session. ``first_audio_ms`` is the time from the first text sent to the first
    audio received, None before.
    """

    default_model = DEFAULT_MODEL
    first_audio_ms: float | None = None
    _first_text_at_s: float | None = None
    _mode = "server_commit"

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
        """Change the given settings; ``more`` is sent as it is.

        Returns the event's id. The answer is a ``SessionChanged`` or a ``Problem`` event.
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
        return await self._send(realtime.SessionUpdate(session=settings))

    async def append(self, text: str) -> None:
        """Append text of any length; empty text sends nothing."""
        for start in range(0, len(text), _APPEND_CHARS):
            piece = text[start : start + _APPEND_CHARS]
            if self._first_text_at_s is None:
                self._first_text_at_s = time.monotonic()
            await self._send(synthesis.TextAppend(text=piece))

    async def commit(self) -> None:
        """Let the server speak what was appended."""
        await self._send(synthesis.TextCommit())

    async def clear(self) -> None:
        """Drop appended text that is not committed (``commit`` mode only)."""
        await self._send(synthesis.TextClear())

    async def cancel(self) -> None:
        """Stop speaking and drop all waiting text."""
        await self._send(realtime.ResponseCancel())

    async def finish(self) -> None:
        """Send no more text; the server speaks the rest, then sends ``SessionEnded``."""
        await self._send(realtime.SessionFinish())

    async def speak(self, text: str | AsyncIterable[str]) -> AsyncIterator[bytes]:
        """Send a text, or its pieces as they come, and finish; yields the audio.

        Sends while it receives. The bytes have the session's ``response_format``, by default
        s16le mono at ``sample_rate``.

        Raises:
            ServerError: the server reported an error.
            ConnectionLost: the connection ended before the session did.

        """
        failures: list[Exception] = []
        sender = asyncio.create_task(self._send_all(text, failures))
        try:
            async for event in self:
                match event:
                    case SpeechAudio(data=data) if data:
                        yield data
                    case Problem():
                        raise event.as_error()
                    case SessionEnded():
                        return
            raise ConnectionLost(1000, "")
        except ConnectionLost:
            # If the text iterator fails, the sender closes the connection: raise that failure.
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
        except Exception as failure:  # noqa: BLE001  # speak() raises it
            failures.append(failure)
            await self.close()

    async def __anext__(self) -> Event:
        event = await super().__anext__()
        start_s = self._first_text_at_s
        if isinstance(event, SpeechAudio) and self.first_audio_ms is None and start_s is not None:
            self.first_audio_ms = (time.monotonic() - start_s) * 1000
        return event
