"""``dragoman bench load``: what a server does under many sessions.

Scope: flags in, a table out; what is measured and how is in ``dragoman_bench.load`` and
docs/benchmarks.md.
"""

from __future__ import annotations

import shlex
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from dragoman_bench.cli.measure import present


class Load(StrEnum):
    """What can be measured."""

    all = "all"
    live = "live"
    idle = "idle"
    connects = "connects"
    carry = "carry"
    curve = "curve"


def bench_load(
    load: Annotated[Load, typer.Argument(help="What to measure.")] = Load.all,
    *,
    sessions: Annotated[
        int | None,
        typer.Option(min=1, help="How many: live [300], or carried [2 or 3 a core]."),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Shorter, with fewer sessions.")] = False,
    serve: Annotated[
        str, typer.Option(help="Further options of the servers, such as '--workers 2'.")
    ] = "",
    out: Annotated[Path, typer.Option(help="Folder for the raw figures, JSON.")] = Path(
        "bench-results"
    ),
) -> None:
    """Measure a server under many sessions: latency of others, memory, connects, saturation."""
    if not sys.platform.startswith("linux"):
        typer.echo("dragoman bench load: reads /proc, so it needs Linux", err=True)
        raise typer.Exit(2)
    from dragoman_bench import suite  # noqa: PLC0415  # see cli/main.py

    loads = suite.LOADS if load is Load.all else (load.value,)
    options = shlex.split(serve)
    present(
        lambda progress: suite.run_loads(
            loads, quick=quick, sessions=sessions, options=options, progress=progress
        ),
        out,
        "load-{began}.json",
    )
