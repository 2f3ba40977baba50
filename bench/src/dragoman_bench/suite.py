"""All parts of the benchmark, all loads and what engines alone are measured by, in turn.

Scope: which parts there are and in which order; a part that fails does not keep the
others from being measured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from dragoman.client.errors import ClientError
from dragoman_bench.engines import batching, endpoints, in_process
from dragoman_bench.figures import BenchFailed, Part
from dragoman_bench.load import carry, connects, curve, live
from dragoman_bench.parts import append, idle, interpretation, quality, synthesis
from dragoman_bench.report import SuiteResults

PARTS = ("synthesis", "interpretation", "idle", "append", "quality")


LOADS = ("live", "idle", "connects", "carry", "curve")
ENGINES = ("overhead", "endpoints", "batching")
Progress = Callable[[str], None]


def run(
    parts: Sequence[str], *, quick: bool, recordings: Path | None, progress: Progress
) -> SuiteResults:
    """Measure these parts; ``progress`` gets the name of each."""
    measures: dict[str, Callable[[], Part]] = {
        "synthesis": lambda: synthesis.measure(quick=quick),
        "interpretation": lambda: interpretation.measure(quick=quick, folder=recordings),
        "idle": lambda: idle.measure(quick=quick),
        "append": lambda: append.measure(quick=quick),
        "quality": lambda: quality.measure(quick=quick, folder=recordings),
    }
    return _measured({name: measures[name] for name in parts}, quick, progress)


def run_loads(
    loads: Sequence[str],
    *,
    quick: bool,
    sessions: int | None,
    options: Sequence[str],
    progress: Progress,
) -> SuiteResults:
    """Measure these loads on servers with further ``options``. ``sessions`` is how many of them
    are live, and how many are thought to be carried.
    """
    measures: dict[str, Callable[[], Part]] = {
        "live": lambda: live.measure(
            quick=quick, sessions=sessions or live.SESSIONS, options=options
        ),
        "idle": lambda: idle.measure(quick=quick, options=options),
        "connects": lambda: connects.measure(quick=quick, options=options),
        "carry": lambda: carry.measure(quick=quick, sessions=sessions, options=options),
        "curve": lambda: curve.measure(quick=quick, sessions=sessions, options=options),
    }
    return _measured({name: measures[name] for name in loads}, quick, progress)


def run_engines(
    parts: Sequence[str], *, quick: bool, device: str, size: str, progress: Progress
) -> SuiteResults:
    """Measure engines without a server; ``device`` and ``size`` are for batching."""
    measures: dict[str, Callable[[], Part]] = {
        "overhead": lambda: in_process.measure(quick=quick),
        "endpoints": lambda: endpoints.measure(quick=quick),
        "batching": lambda: batching.measure(quick=quick, device=device, size=size),
    }
    return _measured({name: measures[name] for name in parts}, quick, progress)


def _measured(
    measures: Mapping[str, Callable[[], Part]], quick: bool, progress: Progress
) -> SuiteResults:
    results = SuiteResults(quick=quick, parts=[], failures={})
    for name, measure in measures.items():
        progress(name)
        try:
            results.parts.append(measure())
        except (BenchFailed, ClientError, OSError, TimeoutError) as failure:
            results.failures[name] = str(failure) or type(failure).__name__
    return results
