"""``dragoman config``: the effective settings, and where each comes from.

Scope: shows what ``dragoman serve`` with the same flags, environment and file would use, without
loading engines; so it checks a file, too. Exit code 2 for a setting that cannot be used. API keys
are counted, never shown.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from dragoman.cli.setting_flags import Flags, setting_flags
from dragoman.server.config import ConfigError, Setting, as_toml

if TYPE_CHECKING:
    from rich.table import Table  # only needed for a terminal


@setting_flags
def config(
    flags: Flags,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False,
    toml: Annotated[bool, typer.Option("--toml", help="As a file for --config.")] = False,
) -> None:
    """Show every effective setting and where it comes from. Takes the flags of serve."""
    try:
        effective = flags.load()
    except ConfigError as error:
        typer.echo(f"dragoman config: {error}", err=True)
        raise typer.Exit(2) from None
    if toml:
        sys.stdout.write(as_toml(effective))
    elif as_json:
        text = msgspec.json.format(msgspec.json.encode(effective.shown())).decode()
        sys.stdout.write(text + "\n")
    else:
        from rich.console import Console  # noqa: PLC0415  # not needed for --json

        Console().print(settings_table(effective.shown()))


def settings_table(settings: Iterable[Setting]) -> Table:
    """One row for each: name, value, origin."""
    from rich.table import Table  # noqa: PLC0415  # see above
    from rich.text import Text  # noqa: PLC0415

    table = Table(show_edge=False, pad_edge=False, header_style="bold")
    for heading in ("setting", "value", "from"):
        table.add_column(heading, overflow="fold")
    for setting in settings:
        value = Text(msgspec.json.encode(setting.value).decode().strip('"'))
        table.add_row(setting.name, value, setting.origin)
    return table
