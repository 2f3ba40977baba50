"""The command ``dragoman-bench``, which is also ``dragoman bench`` where this is installed.

Scope: which subcommands there are. Without the name of one, ``measure`` is meant.
"""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from dragoman_bench.cli.engines import bench_engines
from dragoman_bench.cli.interpret import bench_interpret
from dragoman_bench.cli.load import bench_load
from dragoman_bench.cli.measure import bench
from dragoman_bench.cli.replay import replay
from dragoman_bench.cli.routes import bench_routes
from dragoman_bench.cli.soak import bench_soak


class MeasureByDefault(TyperGroup):
    """A group in which a call without a subcommand is one of ``measure``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put ``measure`` before arguments that name no subcommand."""
        if not args or (args[0] not in self.commands and args[0] != "--help"):
            args = ["measure", *args]
        return super().parse_args(ctx, args)


def _app(group: type[TyperGroup] | None = None) -> typer.Typer:
    return typer.Typer(
        cls=group,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )


app = _app(MeasureByDefault)
app.command("measure")(bench)
app.command("load")(bench_load)
app.command("interpret")(bench_interpret)
app.command("engines")(bench_engines)
app.command("routes")(bench_routes)
app.command("soak")(bench_soak)
app.command("replay")(replay)


@app.callback()
def main() -> None:
    """Measure latency, lag, memory, CPU and quality."""


replay_app = _app()
replay_app.command()(replay)
