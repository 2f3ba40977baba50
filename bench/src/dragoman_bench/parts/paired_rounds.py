"""The server and the bare pool of workers take turns at the same work: first audio of both.

Law of this file: the same times of arrival for both, one right after the other inside one run, so
that a busy machine is busy for both. Counted is from a *scheduled* time. What is spoken is the
caller's: it hands over two ways to begin it.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from statistics import median

import msgspec

from dragoman.engines import registry
from dragoman.engines.base import Utterance
from dragoman.runtime.hosts.host import EngineHost
from dragoman.runtime.hosts.make_host import make_host
from dragoman_bench.figures import Figure, Spread, percentile, ratio, spread
from dragoman_bench.harness import processes
from dragoman_bench.harness.pacer import Action, Pacer
from dragoman_bench.harness.server_process import ServerProcess

VOICE, RATE_HZ = "Cherry", 24_000
_SPOKEN_S = 60.0
_LEAD_S = 0.05
_GRID = 200  # times a second

Begin = Callable[[Pacer, float], "asyncio.Future[float]"]
"""Schedules a text; the future is the time to its first audio, in ms, once all is said."""


class Pattern(msgspec.Struct, frozen=True, kw_only=True):
    """Who arrives when, and what was aimed at (by the keys that ``figures`` asks for)."""

    sessions: int
    at_once: bool = False
    """All at one instant; else within a second, at random."""
    rounds: int
    quick_rounds: int
    aims: Mapping[str, float] = {}

    def arrivals(self, chance: random.Random, *, quick: bool) -> list[list[float]]:
        """The times of arrival of each round, in seconds, on a grid of 5 ms.

        The load waits for the last half millisecond of every time with its eyes open; without a
        grid, thousands of different times a second would take a core from those it measures.
        """
        return [
            [
                0.0 if self.at_once else int(chance.random() * _GRID) / _GRID
                for _ in range(self.sessions)
            ]
            for _ in range(self.quick_rounds if quick else self.rounds)
        ]


class Scene(msgspec.Struct, kw_only=True):
    """One arrival pattern: how both did, in ms to first audio."""

    server: Spread
    pool: Spread
    server_ms: list[float]
    pool_ms: list[float]
    round_ratios: list[float]
    """Of each round, the median of the server by that of the pool right after it."""
    loop_us: float
    """CPU of the server's event loop for each text."""
    load_late_p99_ms: float


async def scene(
    pid: int, ours: Sequence[Begin], bare: Begin, rounds: Sequence[Sequence[float]]
) -> Scene:
    """Run the rounds, each a list of times of arrival in seconds, one for each of ``ours``.

    ``pid`` is the server's process, ``bare`` begins the same on the pool.
    """
    server_ms: list[float] = []
    pool_ms: list[float] = []
    ratios: list[float] = []
    late_s: list[float] = []
    loop_s = 0.0
    for arrivals in rounds:
        loop_s -= processes.main_thread_cpu_s(pid)
        mine, late = await one_round(ours, arrivals)
        loop_s += processes.main_thread_cpu_s(pid)
        theirs, also_late = await one_round([bare] * len(arrivals), arrivals)
        ratios.append(median(mine) / median(theirs))
        server_ms += mine
        pool_ms += theirs
        late_s += late + also_late
    server, pool = spread(server_ms), spread(pool_ms)
    assert server is not None
    assert pool is not None
    return Scene(
        server=server,
        pool=pool,
        server_ms=server_ms,
        pool_ms=pool_ms,
        round_ratios=ratios,
        loop_us=loop_s * 1e6 / len(server_ms),
        load_late_p99_ms=percentile(late_s, 0.99) * 1000,
    )


async def one_round(
    begins: Sequence[Begin], arrivals: Sequence[float]
) -> tuple[list[float], list[float]]:
    """Everybody once: the times to first audio in ms, and how late the load was, in seconds."""
    wheel = Pacer()
    zero_s = wheel.now_s + _LEAD_S
    started = [begin(wheel, zero_s + after_s) for begin, after_s in zip(begins, arrivals)]  # noqa: B905  # as many as arrive
    return await asyncio.wait_for(asyncio.gather(*started), _SPOKEN_S), wheel.late_s


# ---------------------------------------------------------------- the bare pool
@asynccontextmanager
async def pool_like(
    subject: ServerProcess, spec: str, cores: set[int]
) -> AsyncIterator[EngineHost]:
    """A pool with as many workers as the server has, on the same cores."""
    count = processes.workers(subject.pid, spec)
    with processes.on_cores(cores):
        pool = make_host(registry.make(spec), spec=spec, threads=count, workers=count)
        await pool.start()
    try:
        yield pool
    finally:
        await pool.close()


def on_pool(pool: EngineHost, plan: Sequence[tuple[float, str]], counted_s: float = 0.0) -> Begin:
    """Speaks segments, each ready so many seconds after the arrival, one after another.

    First audio counts from ``counted_s`` after the arrival.
    """

    def begin(wheel: Pacer, due_s: float) -> asyncio.Future[float]:
        ready: asyncio.Queue[str] = asyncio.Queue()

        async def speak() -> float:
            first_s = 0.0
            for _ in plan:
                async for _pcm in spoken(pool, await ready.get()):
                    first_s = first_s or wheel.now_s
            return (first_s - due_s - counted_s) * 1000

        for after_s, text in plan:
            wheel.at(due_s + after_s, _put(ready, text))
        return asyncio.ensure_future(speak())

    return begin


def _put(ready: asyncio.Queue[str], text: str) -> Action:
    return lambda _due_s: ready.put_nowait(text)


async def spoken(pool: EngineHost, text: str) -> AsyncIterator[bytes]:
    """The speech of one segment, as the server asks its pool for it."""
    utterance = Utterance(text=text, voice=VOICE, language="en")
    async with aclosing(pool.speak(utterance, RATE_HZ)) as pieces:
        async for pcm in pieces:
            yield pcm


# ---------------------------------------------------------------- the table
def figures(name: str, found: Scene, aims: Mapping[str, float]) -> list[Figure]:
    """The lines of one arrival pattern."""
    part, server, pool = f"synthesis, {name}", found.server, found.pool
    rows = [
        ("first audio p50", server.p50, "ms", aims.get("p50")),
        ("first audio p95", server.p95, "ms", None),
        ("first audio p99", server.p99, "ms", aims.get("p99")),
        ("bare pool p50", pool.p50, "ms", None),
        ("bare pool p95", pool.p95, "ms", None),
        ("bare pool p99", pool.p99, "ms", None),
        ("p50 above bare pool", server.p50 - pool.p50, "ms", aims.get("above")),
        ("ratio to bare pool", median(found.round_ratios), "x", aims.get("ratio")),
        ("ratio to bare pool, p99", ratio(server.p99, pool.p99), "x", None),
        ("event loop per text", found.loop_us / 1000, "ms", None),
    ]
    return [
        Figure(part=part, name=label, value=value, unit=unit, aim=aim)
        for label, value, unit, aim in rows
    ]
