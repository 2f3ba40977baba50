"""What a server carries of what its engines carry: the same interpretations with and without it.

Scope: embedded engines and a real reading; the CPU of so many sessions on a server (with all its
processes), and of as many cascades on the same engines without one. Machines carry what their
cores allow, so the ratio of CPU is the ratio of sessions that are carried.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from statistics import median

import msgspec
import uvloop

from dragoman_bench.figures import Figure, Part
from dragoman_bench.harness import processes
from dragoman_bench.harness.server_process import serving
from dragoman_bench.load.bare import BarePlan
from dragoman_bench.load.crowd import CrowdPlan
from dragoman_bench.load.crowded import beside

AIM = 0.8
_RAMP_S = 5.0
_PLAYED_S = 40.0
_PER_CORE = 2


class Carried(msgspec.Struct, frozen=True):
    """Cores that were used while all sessions talked."""

    server: float
    bare: float


def measure(*, quick: bool, sessions: int | None = None, options: Sequence[str] = ()) -> Part:
    """Measure in turns: server, engines, server, ...; ``sessions`` are two a core by default."""
    count = sessions or _PER_CORE * processes.machine().cores
    frames = int(_PLAYED_S * 10) // (2 if quick else 1)
    rounds = []
    for _ in range(1 if quick else 3):
        with serving(*options) as server:
            plan = CrowdPlan(
                port=server.port, sessions=count, frames=frames, ramp_s=_RAMP_S, sound="reading"
            )
            served = uvloop.run(_cores("crowd", plan, server.pid))
        bare = uvloop.run(_cores("bare", BarePlan(count, frames, _RAMP_S), None))
        rounds.append(Carried(served, bare))
    raw: dict[str, object] = {"sessions": count, "rounds": msgspec.to_builtins(rounds)}
    return Part(name="carry", figures=figures(count, rounds), raw=raw)


async def _cores(module: str, plan: CrowdPlan | BarePlan, pid: int | None) -> float:
    """Cores used by the process ``pid`` (None: the module's own) while all sessions talk."""
    async with beside(module, plan) as running:
        await running.talking()
        clock = asyncio.get_running_loop().time
        began_s, used_s = clock(), processes.tree_cpu_s(pid or running.pid)
        await running.ending()
        used_s = processes.tree_cpu_s(pid or running.pid) - used_s
        cores = used_s / (clock() - began_s)
        await running.last_line()
        return cores


def figures(count: int, rounds: Sequence[Carried]) -> list[Figure]:
    """The table's lines."""
    part = f"carry, {count} embedded interpretations"
    server, bare = (
        median(side) for side in zip(*((r.server, r.bare) for r in rounds), strict=True)
    )
    ratio = median(one.bare / one.server for one in rounds)
    return [
        Figure(part=part, name="server, all processes", value=server, unit="cores"),
        Figure(part=part, name="engines without a server", value=bare, unit="cores"),
        Figure(
            part=part, name="carried, of what engines carry", value=ratio, aim=AIM, at_least=True
        ),
    ]
