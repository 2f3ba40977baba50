"""Many interpretations at microphone pace, with speech: what another session feels, what is lost.

Scope: one server with scripted engines; a session alone first, then the crowd. Both, and the probes
beside them, in one run on one server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec
import uvloop

from dragoman_bench.figures import Figure, Part, Row, lines, quantile
from dragoman_bench.harness import metrics_page, processes
from dragoman_bench.harness.microphones import EVERY_S
from dragoman_bench.harness.server_process import LOOP_LAG, ServerProcess, serving
from dragoman_bench.load.crowd import CrowdPlan, CrowdResult
from dragoman_bench.load.crowded import RunningLoad, crowd
from dragoman_bench.load.probes import Waits, figures, open_probes, probing

SESSIONS = 300
RAMPS_S = {"turns spread": 8.0, "turns in step": 0.5}
"""A turn and its pause take four seconds."""
PLAYED_S = 30.0
_SKIPPED = "dragoman_speech_skipped_pieces_total"


class LiveLoad(msgspec.Struct, kw_only=True):
    """One load: what the crowd got, what the probes felt, what the server used meanwhile."""

    crowd: CrowdResult
    waits: Waits
    seconds: float
    gateway_cores: float
    """The main thread of the server: the event loop."""
    server_cores: float
    """The server and its workers."""
    engines_share: float
    """Of that, what other threads than the event loop's used: engines and their hosts."""
    loop_lag_p99_ms: float | None
    skipped: float
    """Pieces of speech that the server left out to keep up."""


def measure(*, quick: bool, sessions: int = SESSIONS, options: Sequence[str] = ()) -> Part:
    """Measure a server with these further options."""
    sessions = sessions // 4 if quick else sessions
    with serving("--engines", "scripted", *options) as server:
        alone, loads = uvloop.run(_run(server, sessions))
    raw: dict[str, object] = {
        "sessions": sessions,
        "options": list(options),
        "alone": msgspec.to_builtins(alone),
        **{name: msgspec.to_builtins(load) for name, load in loads.items()},
    }
    found = [
        figure
        for name, load in loads.items()
        for figure in load_figures(f"live, {sessions} interpretations, {name}", alone, load)
    ]
    return Part(name="live", figures=found, raw=raw)


async def _run(server: ServerProcess, sessions: int) -> tuple[LiveLoad, dict[str, LiveLoad]]:
    probes = await open_probes(server.port)
    plan = CrowdPlan(port=server.port, sessions=1, frames=int(PLAYED_S * 10))
    async with crowd(plan) as one, probing(probes) as waits:
        await one.talking()
        alone = await observed(server, one, waits)
    assert alone.crowd.first is not None
    full = msgspec.structs.replace(plan, sessions=sessions, reference=alone.crowd.first)
    loads = {}
    for name, ramp_s in RAMPS_S.items():
        async with crowd(msgspec.structs.replace(full, ramp_s=ramp_s)) as many:
            await many.talking()
            async with probing(probes) as waits:
                loads[name] = await observed(server, many, waits)
    return alone, loads


async def observed(server: ServerProcess, running: RunningLoad, waits: Waits) -> LiveLoad:
    """Watch the server while all of the crowd talk, then wait for the crowd's result."""
    clock = asyncio.get_running_loop().time
    began_s = clock()
    main_s = processes.main_thread_cpu_s(server.pid)
    tree_s = processes.tree_cpu_s(server.pid)
    before = await asyncio.to_thread(server.metrics)
    await running.ending()
    seconds = clock() - began_s
    main_s = processes.main_thread_cpu_s(server.pid) - main_s
    tree_s = processes.tree_cpu_s(server.pid) - tree_s
    felt = {name: list(found) for name, found in waits.items()}
    result = await running.result()
    after = await asyncio.to_thread(server.metrics)
    lag = metrics_page.since(*(metrics_page.histogram(page, LOOP_LAG) for page in (before, after)))
    p99 = metrics_page.quantile(lag, 0.99)
    skipped = [metrics_page.total(page, _SKIPPED) for page in (before, after)]
    return LiveLoad(
        crowd=result,
        waits=felt,
        seconds=seconds,
        gateway_cores=main_s / seconds,
        server_cores=tree_s / seconds,
        engines_share=1 - main_s / max(tree_s, main_s),
        loop_lag_p99_ms=None if p99 is None else p99 * 1000,
        skipped=skipped[1] - skipped[0],
    )


def load_figures(part: str, alone: LiveLoad, beside: LiveLoad) -> list[Figure]:
    """The lines of one load."""
    found = beside.crowd
    appends_s = max(found.admitted, 1) / EVERY_S
    rows: list[Row] = [
        ("refused or failed", found.failed + sum(found.refused.values()), "", 0),
        ("turns, transcripts and responses lost", found.lost, "", 0),
        ("sessions with other texts than one alone", found.differing, "", 0),
        ("pieces of speech skipped", beside.skipped, "", 0),
        ("transcript later than alone, p99", _ms(found.late_s.get("heard")), "ms", None),
        ("speech later than alone, p99", _ms(found.late_s.get("voice")), "ms", None),
        ("all said after last audio, worst", max(found.finish_s, default=0) * 1000, "ms", None),
        ("event loop of the server", beside.gateway_cores, "cores", None),
        ("event loop per append", beside.gateway_cores * 1e6 / appends_s, "µs", None),
        ("server, all processes", beside.server_cores, "cores", None),
        ("loop lag p99", beside.loop_lag_p99_ms, "ms", None),
        ("load generator", found.generator_cpu, "cores", None),
        ("load generator late, p99", found.generator_late_p99_ms, "ms", None),
    ]
    return figures(part, alone.waits, beside.waits) + lines(part, rows)


def _ms(values: Sequence[float] | None) -> float | None:
    late = quantile(values or (), 0.99)
    return None if late is None else late * 1000
