"""``dragoman serve``: reads the settings and runs ``dragoman.server.serve``.

Scope: what is printed, and the exit codes.
"""

from __future__ import annotations

import logging
import sys
from typing import NoReturn

import typer

from dragoman import __version__
from dragoman.cli.setting_flags import Flags, setting_flags
from dragoman.server.config import ConfigError

LOG = logging.getLogger("dragoman.server")


@setting_flags
def serve(flags: Flags) -> None:
    """Serve all realtime APIs until SIGTERM. Every setting is explained in docs/serving.md."""
    try:
        effective = flags.load()

        def started(url: str) -> None:
            LOG.info("settings: file %s; dragoman config shows them all", effective.file or "none")
            announce(url)

        if effective.config.workers > 1:
            from dragoman.server.workers.supervisor import supervise  # noqa: PLC0415  # see below

            code = supervise(effective.config, started, lambda: flags.load().config)
        else:
            from dragoman.server.serve import serve as run  # noqa: PLC0415  # --help needs none

            code = run(effective.config, started)
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
