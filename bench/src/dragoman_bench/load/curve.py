"""The curve to saturation and beyond: 1, 2, 3 and 4 times the sessions that the engines carry.

Scope: embedded engines and a real reading at the pace of a microphone; each load on the same
server, one after the other, begins over ten seconds. Lag is against a session that was alone. A
server that takes what it cannot carry shows lag that grows; one that refuses shows refusals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import uvloop

from dragoman_bench.figures import Figure, Part, Row, lines, quantile
from dragoman_bench.harness import processes
from dragoman_bench.harness.server_process import ServerProcess, serving
from dragoman_bench.load.crowd import CrowdPlan, Mark, Trace
from dragoman_bench.load.crowded import crowd
from dragoman_bench.load.live import LiveLoad, observed

TIMES = (1, 2, 3, 4)
_PER_CORE = 3
_RAMP_S = 10.0
_PLAYED_S = 60.0
LAG_S = 3.0
"""At most so much later than alone, p95."""
GROWTH_S = 1.0
FINISH_S = 4.0
REFUSED_MS = 50.0


def measure(*, quick: bool, sessions: int | None = None, options: Sequence[str] = ()) -> Part:
    """Measure; ``sessions`` is what the machine is thought to carry, by default 3 a core."""
    carried = sessions or _PER_CORE * processes.machine().cores
    played_s = _PLAYED_S / 2 if quick else _PLAYED_S
    times = (1, 4) if quick else TIMES
    with serving(*options) as server:
        loads = uvloop.run(_run(server, [carried * n for n in times], played_s))
    raw: dict[str, object] = {
        "carried": carried,
        "loads": {str(count): msgspec.to_builtins(load) for count, load in loads.items()},
    }
    figures = [figure for count, load in loads.items() for figure in load_figures(count, load)]
    return Part(name="curve", figures=figures, raw=raw)


async def _run(
    server: ServerProcess, counts: Sequence[int], played_s: float
) -> dict[int, LiveLoad]:
    alone = CrowdPlan(port=server.port, sessions=1, frames=int(played_s * 10), sound="reading")
    reference = await _load(server, alone)
    assert reference.crowd.first is not None
    loads = {1: reference}
    for count in counts:
        loads[count] = await _load(server, _beside(alone, count, reference.crowd.first))
    return loads


def _beside(alone: CrowdPlan, sessions: int, reference: Trace) -> CrowdPlan:
    return msgspec.structs.replace(alone, sessions=sessions, ramp_s=_RAMP_S, reference=reference)


async def _load(server: ServerProcess, plan: CrowdPlan) -> LiveLoad:
    async with crowd(plan) as running:
        await running.talking()
        return await observed(server, running, {})


def load_figures(sessions: int, load: LiveLoad) -> list[Figure]:
    """The lines of one load."""
    found = load.crowd
    heard, voice = (found.late_s.get(mark, []) for mark in ("heard", "voice"))
    refusals = sum(found.refused.values())
    rows: list[Row] = [
        ("admitted", found.admitted, "", None),
        ("refused", refusals, "", None),
        ("refusal p99", quantile(found.refusal_ms, 0.99), "ms", REFUSED_MS),
        ("failed", found.failed, "", 0),
        ("transcript later than alone p50", quantile(heard, 0.5), "s", None),
        ("transcript later than alone p95", quantile(heard, 0.95), "s", LAG_S),
        ("first audio of a turn later than alone p50", quantile(voice, 0.5), "s", None),
        ("first audio of a turn later than alone p95", quantile(voice, 0.95), "s", LAG_S),
        ("last third later than first third, worst", _most(found.growth_s), "s", GROWTH_S),
        ("all said after last audio, worst", max(found.finish_s, default=None), "s", FINISH_S),
        ("pieces of speech skipped", load.skipped, "", None),
        ("server, all processes", load.server_cores, "cores", None),
        ("engines' share of it", load.engines_share, "", None),
        ("loop lag p99", load.loop_lag_p99_ms, "ms", None),
    ]
    return lines(f"embedded, {sessions} interpretations offered", rows)


def _most(growth_s: Mapping[Mark, list[float]]) -> float | None:
    return max((most for found in growth_s.values() for most in found), default=None)
