"""All parts of the benchmark, one after another.

Scope: which parts there are and in which order; a part that fails does not keep the
others from being measured.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from dragoman.client.errors import ClientError
from dragoman_bench.figures import BenchFailed, Part
from dragoman_bench.parts import append, idle, interpretation, quality, synthesis
from dragoman_bench.report import SuiteResults

PARTS = ("synthesis", "interpretation", "idle", "append", "quality")


def run(
    parts: Sequence[str], *, quick: bool, recordings: Path | None, progress: Callable[[str], None]
) -> SuiteResults:
    """Measure these parts; ``progress`` gets the name of each."""
    measures: dict[str, Callable[[], Part]] = {
        "synthesis": lambda: synthesis.measure(quick=quick),
        "interpretation": lambda: interpretation.measure(quick=quick, folder=recordings),
        "idle": lambda: idle.measure(quick=quick),
        "append": lambda: append.measure(quick=quick),
        "quality": lambda: quality.measure(quick=quick, folder=recordings),
    }
    results = SuiteResults(quick=quick, parts=[], failures={})
    for name in parts:
        progress(name)
        try:
            results.parts.append(measures[name]())
        except (BenchFailed, ClientError, OSError, TimeoutError) as failure:
            results.failures[name] = str(failure) or type(failure).__name__
    return results
