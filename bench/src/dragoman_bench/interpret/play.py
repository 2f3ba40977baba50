"""One live session: a stream at microphone pace, into an event log.

Law of this file: sending, receiving and logging; nothing is judged. It is an ordinary client of
any server of this API, this one or the cloud's. A chunk leaves when a microphone would have
delivered it, by the clock, not by counting sleeps, so a late chunk does not delay the next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import msgspec

from dragoman.client.connection import RawEvent
from dragoman.client.event_log import EventLog
from dragoman.client.events import Problem, SessionChanged, SessionEnded
from dragoman.client.interpretation import InterpretClient, InterpretSettings, session_object
from dragoman_bench.interpret.stream import Stream
from dragoman_bench.numbers import BenchFailed

MODEL = "qwen3.5-livetranslate-flash-realtime"
CHUNK_MS = 100
_CHUNK = 1600
_OPEN_S = 60.0
_FINISH_S = 120.0


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What every session of a run asks for; ``more`` goes into the session's ``translation``."""

    url: str
    target: str
    source: str | None = None
    model: str = MODEL
    api_key: str | None = None
    text_only: bool = False
    more: Mapping[str, str] = {}
    phrases: Mapping[str, str] | None = None


def session_of(wish: Wish) -> RawEvent:
    """The ``session`` of the ``session.update`` that is sent."""
    settings = InterpretSettings(
        target=wish.target, source=wish.source, text_only=wish.text_only, phrases=wish.phrases
    )
    session = session_object(settings, wish.model)
    session["translation"] = {**session.get("translation", {}), **wish.more}
    return session


async def play(stream: Stream, wish: Wish, path: Path, *, wait_s: float = 0.0) -> float:
    """Play a stream and log what happens; the pacing begins ``wait_s`` after the server is ready.
    Returns by how much the worst chunk left late, in ms.

    Raises ``BenchFailed`` when the server refuses or does not finish, ``ClientError``, ``OSError``.
    """
    with EventLog(path) as log:
        async with InterpretClient(
            wish.url, model=wish.model, api_key=wish.api_key, open_timeout_s=_OPEN_S
        ) as client:
            await client.send({"type": "session.update", "session": session_of(wish)})
            log.sent("session.update")
            await asyncio.wait_for(_accepted(client), _OPEN_S)
            await asyncio.sleep(wait_s)
            log.start()
            receiver = asyncio.create_task(_receive(client, log))
            try:
                late_ms = await _send(stream, client, log)
                await asyncio.wait_for(receiver, _FINISH_S)
            except TimeoutError:
                raise BenchFailed(f"not finished {_FINISH_S:.0f} s after the last audio") from None
            finally:
                receiver.cancel()
    return late_ms


async def _accepted(client: InterpretClient) -> None:
    async for event in client:
        if isinstance(event, Problem):
            raise event.as_error()
        if isinstance(event, SessionChanged):
            return
    raise BenchFailed("the server hung up before it took the settings")


async def _send(stream: Stream, client: InterpretClient, log: EventLog) -> float:
    late_ms = 0.0
    for number, start in enumerate(range(0, len(stream.samples), _CHUNK), 1):
        due_ms = number * CHUNK_MS
        await asyncio.sleep(max(0.0, due_ms - log.now_ms()) / 1000)
        late_ms = max(late_ms, log.now_ms() - due_ms)
        pcm = stream.samples[start : start + _CHUNK].tobytes()
        await client.send_audio(pcm)
        log.sent("input_audio_buffer.append", pcm)
    await client.finish()
    log.sent("session.finish")
    return late_ms


async def _receive(client: InterpretClient, log: EventLog) -> None:
    async for event in client:
        log.received(log.now_ms(), event)
        if isinstance(event, SessionEnded):
            return
        if isinstance(event, Problem) and event.fatal:
            raise event.as_error()
    raise BenchFailed("the server hung up before it had finished")
