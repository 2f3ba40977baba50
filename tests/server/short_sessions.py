"""Short sessions against a running server, for tests of what the server tells about them."""

from __future__ import annotations

import asyncio
from pathlib import Path

from dragoman.client.interpretation import InterpretClient
from dragoman.client.media import MediaFile, SoundChunk
from dragoman.client.synthesis import SpeechClient
from tests.client.media_files import make_media

THREADED = ",".join(
    ["scripted", *(f"{role}=scripted-{role}@host=thread" for role in ("asr", "mt", "tts"))]
)
"""Scripted engines that are timed: those on the event loop are not."""


async def speak(url: str, key: str | None = None) -> None:
    """A response of synthesis."""
    async with SpeechClient(url, api_key=key) as client:
        async for _ in client.speak("Hello there."):
            pass


async def interpret(url: str, folder: Path, key: str | None = None) -> None:
    """Three seconds of an interpretation from English into Spanish, as fast as it goes."""
    path = folder / "talk.wav"
    if not path.exists():
        make_media(path, seconds=3, codec="pcm_s16le", rate_hz=16_000, channels=1)
    async with (
        InterpretClient(url, api_key=key) as client,
        MediaFile(path) as media,
        asyncio.TaskGroup() as tasks,
    ):

        async def send() -> None:
            async for piece in media:
                if isinstance(piece, SoundChunk):
                    await client.send_audio(piece.pcm)
            await client.finish()

        await client.update(target="es", source="en")
        tasks.create_task(send())
        async for _ in client:
            pass
