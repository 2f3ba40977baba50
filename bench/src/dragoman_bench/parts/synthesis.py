"""The speed of synthesis: first audio, throughput, and the cutting of text.

Scope: which texts are spoken in which arrival patterns with which voices, and the aims. Sessions
are connected and configured before the clock starts, and stay for their pattern. In ``commit`` mode
one sentence is spoken; in ``server_commit`` a text comes in the pieces of a language model.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from typing import TypeVar

import msgspec
import uvloop

from dragoman.runtime.hosts.host import EngineHost
from dragoman_bench.figures import Figure, Part
from dragoman_bench.harness import processes
from dragoman_bench.harness.server_process import ServerProcess, serving
from dragoman_bench.parts import first_audio, segmenter, throughput
from dragoman_bench.parts.first_audio import TextInput
from dragoman_bench.parts.paired_rounds import PairedResult, Pattern, pool_like

SENTENCE = "She carried the letters across the old bridge before sunset."
TEXT = (
    "The old library opens at nine on weekdays, and its reading room stays quiet until noon. "
    "Bring a card if you want to take books home with you."
)
_AT_ONCE = {"ratio": 1.2}

COMMITTED = {
    "1 session": Pattern(sessions=1, rounds=30, quick_rounds=10, aims={"p50": 15.0}, at_once=True),
    "50 within a second": Pattern(
        sessions=50, rounds=9, quick_rounds=2, aims={"p50": 60.0, "p99": 250.0}
    ),
    "50 at once": Pattern(sessions=50, at_once=True, rounds=9, quick_rounds=2, aims=_AT_ONCE),
    "200 at once": Pattern(sessions=200, at_once=True, rounds=5, quick_rounds=1, aims=_AT_ONCE),
}
STREAMED = {
    "streaming, 1 session": Pattern(
        sessions=1, at_once=True, rounds=15, quick_rounds=3, aims={"p50": 15.0}
    ),
    "streaming, 10 within a second": Pattern(sessions=10, rounds=4, quick_rounds=1),
    "streaming, 50 within a second": Pattern(
        sessions=50, rounds=5, quick_rounds=1, aims={"p50": 60.0}
    ),
    "streaming, 200 within a second": Pattern(sessions=200, rounds=4, quick_rounds=1),
    "streaming, 50 at once": Pattern(
        sessions=50, at_once=True, rounds=7, quick_rounds=3, aims=_AT_ONCE
    ),
    "streaming, 200 at once": Pattern(
        sessions=200, at_once=True, rounds=4, quick_rounds=3, aims=_AT_ONCE
    ),
}
FLITE = {
    "flite, 1 session": Pattern(
        sessions=1, at_once=True, rounds=20, quick_rounds=6, aims={"above": 10.0}
    )
}

T = TypeVar("T")
Results = tuple[dict[str, PairedResult], list[Figure]]
_Throughput = tuple[throughput.ThroughputRounds, list[Figure]]


def measure(*, quick: bool) -> Part:
    """Measure everything."""

    async def first(
        server: ServerProcess, pool: EngineHost, text: TextInput, patterns: dict[str, Pattern]
    ) -> Results:
        return await first_audio.measure(server.pid, server.port, pool, text, patterns, quick=quick)

    async def espeak(
        server: ServerProcess, pool: EngineHost
    ) -> tuple[Results, Results, _Throughput]:
        return (
            await first(server, pool, TextInput(SENTENCE, streamed=False), COMMITTED),
            await first(server, pool, TextInput(TEXT, streamed=True), STREAMED),
            await throughput.measure(server.port, pool, quick=quick),
        )

    async def flite(server: ServerProcess, pool: EngineHost) -> Results:
        return await first(server, pool, TextInput(SENTENCE, streamed=False), FLITE)

    committed, streamed, rates = _with_pool("espeak", espeak)
    with_flite = _with_pool("flite", flite)
    costs, of_costs = segmenter.measure(quick=quick)
    figures = [*committed[1], *with_flite[1], *streamed[1], *rates[1], *of_costs]
    raw = msgspec.to_builtins(
        {
            **(committed[0] | with_flite[0] | streamed[0]),
            "throughput": rates[0],
            "segmenter": costs,
        }
    )
    return Part(name="synthesis", figures=figures, raw=raw)


def _with_pool(spec: str, play: Callable[[ServerProcess, EngineHost], Awaitable[T]]) -> T:
    """Run on a server with these voices and on a pool of the same."""
    servers, load = processes.shares()
    # On two cores server and workers need both; the load then shares them.
    servers = servers if len(servers) > 1 else servers | load

    async def run(server: ServerProcess) -> T:
        async with pool_like(server, spec, servers) as pool:
            return await play(server, pool)

    with ExitStack() as stack:
        with processes.on_cores(servers):
            server = stack.enter_context(serving("--engines", f"embedded,tts={spec}"))
        return uvloop.run(run(server))
