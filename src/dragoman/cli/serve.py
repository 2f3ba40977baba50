"""``dragoman serve``: turns flags into settings and runs ``dragoman.server.serve``.

Scope: a flag that is not given stays None, so that the environment and the file apply. There is no
flag for an API key, because every user of a machine can read command lines.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from dragoman import __version__


def serve(  # noqa: PLR0917  # typer declares flags so
    host: Annotated[str | None, typer.Option(help="Address to listen on. [127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes a free one. [8000]")] = None,
    engines: Annotated[
        str | None, typer.Option(help="Which engines: embedded, scripted, or a list. [embedded]")
    ] = None,
    strict: Annotated[
        bool | None, typer.Option(help="Behave as harshly as the cloud is documented to. [no]")
    ] = None,
    warm: Annotated[
        str | None, typer.Option(help="Directions to get ready at the start. [en-es]")
    ] = None,
    aliases: Annotated[
        str | None, typer.Option("--alias", help="More model names: MINE=qwen3-tts-…,…")
    ] = None,
    limits: Annotated[
        str | None, typer.Option("--limit", help="Limits: idle_s=300,sessions=2000,…")
    ] = None,
    synthesis: Annotated[
        str | None,
        typer.Option(help="Open choices: flush_s=1,hold_tail=true,…"),
    ] = None,
    interpretation: Annotated[
        str | None, typer.Option(help="Earliness and calm: policy=units,top_rate=1.2,…")
    ] = None,
    recognition: Annotated[
        str | None, typer.Option(help="How snapshots are split: snapshots=whole")
    ] = None,
    allowed_origins: Annotated[
        str | None, typer.Option("--allow-origin", help="Web pages that may connect: ORIGIN,…")
    ] = None,
    allowed_hosts: Annotated[
        str | None, typer.Option("--allow-host", help="Names this server may be called by: NAME,…")
    ] = None,
    api_keys_file: Annotated[
        str | None, typer.Option(help="File of API keys, see dragoman keys.")
    ] = None,
    state_dir: Annotated[
        str | None, typer.Option(help="Folder for the usage of keys. [that of the key file]")
    ] = None,
    allow_open: Annotated[
        bool | None, typer.Option(help="Serve other machines without any key. [no]")
    ] = None,
    metrics_open: Annotated[
        bool | None, typer.Option(help="Show other machines the metrics without a key. [no]")
    ] = None,
    log_level: Annotated[
        str | None, typer.Option(help="debug, info, warning or error. [info]")
    ] = None,
    drain_s: Annotated[
        float | None, typer.Option(help="Seconds that sessions get at shutdown. [10]")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="TOML file with settings.")] = None,
) -> None:
    """Serve all realtime APIs until SIGTERM. Every setting is explained in docs/serving.md."""
    flags = {name: value for name, value in locals().items() if name != "config"}
    from dragoman.server.config import ConfigError, load  # noqa: PLC0415  # see cli/main.py
    from dragoman.server.serve import serve as run  # noqa: PLC0415

    try:
        settings = load(flags, os.environ, config)
        code = run(settings.config, announce)
    except ConfigError as error:
        _refuse(str(error))
    raise typer.Exit(code)


def announce(url: str) -> None:
    """Print the address as the one line on standard output, once sessions are accepted."""
    line = f"Dragoman {__version__} serves {url}"
    if sys.stdout.isatty():
        from rich.console import Console  # noqa: PLC0415  # only for a terminal

        Console().print(f"[bold green]Dragoman[/] {__version__} serves [bold cyan]{url}[/]")
    else:
        typer.echo(line)
        sys.stdout.flush()


def _refuse(message: str) -> NoReturn:
    typer.echo(f"dragoman serve: {message}", err=True)
    raise typer.Exit(2)
