"""``dragoman bench``: measure this installation on this machine.

Scope: flags in, a table out; what is measured and how is in ``dragoman_bench.parts`` and
docs/benchmarks.md.
"""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


class Which(StrEnum):
    """What can be measured."""

    all = "all"
    synthesis = "synthesis"
    interpretation = "interpretation"
    idle = "idle"
    append = "append"
    quality = "quality"


def bench(
    part: Annotated[Which, typer.Argument(help="What to measure.")] = Which.all,
    *,
    quick: Annotated[bool, typer.Option("--quick", help="Shorter and less exact.")] = False,
    out: Annotated[Path, typer.Option(help="Folder for the raw figures, JSON.")] = Path(
        "bench-results"
    ),
    recordings: Annotated[
        Path | None, typer.Option(help="Folder of recordings with a manifest.json.")
    ] = None,
) -> None:
    """Measure latency, lag, memory, CPU and quality; takes some twelve minutes, --quick three.

    `dragoman bench interpret` measures interpretation in depth, `dragoman bench soak` whether a
    server stays as it was; both have options of their own.
    """
    if not sys.platform.startswith("linux"):
        typer.echo("dragoman bench: reads /proc, so it needs Linux", err=True)
        raise typer.Exit(2)
    from dragoman_bench import report, suite  # noqa: PLC0415  # see cli/main.py

    console = Console(highlight=False, soft_wrap=True)
    parts = suite.PARTS if part is Which.all else (part.value,)
    with console.status("starting …") as status:
        results = suite.run(
            parts,
            quick=quick,
            recordings=recordings,
            progress=lambda name: status.update(f"measuring {name} …"),
        )
    report.show(results, console)
    console.print(f"raw figures: {results.write(out, 'bench-{began}.json')}")
    if results.failures:
        raise typer.Exit(1)
