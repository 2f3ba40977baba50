"""``dragoman bench routes``: which translators are better for a direction, on the same texts.

Scope: flags in, a table out; the work is in ``dragoman_bench.interpret.routes``.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table


def bench_routes(
    *,
    old: Annotated[str, typer.Option("--a", help="The role mt of one choice.")] = "apertium",
    new: Annotated[str, typer.Option("--b", help="That of the other.")] = "firefox,apertium",
    back: Annotated[
        bool, typer.Option("--back", help="Also translate the human translations back.")
    ] = False,
    recordings: Annotated[
        Path | None, typer.Option(help="Folder of recordings with a manifest.json.")
    ] = None,
) -> None:
    """Compare translators on the transcripts of recordings."""
    from dragoman.engines.base import EngineUnavailable  # noqa: PLC0415  # see cli/main.py
    from dragoman_bench.figures import BenchFailed  # noqa: PLC0415
    from dragoman_bench.interpret import routes  # noqa: PLC0415
    from dragoman_bench.interpret.recordings import BESIDE  # noqa: PLC0415

    try:
        rows = routes.texts(recordings or BESIDE, back=back)
        found = asyncio.run(routes.compare(old, new, rows))
    except (BenchFailed, EngineUnavailable) as failure:
        typer.echo(f"dragoman bench routes: {failure}", err=True)
        raise typer.Exit(1) from None
    made = Table(show_edge=False, pad_edge=False, header_style="bold")
    for heading in ("direction", "texts", "figure", "A", "B", "B - A", "95 % of draws", "p", "ms"):
        made.add_column(heading, justify="left" if heading == "direction" else "right")
    for one in found:
        for score, times in ((one.chrf, f"{one.a_ms:.0f} / {one.b_ms:.0f}"), (one.bleu, "")):
            between = f"{score.low:+.1f} … {score.high:+.1f}" if one.count > 1 else ""
            values = [f"{score.a:.1f}", f"{score.b:.1f}", f"{score.by:+.1f}"]
            p = f"{score.p:.3f}" if one.count > 1 else ""
            name = " -> ".join(one.pair) if times else ""
            made.add_row(name, str(one.count), score.name, *values, between, p, times)
    Console(highlight=False, soft_wrap=True, width=100).print(made)
