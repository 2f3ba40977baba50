"""``dragoman intercept``: redirect a program that cannot be edited to a Dragoman server.

Scope: flags and messages; ``dragoman.intercept`` does the work. Without a program, standard output
has the address and the two variables only, so that a shell can evaluate it. With a program,
standard output belongs to the program and messages go to standard error.
"""

from __future__ import annotations

import asyncio
import functools
import os
import shlex
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from dragoman import __version__
from dragoman.cli.why import explain
from dragoman.client.errors import CannotConnect
from dragoman.engines.shared.model_files import pip_install
from dragoman.intercept.names import BadName, Hosts, TargetServer, parse_address, parse_server
from dragoman.intercept.program import CannotRun

PORT = 8001


def intercept(
    program: Annotated[
        list[str] | None, typer.Argument(help="A program to run redirected, after --.")
    ] = None,
    *,
    server: Annotated[
        str, typer.Option(envvar="DRAGOMAN_URL", help="The Dragoman server.")
    ] = "ws://127.0.0.1:8000",
    port: Annotated[
        int | None,
        typer.Option(help="Port of the proxy; 0 takes a free one. [8001; with a program 0]"),
    ] = None,
    address: Annotated[
        str, typer.Option(help="Loopback address of the proxy; no other is allowed.")
    ] = "127.0.0.1",
    host: Annotated[
        list[str] | None, typer.Option(help="One more host to redirect: NAME or *.NAME.")
    ] = None,
    pass_others: Annotated[
        bool, typer.Option("--pass-others", help="Let other hosts through, not refuse them.")
    ] = False,
    folder: Annotated[
        Path | None, typer.Option("--dir", help="Private folder of the certificate authority.")
    ] = None,
) -> None:
    """Redirect a program that cannot be edited to your server. By proxy and private certificate."""
    try:
        hosts = Hosts(host or ())
        target, listen_on = parse_server(server, hosts), parse_address(address)
    except BadName as error:
        _fail(str(error), 2)
    try:
        from dragoman.intercept import run  # noqa: PLC0415  # cryptography is an extra
        from dragoman.intercept.folder import Folder, FolderRefused, default_folder  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "cryptography":
            raise
        _fail(f"the package cryptography is missing: {pip_install('dragoman[intercept]')}", 1)
    number = port if port is not None else (0 if program else PORT)
    try:
        private = Folder(folder or default_folder(os.environ))
        what = run.Redirection(
            hosts=hosts,
            server=target,
            folder=private,
            program=tuple(program or ()),
            pass_others=pass_others,
        )
        listener = run.listen(listen_on, number)
        announce = functools.partial(_announce, target, private.bundle)
        code = asyncio.run(run.redirect(what, listener, _note, announce))
    except CannotRun as error:
        _fail(str(error), error.code)
    except CannotConnect as error:
        _fail(explain(error, error.address), 1)
    except (FolderRefused, run.CannotListen) as error:
        _fail(str(error), 1)
    raise typer.Exit(code)


def _announce(server: TargetServer, bundle: Path, variables: dict[str, str]) -> None:
    typer.echo(f"Dragoman {__version__} redirects the cloud's realtime hosts to {server.url}")
    for name, value in variables.items():
        typer.echo(f"export {name}={shlex.quote(value)}")
    sys.stdout.flush()
    _note("set the two variables where your program runs; they are for the official Python SDK")
    _note(f"other programs need other settings: docs/intercept.md (the bundle is {bundle})")


def _note(text: str) -> None:
    typer.echo(f"dragoman intercept: {text}", err=True)


def _fail(text: str, code: int) -> NoReturn:
    _note(text)
    raise typer.Exit(code)
