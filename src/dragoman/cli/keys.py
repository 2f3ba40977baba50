"""``dragoman keys``: makes, lists, limits and revokes API keys, and shows what they used.

Scope: the command line of ``server.access.key_file`` and ``usage_store``. The file is the one of
the settings unless ``--file`` names another. A new key is printed once, alone on standard output; a
key is never taken from the command line, which every user of the machine can read.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, NoReturn

import msgspec
import typer

from dragoman.server.access.access_control import state_folder, usage_path
from dragoman.server.access.key_file import KeyFile, locked, read, write
from dragoman.server.access.keys import (
    BadKey,
    Key,
    KeyLimits,
    checked_name,
    checked_secret,
    digest,
    new_secret,
)
from dragoman.server.access.usage_store import KEPT_DAYS, Amounts, UsageStore
from dragoman.server.config import Config, ConfigError, load

keys = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="Make, list, limit and revoke API keys, and show what they used.",
)

File = Annotated[
    str | None, typer.Option("--file", help="The file of keys. [api_keys_file of the settings]")
]
Name = Annotated[str, typer.Argument(help="Name of the key.")]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable.")]
Connections = Annotated[
    int | None, typer.Option(min=0, help="Sessions open at the same time; 0: no limit.")
]
Connects = Annotated[
    int | None, typer.Option("--connects-per-minute", min=0, help="Handshakes within 60 s.")
]
Speakers = Annotated[int | None, typer.Option(min=0, help="Sessions that speak or are spoken to.")]
AudioSeconds = Annotated[
    int | None, typer.Option("--audio-seconds", min=0, help="Speech that comes in, each day.")
]
Characters = Annotated[
    int | None, typer.Option(min=0, help="Characters that are spoken, each day.")
]


@keys.command()
def add(  # noqa: PLR0917  # typer declares flags so
    name: Annotated[str | None, typer.Option(help="Its name in logs and usage.")] = None,
    from_stdin: Annotated[
        bool, typer.Option("--stdin", help="Take a key from standard input, not a new one.")
    ] = False,
    connections: Connections = None,
    connects_per_minute: Connects = None,
    speakers: Speakers = None,
    audio_seconds: AudioSeconds = None,
    characters: Characters = None,
    file: File = None,
) -> None:
    """Make a key and print it; it cannot be shown again."""
    limits = _limits(connections, connects_per_minute, speakers, audio_seconds, characters)
    secret = _from_stdin() if from_stdin else new_secret()
    path = _file_of(_settings(file))

    def with_key(found: list[Key]) -> list[Key]:
        named = _new_name(name, {key.name for key in found})
        created = datetime.now(UTC).isoformat(timespec="seconds")
        key = Key(name=named, sha256=digest(secret), created=created, limits=KeyLimits(**limits))
        return [*found, key]

    _change(path, with_key)
    if not from_stdin:
        typer.echo(secret)


@keys.command("list")
def list_keys(file: File = None, *, as_json: AsJson = False) -> None:
    """Show names, dates and limits of the keys."""
    found = _read(_file_of(_settings(file))).keys
    if as_json:
        _print_json([{"name": k.name, "created": k.created, "limits": k.limits} for k in found])
        return
    rows = [[key.name, key.created or "-", _told(key.limits)] for key in found]
    _print_table(["name", "created", "limits"], rows)


@keys.command()
def limit(  # noqa: PLR0917  # typer declares flags so
    name: Name,
    connections: Connections = None,
    connects_per_minute: Connects = None,
    speakers: Speakers = None,
    audio_seconds: AudioSeconds = None,
    characters: Characters = None,
    file: File = None,
) -> None:
    """Change limits of a key; those that are not given stay as they are."""
    limits = _limits(connections, connects_per_minute, speakers, audio_seconds, characters)

    def with_limits(key: Key) -> list[Key]:
        new = msgspec.structs.replace(key.limits, **limits)
        return [msgspec.structs.replace(key, limits=new)]

    _change(_file_of(_settings(file)), _each_named(name, with_limits))


@keys.command()
def revoke(name: Name, file: File = None) -> None:
    """Take a key away; its sessions end within two seconds."""
    _change(_file_of(_settings(file)), _each_named(name, lambda _: []))


@keys.command()
def usage(file: File = None, *, as_json: AsJson = False) -> None:
    """Show what each key used: today, in 30 days and in 400, in UTC."""
    settings = _settings(file)
    today = datetime.now(UTC).date()
    days = {"today": 1, "30 days": 30, f"{KEPT_DAYS} days": KEPT_DAYS}
    found = _totals(settings, {span: today - timedelta(days=n - 1) for span, n in days.items()})
    names = sorted({name for totals in found.values() for name in totals})
    if as_json:
        body = [
            {"name": name}
            | {
                span.replace(" ", "_"): totals.get(name, Amounts())
                for span, totals in found.items()
            }
            for name in names
        ]
        _print_json(body)
        return
    rows = [
        [name, span, str(used.sessions), f"{used.audio_in_seconds:.0f}",
         f"{used.audio_out_seconds:.0f}", str(used.characters)]
        for name in names
        for span, totals in found.items()
        for used in [totals.get(name, Amounts())]
    ]  # fmt: skip
    _print_table(["name", "in", "sessions", "heard (s)", "spoken (s)", "characters"], rows)


# ---------------------------------------------------------------- the files
def _settings(file: str | None) -> Config:
    try:
        return load({"api_keys_file": file}, os.environ).config
    except ConfigError as error:
        _fail(str(error))


def _file_of(settings: Config) -> Path:
    if not settings.api_keys_file:
        _fail("which file? Say --file FILE, or set DRAGOMAN_API_KEYS_FILE.")
    return Path(settings.api_keys_file).expanduser()


def _read(path: Path) -> KeyFile:
    try:
        return read(path)
    except ConfigError as error:
        _fail(str(error))


def _change(path: Path, change: Callable[[list[Key]], list[Key]]) -> None:
    try:
        with locked(path):
            is_new = not path.exists() or path.stat().st_size == 0
            found = KeyFile((), is_managed=True) if is_new else read(path)
            if not found.is_managed:
                _fail(
                    f"{path} is a plain file with one key in a line: change it with an editor, or "
                    "take another file for dragoman keys."
                )
            write(path, change(list(found.keys)))
    except ConfigError as error:
        _fail(str(error))


def _each_named(name: str, change: Callable[[Key], list[Key]]) -> Callable[[list[Key]], list[Key]]:
    def changed(found: list[Key]) -> list[Key]:
        if all(key.name != name for key in found):
            _fail(f"there is no key {name!r}; dragoman keys list shows them.")
        return [new for key in found for new in (change(key) if key.name == name else [key])]

    return changed


def _totals(settings: Config, first_days: dict[str, date]) -> dict[str, dict[str, Amounts]]:
    folder = state_folder(settings)
    if folder is None:
        _fail("where? Say --file FILE, or set DRAGOMAN_API_KEYS_FILE or DRAGOMAN_STATE_DIR.")
    path = usage_path(folder)
    if not path.exists():
        _fail(f"no server has counted anything in {folder} yet.")
    try:
        store = UsageStore(path)
        return {span: store.totals(first.isoformat()) for span, first in first_days.items()}
    except (OSError, sqlite3.Error) as error:
        _fail(f"{path} cannot be read: {error}.")


# ---------------------------------------------------------------- what is given and shown
def _limits(*given: int | None) -> dict[str, int]:
    pairs = zip(KeyLimits.__struct_fields__, given, strict=True)
    return {name: value for name, value in pairs if value is not None}


def _new_name(name: str | None, taken: set[str]) -> str:
    if name is None:
        number = 1
        while f"client-{number}" in taken:
            number += 1
        return f"client-{number}"
    try:
        checked_name(name)
    except BadKey as error:
        _fail(str(error))
    if name in taken:
        _fail(f"there is a key {name!r} already.")
    return name


def _from_stdin() -> str:
    try:
        return checked_secret(sys.stdin.readline().strip())
    except BadKey as error:
        _fail(str(error))


def _told(limits: KeyLimits) -> str:
    set_ones = msgspec.structs.asdict(limits).items()
    return ", ".join(f"{name}={value}" for name, value in set_ones if value) or "-"


def _print_json(body: Any) -> None:
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(body)).decode() + "\n")


def _print_table(headings: list[str], rows: list[list[str]]) -> None:
    from rich.console import Console  # noqa: PLC0415  # not needed for --json
    from rich.table import Table  # noqa: PLC0415

    table = Table(show_edge=False, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console(markup=False).print(table)


def _fail(text: str) -> NoReturn:
    typer.echo(f"dragoman keys: {text}", err=True)
    raise typer.Exit(2)
