"""``dragoman bench soak``: whether a server that works for a long time stays as it was.

Scope: flags in, lines and a table out; what is done and how it is judged is in
``dragoman_bench.soak`` and docs/benchmarks.md.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

Minutes = Annotated[float, typer.Option(min=0.5, help="How long the long sessions talk.")]
Sessions = Annotated[int, typer.Option(min=1, max=16, help="Long sessions side by side.")]
Every = Annotated[float, typer.Option(min=1.0, help="Seconds between two samples.")]
Folder = Annotated[Path | None, typer.Option(help="Folder of recordings with a manifest.json.")]
Out = Annotated[Path, typer.Option(help="Folder for logs and the result.")]


def bench_soak(
    *,
    minutes: Minutes = 30.0,
    sessions: Sessions = 1,
    every_s: Every = 10.0,
    recordings: Folder = None,
    out: Out = Path("bench-results"),
) -> None:
    """Interpret for a long time among sessions that come and go; fail when anything grows."""
    if not sys.platform.startswith("linux"):
        typer.echo("dragoman bench soak: reads /proc, so it needs Linux", err=True)
        raise typer.Exit(2)
    from dragoman.client.errors import ClientError  # noqa: PLC0415
    from dragoman_bench import report  # noqa: PLC0415  # see cli/main.py
    from dragoman_bench.figures import BenchFailed  # noqa: PLC0415
    from dragoman_bench.soak import run, verdict  # noqa: PLC0415

    plan = run.SoakPlan(
        minutes=minutes, sessions=sessions, every_s=every_s, out=out, recordings=recordings
    )
    try:
        found = run.soak(plan, typer.echo)
        path = found.write(out, "soak-{began}.json")
    except (BenchFailed, ClientError, OSError, TimeoutError) as failure:
        typer.echo(f"dragoman bench soak: {failure or type(failure).__name__}", err=True)
        raise typer.Exit(1) from None
    console = Console(highlight=False, soft_wrap=True, width=110)
    console.print()
    console.print(report.table(found.figures))
    console.print()
    console.print(report.machine_line(found.machine), markup=False)
    console.print(f"result: {path}")
    broken = verdict.broken(found.figures)
    for figure in broken:
        typer.echo(f"bound broken: {figure.name}: {report.shown(figure)}", err=True)
    if broken:
        raise typer.Exit(1)
