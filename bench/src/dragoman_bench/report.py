"""The results for people (a table) and for machines (a JSON file).

Scope: presentation; nothing is computed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from dragoman import __version__
from dragoman_bench.figures import Figure, Part
from dragoman_bench.harness.processes import Machine, machine

_WIDTH = 110


def now() -> str:
    """The time of day, UTC."""
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Results(msgspec.Struct, kw_only=True):
    """What every result file has. ``machine`` is None when saved logs were scored."""

    version: str = __version__
    began: str = msgspec.field(default_factory=now)
    machine: Machine | None = msgspec.field(default_factory=machine)

    def write(self, folder: Path, name: str) -> Path:
        """Write the JSON file; ``{began}`` in its name is the time. Raises ``OSError``."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / name.format(began=self.began.replace(":", ""))
        path.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n")
        return path


class SuiteResults(Results, kw_only=True):
    """A whole run of ``dragoman bench``."""

    quick: bool
    parts: list[Part]
    failures: dict[str, str]
    """Parts that could not be measured, and why."""


def console() -> Console:
    """At least as wide as the tables, also where the output goes into a file."""
    plain = Console(highlight=False, soft_wrap=True)
    return Console(highlight=False, soft_wrap=True, width=max(_WIDTH, plain.width))


def machine_line(machine: Machine | None) -> str:
    """The machine in a line."""
    if machine is None:
        return ""
    load = " ".join(f"{value:.2f}" for value in machine.load)
    return (
        f"{machine.cpu}, {machine.cores} cores, {machine.memory_gib:g} GiB, "
        f"Python {machine.python}, Linux {machine.kernel}; load at start {load}"
    )


def shown(figure: Figure) -> str:
    """The value with three significant digits."""
    value = figure.value
    if value is None:
        return "-"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:.{digits}f} {figure.unit}".strip()


def table(figures: Sequence[Figure]) -> Table:
    """All figures, part by part."""
    made = Table(show_edge=False, pad_edge=False, header_style="bold")
    made.add_column("figure", no_wrap=True)
    for heading in ("value", "aim at most", "met"):
        made.add_column(heading, justify="right", no_wrap=True)
    part = ""
    for figure in figures:
        if figure.part != part:
            made.add_section()
            made.add_row(f"[bold]{figure.part}[/]")
            part = figure.part
        least = "at least " if figure.at_least else ""
        aim = "" if figure.aim is None else f"{least}{figure.aim:g} {figure.unit}".strip()
        met = {True: "[green]yes[/]", False: "[red]no[/]", None: ""}[figure.met]
        made.add_row(f"  {figure.name}", shown(figure), aim, met)
    return made


def show(results: SuiteResults, console: Console) -> None:
    """Print everything."""
    console.print()
    console.print(table([figure for part in results.parts for figure in part.figures]))
    for name, why in results.failures.items():
        console.print(f"\n[red]{name} was not measured:[/]", end=" ")
        console.print(why, markup=False)
    console.print()
    console.print(machine_line(results.machine), markup=False)
