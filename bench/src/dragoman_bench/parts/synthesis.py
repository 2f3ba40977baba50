"""The speed of synthesis, all of it: first audio, throughput, and the cutting of text.

Law of this file: which scenes are played with which voices, and what was aimed at; how is in
``turns``, ``streaming``, ``throughput`` and ``segmenting``. Sessions are connected and configured
before the clock starts, and stay for their scene. Scenes of ``commit`` mode say one sentence, those
of ``server_commit`` get a text in the pieces of a language model.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec

from dragoman.runtime.hosts.host import EngineHost
from dragoman_bench import loops
from dragoman_bench.figures import Figure, Part
from dragoman_bench.harness import processes
from dragoman_bench.harness.server_process import ServerProcess, serving
from dragoman_bench.parts import first_audio, paired_rounds, segmenter, throughput
from dragoman_bench.parts.first_audio import Script
from dragoman_bench.parts.paired_rounds import Pattern, Scene

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
        sessions=50, at_once=True, rounds=7, quick_rounds=1, aims=_AT_ONCE
    ),
    "streaming, 200 at once": Pattern(
        sessions=200, at_once=True, rounds=4, quick_rounds=1, aims=_AT_ONCE
    ),
}
FLITE = {
    "flite, 1 session": Pattern(
        sessions=1, at_once=True, rounds=20, quick_rounds=6, aims={"above": 10.0}
    )
}

T = TypeVar("T")
Scenes = tuple[dict[str, Scene], list[Figure]]


def measure(*, quick: bool) -> Part:
    """Play everything."""

    async def espeak(
        subject: ServerProcess, pool: EngineHost
    ) -> tuple[Scenes, Scenes, _Throughput]:
        return (
            await _scenes(subject, pool, Script(SENTENCE, streamed=False), COMMITTED, quick=quick),
            await _scenes(subject, pool, Script(TEXT, streamed=True), STREAMED, quick=quick),
            await throughput.measured(subject.port, pool, quick=quick),
        )

    async def flite(subject: ServerProcess, pool: EngineHost) -> Scenes:
        return await _scenes(subject, pool, Script(SENTENCE, streamed=False), FLITE, quick=quick)

    committed, streamed, speeds = _beside("espeak", espeak)
    with_flite = _beside("flite", flite)
    costs, of_costs = segmenter.measured(quick=quick)
    figures = [*committed[1], *with_flite[1], *streamed[1], *speeds[1], *of_costs]
    raw = msgspec.to_builtins(
        {
            **(committed[0] | with_flite[0] | streamed[0]),
            "throughput": speeds[0],
            "segmenter": costs,
        }
    )
    return Part(name="synthesis", figures=figures, raw=raw)


_Throughput = tuple[throughput.Rounds, list[Figure]]


async def _scenes(
    subject: ServerProcess,
    pool: EngineHost,
    script: Script,
    patterns: dict[str, Pattern],
    *,
    quick: bool,
) -> Scenes:
    return await first_audio.scenes(subject.pid, subject.port, pool, script, patterns, quick=quick)


def _beside(spec: str, play: Callable[[ServerProcess, EngineHost], Awaitable[T]]) -> T:
    """Play on a server with these voices and on a pool of the same."""
    servers, load = processes.shares()
    # On two cores server and workers need both; the load is then a guest on theirs.
    servers = servers if len(servers) > 1 else servers | load

    async def beside(subject: ServerProcess) -> T:
        async with paired_rounds.pool_like(subject, spec, servers) as pool:
            return await play(subject, pool)

    with processes.on_cores(servers):
        manager = serving("--engines", f"embedded,tts={spec}")
        subject = manager.__enter__()
    try:
        return loops.run(beside(subject))
    finally:
        manager.__exit__(None, None, None)
