"""Rounds of the same work on the server and, right after it, on a bare pool of workers.

Scope: the same arrival times for both, one right after the other, so that a busy machine is busy
for both. First audio counts from a *scheduled* time. What is spoken is the caller's: it hands over
two ways to start a text.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from statistics import median

import msgspec
import numpy as np

from dragoman.engines import registry
from dragoman.engines.base import Utterance
from dragoman.runtime.hosts.host import EngineHost
from dragoman.runtime.hosts.make_host import make_host
from dragoman_bench.figures import Figure, Row, Spread, lines, ratio, spread
from dragoman_bench.harness import processes
from dragoman_bench.harness.pacer import Action, Pacer
from dragoman_bench.harness.server_process import ServerProcess
from dragoman_bench.harness.synthesis_session import RATE_HZ, VOICE, Spoken

_SPOKEN_S = 60.0
_LEAD_S = 0.05
_GRID_HZ = 200

StartText = Callable[[Pacer, float], "asyncio.Future[float]"]
"""Schedules a text; the future is the time to its first audio, in ms, once all is spoken."""


class Pattern(msgspec.Struct, frozen=True, kw_only=True):
    """Who arrives when, and the aims (by the keys that ``figures`` asks for)."""

    sessions: int
    at_once: bool = False
    """All at one instant; else within a second, at random."""
    rounds: int
    quick_rounds: int
    aims: Mapping[str, float] = {}

    def arrivals(self, chance: random.Random, *, quick: bool) -> list[list[float]]:
        """The arrival times of each round, in seconds, on a grid of 5 ms.

        The pacer waits for the last half millisecond of each time in a busy loop; without a grid,
        thousands of different times a second would take a core from those it measures.
        """
        return [
            [
                0.0 if self.at_once else int(chance.random() * _GRID_HZ) / _GRID_HZ
                for _ in range(self.sessions)
            ]
            for _ in range(self.quick_rounds if quick else self.rounds)
        ]


class PairedResult(msgspec.Struct, kw_only=True):
    """One arrival pattern: time to first audio of both, in ms."""

    server: Spread
    pool: Spread
    server_ms: list[float]
    pool_ms: list[float]
    round_ratios: list[float]
    """Of each round, the median of the server by that of the pool right after it."""
    loop_us: float
    """CPU of the server's event loop for each text."""
    load_late_p99_ms: float


async def paired_rounds(
    pid: int, server: Sequence[StartText], pool: StartText, rounds: Sequence[Sequence[float]]
) -> PairedResult:
    """Run the rounds, each a list of arrival times in seconds, one for each of ``server``.

    ``pid`` is the server's process; ``pool`` starts the same text on the pool.
    """
    server_ms: list[float] = []
    pool_ms: list[float] = []
    ratios: list[float] = []
    late_s: list[float] = []
    loop_s = 0.0
    for arrivals in rounds:
        loop_s -= processes.main_thread_cpu_s(pid)
        on_server, late = await one_round(server, arrivals)
        loop_s += processes.main_thread_cpu_s(pid)
        on_pool, also_late = await one_round([pool] * len(arrivals), arrivals)
        ratios.append(median(on_server) / median(on_pool))
        server_ms += on_server
        pool_ms += on_pool
        late_s += late + also_late
    of_server, of_pool = spread(server_ms), spread(pool_ms)
    assert of_server is not None
    assert of_pool is not None
    return PairedResult(
        server=of_server,
        pool=of_pool,
        server_ms=server_ms,
        pool_ms=pool_ms,
        round_ratios=ratios,
        loop_us=loop_s * 1e6 / len(server_ms),
        load_late_p99_ms=float(np.quantile(late_s, 0.99)) * 1000,
    )


async def one_round(
    starts: Sequence[StartText], arrivals: Sequence[float]
) -> tuple[list[float], list[float]]:
    """One text each: the times to first audio in ms, and how late the load was, in seconds."""
    pacer = Pacer()
    zero_s = pacer.now_s + _LEAD_S
    texts = [start(pacer, zero_s + s) for start, s in zip(starts, arrivals, strict=True)]
    return await asyncio.wait_for(asyncio.gather(*texts), _SPOKEN_S), pacer.late_s


# ---------------------------------------------------------------- the bare pool
@asynccontextmanager
async def pool_like(server: ServerProcess, spec: str, cores: set[int]) -> AsyncIterator[EngineHost]:
    """A pool with as many workers as the server has, on the same cores."""
    count = processes.workers(server.pid, spec)
    with processes.on_cores(cores):
        pool = make_host(registry.make(spec), spec=spec, threads=count, workers=count)
        await pool.start()
    try:
        yield pool
    finally:
        await pool.close()


def on_pool(
    pool: EngineHost, plan: Sequence[tuple[float, str]], counted_s: float = 0.0
) -> StartText:
    """Speaks segments, each ready so many seconds after the arrival, one after another.

    First audio counts from ``counted_s`` after the arrival.
    """

    def start(pacer: Pacer, due_s: float) -> asyncio.Future[float]:
        ready: asyncio.Queue[str] = asyncio.Queue()

        async def speak() -> float:
            first_s = 0.0
            for _ in plan:
                spoken = await speak_segment(pool, await ready.get(), pacer)
                first_s = first_s or spoken.first_audio_s
            return (first_s - due_s - counted_s) * 1000

        for after_s, text in plan:
            pacer.at(due_s + after_s, _put(ready, text))
        return asyncio.ensure_future(speak())

    return start


def _put(ready: asyncio.Queue[str], text: str) -> Action:
    return lambda _due_s: ready.put_nowait(text)


async def speak_segment(pool: EngineHost, text: str, pacer: Pacer) -> Spoken:
    """Have one segment spoken, as the server asks its pool for it."""
    utterance = Utterance(text=text, voice=VOICE, language="en")
    first_s, size = 0.0, 0
    async with aclosing(pool.speak(utterance, RATE_HZ)) as pieces:
        async for pcm in pieces:
            first_s = first_s or pacer.now_s
            size += len(pcm)
    return Spoken(first_s, size)


# ---------------------------------------------------------------- the table
def figures(name: str, found: PairedResult, aims: Mapping[str, float]) -> list[Figure]:
    """The lines of one arrival pattern."""
    part, server, pool = f"synthesis, {name}", found.server, found.pool
    rows: list[Row] = [
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
    return lines(part, rows)
