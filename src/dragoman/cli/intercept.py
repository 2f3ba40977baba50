"""``dragoman intercept``: redirect a program that cannot be edited to a Dragoman server.

Law of this file: flags in, lines out; names, certificates, the proxy and the program have files of
their own (``intercept_*``). Standard output has the line about where and the two variables and
nothing else, and nothing at all of ours where a program is run: it is the program's then.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import socket
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from dragoman import __version__
from dragoman.cli.why import explain
from dragoman.client.errors import CannotConnect
from dragoman.engines.shared.model_files import pip_install
from dragoman.intercept.names import BadName, Hosts, Server, bracketed, parse_address, parse_server
from dragoman.intercept.program import CannotRun, Trust, environment, run_program, two_variables

if TYPE_CHECKING:
    from dragoman.intercept.folder import Folder

PORT = 8001
_BACKLOG = 128
_ANSWER_S = 5.0


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
    """Redirect a program that cannot be edited to a server, by proxy and private certificate."""
    try:
        hosts = Hosts(host or ())
        target, where = parse_server(server, hosts), parse_address(address)
    except BadName as error:
        _fail(str(error), 2)
    try:
        from dragoman.intercept.folder import Folder, FolderRefused, default_folder  # noqa: PLC0415  # cryptography is an extra
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "cryptography":
            raise
        _fail(f"the package cryptography is missing: {pip_install('dragoman[intercept]')}", 1)
    number = port if port is not None else (0 if program else PORT)
    try:
        private = Folder(folder or default_folder(os.environ))
        listener = _listen(where, number)
        code = asyncio.run(
            _run(hosts, target, private, listener, program or [], pass_others=pass_others)
        )
    except CannotRun as error:
        _fail(str(error), error.code)
    except CannotConnect as error:
        _fail(explain(error, error.address), 1)
    except (FolderRefused, _CannotListen) as error:
        _fail(str(error), 1)
    raise typer.Exit(code)


async def _run(
    hosts: Hosts,
    server: Server,
    folder: Folder,
    listener: socket.socket,
    program: list[str],
    *,
    pass_others: bool,
) -> int:
    """Run the proxy until a signal or until the program ends; the exit code."""
    from dragoman.intercept.folder import Certificates  # noqa: PLC0415  # see above
    from dragoman.intercept.proxy import Proxy  # noqa: PLC0415

    with listener:
        await _meet(server)
        _, is_new = folder.authority(hosts, datetime.now(UTC))
        system = folder.write_bundle(os.environ)
        bundle = folder.bundle if system else None
        certificates = Certificates(folder, hosts)
        await certificates.context()
        if is_new:
            _note(f"made a private certificate authority: {folder.ca}")
        # With nothing but our authority, a slip past the proxy cannot reach the cloud.
        trust = Trust((pass_others and bundle) or folder.ca, folder.ca, bundle, system)
        bound = listener.getsockname()
        proxy_url = f"http://{bracketed(bound[0])}:{bound[1]}"
        proxy = Proxy(hosts, server, certificates.context, _note, pass_others=pass_others)
        proxy.start(listener)
        try:
            if program:
                variables = environment(os.environ, hosts, proxy_url, trust)
                return await run_program(program, variables)
            ended = _signalled()
            _announce(server, two_variables(proxy_url, trust), folder)
            await ended()
            return 0
        finally:
            await proxy.close()


def _announce(server: Server, variables: dict[str, str], folder: Folder) -> None:
    typer.echo(f"Dragoman {__version__} redirects the cloud's realtime hosts to {server.url}")
    for name, value in variables.items():
        typer.echo(f"export {name}={shlex.quote(value)}")
    sys.stdout.flush()
    _note("set the two variables where your program runs; they are for the official Python SDK")
    _note(f"other programs need other settings: docs/intercept.md (the bundle is {folder.bundle})")


def _signalled() -> Callable[[], asyncio.Future[bool]]:
    """Something to wait on until SIGINT or SIGTERM, from now on."""
    event = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, event.set)
    return lambda: asyncio.ensure_future(event.wait())


async def _meet(server: Server) -> None:
    """Make sure that an HTTP server answers. Raises ``CannotConnect``."""
    from dragoman.intercept.relay import open_server  # noqa: PLC0415  # heavy: asyncio's TLS

    request = f"GET /health HTTP/1.1\r\nHost: {bracketed(server.host)}:{server.port}\r\n"
    try:
        async with asyncio.timeout(_ANSWER_S):
            reader, writer = await open_server(server)
            try:
                writer.write(f"{request}Connection: close\r\n\r\n".encode())
                answer = await reader.read(5)
            finally:
                writer.transport.abort()
    except ConnectionRefusedError:
        raise CannotConnect(server.url, "nothing listens there") from None
    except TimeoutError:
        raise CannotConnect(server.url, "it does not answer") from None
    except OSError as error:
        raise CannotConnect(server.url, error.strerror or "it does not answer") from None
    if answer != b"HTTP/":
        raise CannotConnect(server.url, "what answers there is no HTTP server")


class _CannotListen(Exception):
    """The port of the proxy is not to be had."""


def _listen(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        why = getattr(error, "strerror", None) or "no such port"
        raise _CannotListen(
            f"cannot listen on {bracketed(address)}:{port}: {why}. --port 0 takes a free port."
        ) from None
    return listener


def _note(text: str) -> None:
    typer.echo(f"dragoman intercept: {text}", err=True)


def _fail(text: str, code: int) -> NoReturn:
    _note(text)
    raise typer.Exit(code)
