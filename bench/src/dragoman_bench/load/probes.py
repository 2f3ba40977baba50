"""What another session feels while a crowd talks: three small sessions, asked again and again.

Scope: one session each of synthesis and interpretation, and one that only asks for its settings;
each question has a time, and the wait counts from there.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import msgspec

from dragoman.client.interpretation import InterpretSettings, session_object
from dragoman_bench.figures import Figure, Row, Spread, lines, spread
from dragoman_bench.harness.microphones import speechlike
from dragoman_bench.harness.synthesis_session import COMMIT, append_text, settings
from dragoman_bench.harness.ws_client import (
    INTERPRETATION_MODEL,
    SYNTHESIS_MODEL,
    WsClient,
    framed,
)

AIM_MS = 20.0
_TEXT = append_text("Still there?") + COMMIT
_SOUND = b"".join(speechlike()[2:8]) + framed(b'{"type":"input_audio_buffer.commit"}')
_EVERY_S = {"settings": 0.05, "synthesis": 0.2, "interpretation": 0.4}
_WAIT_S = 60.0

Waits = dict[str, list[float]]
"""For each probe, how long each answer took, in ms."""


async def open_probes(port: int) -> dict[str, Callable[[], Awaitable[None]]]:
    """The questions, each on a session of its own; awaiting one waits for its answer."""
    echo = await WsClient.connect(port, SYNTHESIS_MODEL)
    speech = await WsClient.connect(port, SYNTHESIS_MODEL)
    heard = await WsClient.connect(port, INTERPRETATION_MODEL)
    for client in (echo, speech):
        await client.update(settings("commit"))
    manual = InterpretSettings(target="es", source="en", manual=True)
    await heard.update(session_object(manual, INTERPRETATION_MODEL))
    update = framed(msgspec.json.encode({"type": "session.update", "session": settings("commit")}))
    return {
        "settings": _question(echo, update, "session.updated", ""),
        "synthesis": _question(speech, _TEXT, "response.audio.delta", "response.done"),
        "interpretation": _question(heard, _SOUND, "response.audio.delta", "response.done"),
    }


def _question(
    client: WsClient, frames: bytes, answer: str, end: str
) -> Callable[[], Awaitable[None]]:
    ended: list[asyncio.Future[bytes]] = []

    async def ask() -> None:
        async with asyncio.timeout(_WAIT_S):  # wait_for may swallow a cancellation
            if ended:  # what belongs to the answer before is over first
                await ended.pop()
            answered = client.next_event(answer)
            if end:
                ended.append(client.next_event(end))
            client.write(frames)
            await answered

    return ask


@contextlib.asynccontextmanager
async def probing(probes: dict[str, Callable[[], Awaitable[None]]]) -> AsyncIterator[Waits]:
    """Ask all of them until the block ends."""
    waits: Waits = {name: [] for name in probes}
    tasks = [
        asyncio.create_task(_ask(ask, _EVERY_S[name], waits[name])) for name, ask in probes.items()
    ]
    try:
        yield waits
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        for failure in ended:
            if isinstance(failure, Exception):
                raise failure


async def _ask(ask: Callable[[], Awaitable[None]], every_s: float, waits: list[float]) -> None:
    due_s = time.monotonic()
    while True:
        await asyncio.sleep(max(0.0, due_s - time.monotonic()))
        await ask()
        now_s = time.monotonic()
        waits.append((now_s - due_s) * 1000)
        due_s = max(due_s + every_s, now_s)


def figures(part: str, alone: Waits, beside: Waits) -> list[Figure]:
    """The waits beside the crowd and without it."""
    rows: list[Row] = []
    for name, found in beside.items():
        before, after = spread(alone[name]), spread(found)
        rows += [
            (f"another session, {name}, alone p99", _p99(before), "ms", None),
            (f"another session, {name}, p50", None if after is None else after.p50, "ms", None),
            (f"another session, {name}, p99", _p99(after), "ms", AIM_MS),
        ]
    return lines(part, rows)


def _p99(found: Spread | None) -> float | None:
    return None if found is None else found.p99
