"""What the supervisor and the processes it starts say to each other: frames on a socket pair.

Scope: the messages and the end of such a connection. The first message to a process says what it
is to be. Descriptors are inherited, so their numbers are the same in the process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

import msgspec

from dragoman.runtime.hosts.framing import FrameReader, encode
from dragoman.server.config import Config
from dragoman.server.workers.metrics_sum import Family


class StartGateway(msgspec.Struct, frozen=True, tag=True):
    """Serve clients on ``listener`` with the engines at the unix socket ``engines``. ``board`` is
    the memory that all share, ``place`` the part of it that is written here. At the start of the
    server, clients are told that engines are loading; later a gateway accepts nobody before it is
    ready (``opens_when_ready``).
    """

    config: Config
    listener: int
    board: int
    place: int
    engines: bytes
    opens_when_ready: bool


class StartEngines(msgspec.Struct, frozen=True, tag=True):
    """Load the engines and serve gateways on the listening unix socket ``listener``."""

    config: Config
    listener: int
    board: int
    place: int


class Drain(msgspec.Struct, frozen=True, tag=True):
    """Take no more sessions, let those that run finish, then end; a second one: end now."""


class Retire(msgspec.Struct, frozen=True, tag=True):
    """Another process has taken over the port: accept no more connections, then as ``Drain``."""


class AskMetrics(msgspec.Struct, frozen=True, tag=True):
    """Say your metrics, with this number."""

    number: int


class CheckPulse(msgspec.Struct, frozen=True, tag=True):
    """Say that your event loop turns."""


class Pulse(msgspec.Struct, frozen=True, tag=True):
    """The answer to ``CheckPulse``."""


class Started(msgspec.Struct, frozen=True, tag=True):
    """The process does its work: a gateway takes sessions, the engines are loaded."""


class StartFailed(msgspec.Struct, frozen=True, tag=True):
    """The engines could not be loaded; the reason is for the operator."""

    reason: str


class OwnMetrics(msgspec.Struct, frozen=True, tag=True):
    """The answer to ``AskMetrics``."""

    number: int
    families: list[Family]


class AskTotal(msgspec.Struct, frozen=True, tag=True):
    """A gateway's metrics, which asks for the sum over all processes."""

    number: int
    families: list[Family]


class Total(msgspec.Struct, frozen=True, tag=True):
    """The answer to ``AskTotal``."""

    number: int
    families: list[Family]


ControlMessage = (
    StartGateway
    | StartEngines
    | Drain
    | Retire
    | AskMetrics
    | CheckPulse
    | Pulse
    | Started
    | StartFailed
    | OwnMetrics
    | AskTotal
    | Total
)

_decoder = msgspec.msgpack.Decoder(ControlMessage)


class ControlReader(FrameReader[ControlMessage]):
    """Finds these messages in pieces of a byte stream."""

    def __init__(self) -> None:
        super().__init__(_decoder)


class ControlLink(asyncio.Protocol):
    """Either end of the connection. ``on_message`` gets what comes, ``on_lost`` is called at its
    end.
    """

    def __init__(
        self,
        on_message: Callable[[ControlMessage], None],
        on_lost: Callable[[], None],
        reader: ControlReader | None = None,
    ) -> None:
        self._on_message = on_message
        self._on_lost = on_lost
        self._reader = reader or ControlReader()
        self._transport: asyncio.Transport | None = None

    def send(self, message: ControlMessage) -> None:
        """Send; without effect once the other end is gone."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(encode(message))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is ours now."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Messages, cut anywhere."""
        for message in self._reader.feed(data):
            self._on_message(message)

    def connection_lost(self, error: Exception | None) -> None:
        """The other process has ended."""
        self._transport = None
        self._on_lost()
