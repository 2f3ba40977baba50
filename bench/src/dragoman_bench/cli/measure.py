"""``dragoman bench``: measure this installation on this machine.

Scope: flags in, a table out; what is measured and how is in ``dragoman_bench.parts`` and
docs/benchmarks.md.
"""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from dragoman_bench.report import SuiteResults


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

    `dragoman bench load` measures a server under many sessions, `dragoman bench interpret`
    interpretation in depth, `dragoman bench engines` engines without a server, `dragoman bench
    soak` whether a server stays as it was; they have options of their own.
    """
    if not sys.platform.startswith("linux"):
        typer.echo("dragoman bench: reads /proc, so it needs Linux", err=True)
        raise typer.Exit(2)
    from dragoman_bench import suite  # noqa: PLC0415  # see cli/main.py

    parts = suite.PARTS if part is Which.all else (part.value,)
    present(
        lambda progress: suite.run(parts, quick=quick, recordings=recordings, progress=progress),
        out,
        "bench-{began}.json",
    )


def present(measure: Callable[[Callable[[str], None]], SuiteResults], out: Path, name: str) -> None:
    """Measure, print the table and write the file; exit code 1 where a part was not measured."""
    from dragoman_bench import report  # noqa: PLC0415  # see cli/main.py

    console = report.console()
    with console.status("starting …") as status:
        results = measure(lambda part: status.update(f"measuring {part} …"))
    report.show(results, console)
    console.print(f"raw figures: {results.write(out, name)}")
    if results.failures:
        raise typer.Exit(1)
