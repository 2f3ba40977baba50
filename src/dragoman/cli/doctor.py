"""``dragoman doctor``: whether ``dragoman serve`` would work here, and if not, how to fix it.

Scope: runs the checks of ``cli.checks`` and prints them. Exit code 1 if the server would not work
with the chosen engines, else 0. API keys are counted, never shown.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated

import msgspec
import typer

from dragoman import __version__
from dragoman.cli import checks
from dragoman.cli.checks import Check
from dragoman.cli.config import settings_table
from dragoman.cli.setting_flags import Flags, setting_flags
from dragoman.engines.registry import environment_of, parse_choice, parse_spec
from dragoman.server.config import ConfigError, EffectiveConfig, Setting


class Report(msgspec.Struct, frozen=True):
    """The whole report, with every setting; people are shown those that were given."""

    version: str
    ok: bool
    checks: list[Check]
    settings: list[Setting]


@setting_flags
def doctor(
    flags: Flags,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False,
) -> None:
    """Check the installation and say how to fix what is missing. Takes the flags of serve."""
    report = examine(flags)
    if as_json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(report)).decode() + "\n")
    else:
        _print(report)
    if not report.ok:
        raise typer.Exit(1)


def examine(flags: Flags) -> Report:
    """Run every check for the settings from these flags, the environment and the file."""
    found = [checks.python()]
    settings: list[Setting] = []
    try:
        effective = flags.load()
        settings = effective.shown()
        found.append(Check("settings file", "ok", str(effective.file or "none")))
        found += _for(effective)
    except ConfigError as error:
        found.append(Check("settings", "bad", "cannot be used", str(error)))
    return Report(__version__, all(c.state != "bad" for c in found), found, settings)


def _for(effective: EffectiveConfig) -> list[Check]:
    from dragoman.server.realtime_endpoint import make_engines  # noqa: PLC0415  # heavy: the runtime

    config = effective.config
    engines = make_engines(config)
    choice = parse_choice(config.engines)
    homes = {spec: environment_of(spec) for _, spec in choice.all()}
    names = {parse_spec(spec).name for spec, home in homes.items() if home is None}
    return [
        *checks.packages(names),
        *checks.model_files(names),
        *checks.environments({home for home in homes.values() if home}),
        *checks.variables(choice),
        *asyncio.run(checks.loaded(engines, config.directions)),
        *checks.address(config),
        *checks.keys(config),
        *checks.certificate(config),
        *checks.machine(config),
        checks.redirection(),
    ]


def _print(report: Report) -> None:
    from rich.console import Console  # noqa: PLC0415  # not needed for --json
    from rich.text import Text  # noqa: PLC0415

    console = Console(soft_wrap=True)  # commands and paths can be copied
    marks = {"ok": ("ok  ", "green"), "note": ("note", "yellow"), "bad": ("BAD ", "bold red")}
    console.print(f"Dragoman {report.version}")
    for check in report.checks:
        mark, colour = marks[check.state]
        console.print(Text.assemble((mark, colour), f" {check.name}: {check.detail}"))
        if check.mend and check.state != "ok":
            console.print(Text(f"       {check.mend}"))
    chosen = [setting for setting in report.settings if setting.is_chosen]
    if chosen:
        console.print(settings_table(chosen))
    verdict = (
        "Ready to serve." if report.ok else "The server would not work: fix what is BAD above."
    )
    console.print(Text(verdict, "bold green" if report.ok else "bold red"))
