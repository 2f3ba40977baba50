"""Short sessions by the thousand: nothing of them is left on the server."""

from __future__ import annotations

import msgspec
import pytest
import uvloop

from dragoman.testing import serve
from dragoman_bench.harness.processes import ProcessUsage
from dragoman_bench.harness.server_process import ServerProcess
from dragoman_bench.soak import burst
from dragoman_bench.soak.burst import Burst
from dragoman_bench.soak.sampling import Sample
from dragoman_bench.soak.verdict import broken


@pytest.mark.live
@pytest.mark.timeout(180)
def test_two_thousand_sessions_leave_nothing() -> None:
    with serve(engines="scripted") as live:
        found = uvloop.run(burst.burst(ServerProcess(live.process, live.port), 2_000))
        log = live.log()
    figures = [figure for figure in burst.figures(found) if figure.unit != "KiB"]
    assert not broken(figures), (broken(figures), found.failures)
    assert len(figures) > 5
    assert "Traceback" not in log


def sample(tasks: int, files: int, own_kib: float) -> Sample:
    usage = ProcessUsage(processes=1, own_kib=own_kib, threads=2, files=files)
    return Sample(
        at_s=0.0, server=usage, workers=ProcessUsage(), tasks=tasks, sessions=0,
        loop_lag_p99_ms=None, voice_lag_s=None,
    )  # fmt: skip


def test_what_is_left_is_counted_from_the_second_sample() -> None:
    before = sample(90, 90, 9_000.0)
    flat = [before, *(sample(4, 15, 1_000.0) for _ in range(4))]
    found = Burst(1_000, samples=flat, series=[1, 9, 9, 9, 9])
    assert not broken(burst.figures(found))
    grown = [*flat[:4], sample(5, 16, 1_000.0 + 601)]
    found = msgspec.structs.replace(found, samples=grown, series=[9, 9, 9, 9, 10], failed=1)
    names = {figure.name for figure in broken(burst.figures(found))}
    assert names == {
        "not served",
        "memory that a session leaves",
        "lines of /metrics more",
        "tasks left over",
        "files left over",
    }
