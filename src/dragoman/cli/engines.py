"""``dragoman engines``: every registered engine, what it can do, and why it does not run here.

Scope: prints what ``cli.probe`` finds; the commands below it are in ``cli.environments``.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated, Any

import msgspec
import typer

from dragoman.cli import environments
from dragoman.cli.probe import Probe, counted, in_environments, probe
from dragoman.engines import registry
from dragoman.engines.base import Info

_ORDER = {role: number for number, role in enumerate(registry.ROLES)}


engines = typer.Typer(
    invoke_without_command=True,
    add_completion=False,
    rich_markup_mode=None,
)
engines.command("install")(environments.install)
engines.command("list")(environments.list_environments)
engines.command("remove")(environments.remove)


@engines.callback()
def list_engines(
    context: typer.Context,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable, complete.")] = False,
) -> None:
    """List all engines, and whether they run here.

    With role, languages, voices, quality and licence of each. Engines in environments are shown as
    they were described when they were installed or last used.
    """
    if context.invoked_subcommand is not None:
        return
    elsewhere = in_environments()
    here = set(registry.names()) - {entry.spec for entry in elsewhere}
    found = [*asyncio.run(probe(here)), *elsewhere]
    found.sort(key=lambda p: (_ORDER[p.info.role] if p.info else len(_ORDER), p.spec))
    if as_json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(found)).decode() + "\n")
        return
    _print(found)


def covers(info: Info) -> str:
    """The languages of an engine in one line."""
    if ("*", "*") in info.pairs:
        return "any language to any"
    if info.pairs:
        return counted((f"{source}→{target}" for source, target in info.pairs), most=8)
    return counted(info.languages)


def _print(found: list[Probe]) -> None:
    from rich.console import Console  # noqa: PLC0415  # not needed for --json
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(show_edge=False, pad_edge=False, header_style="bold")
    for heading in ("role", "engine", "quality", "runs in"):
        table.add_column(heading, no_wrap=True)
    table.add_column("languages, voices, licence")
    for entry in found:
        table.add_row(*_cells(entry), style=None if entry.available else "dim")
    console = Console()
    console.print(table)
    missing = [entry for entry in found if not entry.available]
    if missing:
        console.print("\nNot available here:")
    for entry in missing:
        console.print(Text(f"  {entry.spec}: {entry.why}"))
    presets = "; ".join(
        f"{name} = " + " ".join(spec for _, spec in choice.all())
        for name, choice in registry.PRESETS.items()
    )
    console.print(Text(f"\nPresets for --engines: {presets}"))


def _cells(entry: Probe) -> list[Any]:
    info = entry.info
    if info is None:
        return ["?", entry.spec, "", "no", ""]
    about = [covers(info)]
    if info.role == "tts":
        about.append(
            f"{len(info.voices)} voice{'s' * (len(info.voices) != 1)} at {info.rate_hz} Hz"
        )
    about.append(info.licence)
    runs = entry.environment or info.runs_in
    runs = runs if entry.available else "no"
    return [info.role, entry.spec, info.quality, runs, "; ".join(about)]
