"""Sessions of every API over bad lines: what gets through is right, and nothing stays behind."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator

import pytest
from websockets.exceptions import WebSocketException

from dragoman.testing import LiveServer, serve
from tests.faults.fault_proxy import FaultProxy, Faults, fault_proxy
from tests.faults.sessions import MODELS, at_rest, play, told

pytestmark = [pytest.mark.anyio, pytest.mark.live]

LINES = {
    "latency and jitter": (Faults(0.02, 0.03), Faults(0.02, 0.03)),
    "one byte at a time": (Faults(pieces=(1, 1)), Faults(pieces=(1, 40))),
    "cut frames": (Faults(pieces=(1, 900)), Faults(pieces=(1, 900))),
    "little bandwidth": (Faults(bytes_per_s=150_000), Faults(bytes_per_s=300_000)),
    "a slow reader": (Faults(), Faults(0.01, 0.02, pieces=(200, 2_000), bytes_per_s=120_000)),
}
BREAKS = 12
LENGTHS = {
    "up": {"synthesis": 500, "interpretation": 60_000, "recognition": 60_000},
    "down": {"synthesis": 20_000, "interpretation": 40_000, "recognition": 1_500},
}
"""A session has more bytes than these in each direction."""
IDLE_S, STALL_S = 3, 2


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    with serve(engines="scripted", limits={"idle_s": IDLE_S, "stall_s": STALL_S}) as live:
        yield live


@pytest.mark.parametrize("line", LINES)
async def test_every_event_is_right_on_a_bad_line(server: LiveServer, line: str) -> None:
    tasks = await at_rest(server)
    up, down = LINES[line]
    async with fault_proxy(server.port, up=up, down=down, seed=5) as proxy:
        logs = await asyncio.gather(*(play(proxy.url, api) for api in MODELS))
    for api, log in zip(MODELS, logs, strict=True):
        assert told(api, log) == told(api, await play(server.url, api))
    await at_rest(server, tasks)


@pytest.mark.parametrize("direction", ["up", "down"])
async def test_a_reset_anywhere_leaves_nothing_behind(server: LiveServer, direction: str) -> None:
    tasks = await at_rest(server)
    chance = random.Random(3)

    async def one(api: str) -> None:
        line = Faults(pieces=(1, 4_000), reset_after=chance.randint(1, LENGTHS[direction][api]))
        other = Faults(pieces=(1, 4_000))
        up, down = (line, other) if direction == "up" else (other, line)
        async with fault_proxy(server.port, up=up, down=down, seed=chance.random()) as proxy:
            with pytest.raises((WebSocketException, OSError, EOFError, ExceptionGroup)):
                await play(proxy.url, api)
            assert proxy.resets == 1

    await asyncio.gather(*(one(api) for api in MODELS for _ in range(BREAKS)))
    await at_rest(server, tasks)
    assert told("synthesis", await play(server.url, "synthesis"))


async def playing_into(proxy: FaultProxy, api: str) -> asyncio.Task[object]:
    """A session that plays until the line is dead. One that a busy machine holds up for ``IDLE_S``
    is ended before that; then another one plays.
    """
    dead = asyncio.create_task(proxy.is_dead.wait())
    while True:
        playing: asyncio.Task[object] = asyncio.create_task(play(proxy.url, api))
        await asyncio.wait((playing, dead), return_when=asyncio.FIRST_COMPLETED)
        if dead.done():
            return playing


async def test_a_dead_line_ends_the_session(server: LiveServer) -> None:
    """Nobody is told that the line is dead, so the server's own limits end the sessions: idle
    where all answers were taken, stalled where they were not.
    """
    tasks = await at_rest(server)

    async def one(api: str, after: int) -> None:
        dead = Faults(dead_after=after)
        async with fault_proxy(server.port, up=dead, down=dead) as proxy:
            playing = await playing_into(proxy, api)
            await at_rest(server, tasks)
            playing.cancel()
            await asyncio.gather(playing, return_exceptions=True)

    await asyncio.gather(*(one(api, after) for api in MODELS for after in (1_200, 20_000)))
