"""One live session: a stream at microphone pace, into an event log; and several side by side.

Scope: sending, receiving and logging; nothing is judged. It is an ordinary client of any server of
this API. A chunk is sent when a microphone would have delivered it, by the clock and not by
counting sleeps, so a late chunk does not delay the next.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from dragoman.client.connection import RawEvent
from dragoman.client.errors import ClientError
from dragoman.client.event_log import EventLog
from dragoman.client.events import Event, Problem, SessionChanged, SessionEnded
from dragoman.client.interpretation import (
    DEFAULT_MODEL,
    InterpretClient,
    InterpretSettings,
    session_object,
)
from dragoman_bench.figures import BenchFailed
from dragoman_bench.interpret.recordings import RATE_HZ, Pcm
from dragoman_bench.interpret.script import Script
from dragoman_bench.interpret.stream import Stream

CHUNK_MS = 100
_CHUNK = RATE_HZ * CHUNK_MS // 1000
_OPEN_S = 60.0
_FINISH_S = 120.0


class SessionRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What every session of a run asks for; ``more`` goes into the session's ``translation``."""

    url: str
    target: str
    source: str | None = None
    model: str = DEFAULT_MODEL
    api_key: str | None = None
    text_only: bool = False
    more: Mapping[str, str] = {}
    phrases: Mapping[str, str] | None = None

    def session(self) -> RawEvent:
        """The ``session`` of the ``session.update`` that is sent."""
        settings = InterpretSettings(
            target=self.target, source=self.source, text_only=self.text_only, phrases=self.phrases
        )
        session = session_object(settings, self.model)
        session["translation"] = {**session.get("translation", {}), **self.more}
        return session


class Played(msgspec.Struct, frozen=True):
    """A session that was played: its log, what was said in it, and by how much its worst chunk
    was sent late (the load's own fault).
    """

    log: Path
    script: Script
    late_ms: float


async def play_concurrently(
    playlists: Sequence[Sequence[Stream]], request: SessionRequest, folder: Path
) -> list[Played]:
    """Play several lists of streams at once, each one stream after another; logs go into the
    folder, which has to exist.

    Sessions begin within a second of each other, at the same random times in every run.
    Raises as ``play``.
    """
    starts = random.Random(len(playlists))  # noqa: S311  # not for secrets

    async def one_after_another(number: int, streams: Sequence[Stream]) -> list[Played]:
        done = []
        wait_s = starts.random() if len(playlists) > 1 else 0.0
        for stream in streams:
            suffix = f".{number}" if len(playlists) > 1 else ""
            path = folder / f"{stream.script.name}{suffix}.jsonl"
            with EventLog(path) as log:
                late_ms = await play(stream, request, log, wait_s=wait_s)
            done.append(Played(path, stream.script, late_ms))
        return done

    try:
        async with asyncio.TaskGroup() as tasks:
            made = [
                tasks.create_task(one_after_another(n, streams))
                for n, streams in enumerate(playlists, 1)
            ]
    except ExceptionGroup as group:
        for failure in group.exceptions:
            if isinstance(failure, BenchFailed | ClientError | OSError):
                raise failure from None
        raise
    return [played for task in made for played in task.result()]


async def play(
    stream: Stream,
    request: SessionRequest,
    log: EventLog,
    *,
    wait_s: float = 0.0,
    on_event: Callable[[float, Event], None] = lambda _at_ms, _event: None,
) -> float:
    """Play a stream and log what happens; the pacing begins ``wait_s`` after the server is ready.
    Returns by how much the worst chunk was sent late, in ms.

    Raises ``BenchFailed`` when the server refuses or does not finish, ``ClientError``, ``OSError``.
    """
    async with InterpretClient(
        request.url, model=request.model, api_key=request.api_key, open_timeout_s=_OPEN_S
    ) as client:
        await client.send({"type": "session.update", "session": request.session()})
        log.sent("session.update")
        await asyncio.wait_for(_updated(client), _OPEN_S)
        await asyncio.sleep(wait_s)
        log.start()
        receiver = asyncio.create_task(_receive(client, log, on_event))
        try:
            late_ms = await _send(stream, client, log, receiver)
            await asyncio.wait_for(receiver, _FINISH_S)
        except TimeoutError:
            raise BenchFailed(f"not finished {_FINISH_S:.0f} s after the last audio") from None
        finally:
            receiver.cancel()
    return late_ms


async def microphone(
    samples: Pcm, now_ms: Callable[[], float]
) -> AsyncIterator[tuple[bytes, float]]:
    """Chunks of 100 ms, each when it is due on the clock, and how late it is in ms."""
    for number, start in enumerate(range(0, len(samples), _CHUNK), 1):
        due_ms = number * CHUNK_MS
        await asyncio.sleep(max(0.0, due_ms - now_ms()) / 1000)
        yield samples[start : start + _CHUNK].tobytes(), now_ms() - due_ms


async def _updated(client: InterpretClient) -> None:
    async for event in client:
        if isinstance(event, Problem):
            raise event.as_error()
        if isinstance(event, SessionChanged) and event.raw.get("type") == "session.updated":
            return
    raise BenchFailed("the server closed before it took the settings")


async def _send(
    stream: Stream, client: InterpretClient, log: EventLog, receiver: asyncio.Task[None]
) -> float:
    worst_ms = 0.0
    async for pcm, late_ms in microphone(stream.samples, log.now_ms):
        if receiver.done():
            receiver.result()
            raise BenchFailed("the session ended before the stream did")
        worst_ms = max(worst_ms, late_ms)
        await client.send_audio(pcm)
        log.sent("input_audio_buffer.append", pcm)
    await client.finish()
    log.sent("session.finish")
    return worst_ms


async def _receive(
    client: InterpretClient, log: EventLog, on_event: Callable[[float, Event], None]
) -> None:
    async for event in client:
        at_ms = log.now_ms()
        log.received(at_ms, event)
        on_event(at_ms, event)
        if isinstance(event, SessionEnded):
            return
        if isinstance(event, Problem) and event.fatal:
            raise event.as_error()
    raise BenchFailed("the server closed before it had finished")
