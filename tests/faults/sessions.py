"""One short session of each API over any address: what a client sends, and the log of it all.

Scope: an ordinary client that reads everything; the log has the form of ``dragoman.testing``'s
validators.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from dragoman.testing import (
    LiveServer,
    validate_interpretation,
    validate_recognition,
    validate_synthesis,
)
from tests.conformance.sounds import turns

Log = list[tuple[str, dict[str, Any]]]

MODELS = {
    "synthesis": "qwen3-tts-flash-realtime",
    "interpretation": "qwen3.5-livetranslate-flash-realtime",
    "recognition": "qwen3-asr-flash-realtime",
}
_SETTINGS: dict[str, dict[str, Any]] = {
    "synthesis": {"mode": "commit", "sample_rate": 8_000, "response_format": "pcm"},
    "interpretation": {"translation": {"language": "es"}},
    "recognition": {"input_audio_transcription": {"language": "en"}},
}
_TEXTS = ("Is anybody there?", "The line is bad, but every word comes through.")
_SOUND = turns(800, 600, pause_ms=700)
_CHUNK_BYTES = 3_200
_VALIDATORS: dict[str, Callable[..., object]] = {
    "synthesis": validate_synthesis,
    "interpretation": validate_interpretation,
    "recognition": validate_recognition,
}
_TOLD = {
    "conversation.item.input_audio_transcription.completed",
    "response.audio_transcript.done",
}


async def play(url: str, api: str) -> Log:
    """A whole session, from the handshake to ``session.finished``. Raises what the client library
    raises when the line breaks, and ``TimeoutError``.
    """
    log: Log = []
    address = f"{url}?model={MODELS[api]}"
    async with (
        asyncio.timeout(40),
        connect(address, compression=None, ping_interval=None, close_timeout=5) as socket,
    ):
        await _until(socket, log, "session.created")
        await _send(socket, log, "session.update", session=_SETTINGS[api])
        await _until(socket, log, "session.updated")
        if api == "synthesis":
            for text in _TEXTS:
                await _send(socket, log, "input_text_buffer.append", text=text)
                await _send(socket, log, "input_text_buffer.commit")
                await _until(socket, log, "response.done")
            await _send(socket, log, "session.finish")
            await _until(socket, log, "session.finished")
        else:
            async with asyncio.TaskGroup() as both:
                both.create_task(_until(socket, log, "session.finished"))
                async for chunk in _chunks():
                    await _send(socket, log, "input_audio_buffer.append", audio=chunk)
                await _send(socket, log, "session.finish")
    return log


def told(api: str, log: Log) -> list[str]:
    """What the client was told, once a strict client has accepted the log: texts in their order,
    and for synthesis how many bytes of speech there were. Raises ``Violation``.
    """
    _VALIDATORS[api](log, model=MODELS[api])
    texts = [event["transcript"] for _, event in log if event["type"] in _TOLD]
    if api == "synthesis":
        deltas = [event["delta"] for _, event in log if event["type"] == "response.audio.delta"]
        texts.append(str(sum(len(base64.b64decode(delta)) for delta in deltas)))
    return texts


async def at_rest(server: LiveServer, tasks: int | None = None) -> int:
    """Wait until no session is open and, where a number is given, so many tasks are left; the
    number of tasks. Raises ``TimeoutError``.
    """
    async with asyncio.timeout(30):
        while True:
            page = (await asyncio.to_thread(server.get, "/metrics"))[1].decode()
            found = _value(page, "dragoman_tasks")
            if not _value(page, "dragoman_sessions_open") and found == (tasks or found):
                return found
            await asyncio.sleep(0.05)  # a page has nothing to wait on


def _value(page: str, name: str) -> int:
    lines = [line for line in page.splitlines() if line.startswith((f"{name} ", f"{name}{{"))]
    return int(sum(float(line.rsplit(" ", 1)[1]) for line in lines))


async def _chunks() -> AsyncIterator[str]:
    for at in range(0, len(_SOUND), _CHUNK_BYTES):
        yield base64.b64encode(_SOUND[at : at + _CHUNK_BYTES]).decode()


async def _send(socket: ClientConnection, log: Log, type_: str, **fields: Any) -> None:
    event = {"type": type_, **fields}
    log.append((">", event))
    await socket.send(json.dumps(event))


async def _until(socket: ClientConnection, log: Log, type_: str) -> None:
    while True:
        event = json.loads(await socket.recv())
        log.append(("<", event))
        assert event["type"] != "error", event
        if event["type"] == type_:
            return
