"""Runs the proxy: around one program, or until a signal.

Scope: puts names, folder, proxy and program together. No flags; messages go through ``note``. This
file needs the package ``cryptography``, an extra, so import it only for ``dragoman intercept``.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from dragoman.client.errors import CannotConnect
from dragoman.intercept.folder import Certificates, Folder
from dragoman.intercept.names import Hosts, TargetServer, bracketed
from dragoman.intercept.program import Trust, environment, run_program, two_variables
from dragoman.intercept.proxy import Proxy
from dragoman.intercept.relay import open_server

_BACKLOG = 128
_ANSWER_S = 5.0


class CannotListen(Exception):
    """The proxy's port cannot be opened; the text says why and what to do."""


class Redirection(msgspec.Struct, frozen=True, kw_only=True):
    """What to redirect and where to. An empty ``program`` means: run until a signal."""

    hosts: Hosts
    server: TargetServer
    folder: Folder
    program: tuple[str, ...] = ()
    pass_others: bool = False


def listen(address: str, port: int) -> socket.socket:
    """The proxy's listening socket. Raises ``CannotListen``."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        why = getattr(error, "strerror", None) or "no such port"
        raise CannotListen(
            f"cannot listen on {bracketed(address)}:{port}: {why}. --port 0 takes a free port."
        ) from None
    return listener


async def redirect(
    what: Redirection,
    listener: socket.socket,
    note: Callable[[str], None],
    announce: Callable[[dict[str, str]], None],
) -> int:
    """Run the proxy until the program ends (returns its exit code) or a signal comes (0).

    Without a program, ``announce`` gets the variables to set, once the proxy accepts connections.

    Raises:
        CannotConnect: no HTTP server answers at ``server``.
        FolderRefused, CannotRun: as they say.

    """
    folder = what.folder
    with listener:
        await _check_server(what.server)
        _, is_new = folder.authority(what.hosts, datetime.now(UTC))
        system = folder.write_bundle(os.environ)
        bundle = folder.bundle if system else None
        certificates = Certificates(folder, what.hosts)
        await certificates.context()
        if is_new:
            note(f"made a private certificate authority: {folder.ca}")
        # A program that trusts nothing but our authority cannot reach the cloud past the proxy.
        trust = Trust((what.pass_others and bundle) or folder.ca, folder.ca, bundle, system)
        address, port, *_ = listener.getsockname()
        url = f"http://{bracketed(address)}:{port}"
        proxy = Proxy(
            what.hosts, what.server, certificates.context, note, pass_others=what.pass_others
        )
        proxy.start(listener)
        try:
            if what.program:
                variables = environment(os.environ, what.hosts, url, trust)
                return await run_program(what.program, variables)
            stopped = _stop_signal()
            announce(two_variables(url, trust))
            await stopped.wait()
            return 0
        finally:
            await proxy.close()


def _stop_signal() -> asyncio.Event:
    """An event that SIGINT and SIGTERM set from now on."""
    event = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, event.set)
    return event


async def _check_server(server: TargetServer) -> None:
    """Make sure that an HTTP server answers. Raises ``CannotConnect``."""
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
