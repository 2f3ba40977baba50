"""The listening socket.

Scope: its address and its options, which every accepted socket inherits: a small send buffer and a
low mark for unsent bytes, so that a client that does not read is noticed early.
"""

from __future__ import annotations

import errno
import socket
from typing import Any

from dragoman.server.config import ConfigError

SEND_BUFFER_BYTES = 128 * 1024
UNSENT_BYTES = 64 * 1024
BACKLOG = 2048
_TCP_NOTSENT_LOWAT = getattr(socket, "TCP_NOTSENT_LOWAT", None)


def resolve(host: str, port: int) -> tuple[socket.AddressFamily, tuple[Any, ...]]:
    """The first address that ``host`` stands for. Raises ``ConfigError``."""
    try:
        found = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE | socket.AI_NUMERICSERV
        )
    except (OSError, UnicodeError):
        raise ConfigError(f"The host {host!r} is not an address of this machine.") from None
    family, _, _, _, address = found[0]
    return family, address


def listen(host: str, port: int, *, shares_port: bool = False) -> socket.socket:
    """A listening TCP socket; port 0 takes a free one. Sockets that share their port get an equal
    part of the connections each (SO_REUSEPORT). Raises ``ConfigError``.
    """
    family, address = resolve(host, port)
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shares_port:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        if _TCP_NOTSENT_LOWAT is not None:
            listener.setsockopt(socket.IPPROTO_TCP, _TCP_NOTSENT_LOWAT, UNSENT_BYTES)
        listener.bind(address)
        listener.listen(BACKLOG)
        listener.setblocking(False)  # noqa: FBT003  # positional only
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"Cannot listen on {host}:{port}: {error.strerror or error}. {_advice(error)}"
        ) from None
    return listener


def _advice(error: OSError) -> str:
    if error.errno == errno.EADDRNOTAVAIL:
        return "It is no address of this machine: take one that is, or 0.0.0.0 for all of them."
    if error.errno == errno.EACCES:
        return "Ports below 1024 are for root: take a higher one."
    return "Another program may use the port; --port 0 takes a free one."
