"""The listening socket and uvicorn's WebSocket protocol with bounded buffers.

Scope: socket options, and what this server needs of a connection that uvicorn does not give.

* Slow readers. Left alone, the kernel takes about four megabytes (a minute of speech) from us
  before a client that does not read is noticed. So the listening socket gets a small send buffer
  and a low mark for unsent bytes, which every accepted socket inherits; a connection whose output
  has not moved for ``stall_s`` is cut off, because a WebSocket close cannot reach a client that
  does not read. Until then its pings are answered with the last pong only, or they would pile up.
* Many small messages. uvicorn gives out one message at a time and stops reading after each, which
  costs several system calls per message. ``take`` and ``write`` pass on all that is ready at once,
  and reading stops only when ``READ_AHEAD`` waits. The ASGI application finds both in its
  scope, as the extension ``STREAM``.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from asyncio.transports import BaseTransport
from collections.abc import Callable, Sequence
from typing import Any

from starlette.types import Message
from uvicorn.config import Config as UvicornConfig
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.exceptions import InvalidState
from websockets.http11 import Request

from dragoman.server.config import ConfigError
from dragoman.server.incoming import Incoming

SEND_BUFFER_BYTES = 128 * 1024
UNSENT_BYTES = 64 * 1024
STREAM = "dragoman.stream"
"""The extension of the ASGI scope that holds the ``BoundedWebSocket`` itself."""
READ_AHEAD = 64 * 1024
"""How much (``Incoming.size``) may wait for the session of a client."""
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


class BoundedWebSocket(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket, bounded on both sides, with many messages in one call."""

    # Set for each server by ``bounded``: uvicorn takes a class here, not an object.
    stall_s = 30.0
    on_stall: Callable[[], None] = staticmethod(lambda: None)

    def __init__(
        self,
        config: UvicornConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.queue: Incoming = Incoming()  # type: ignore[assignment]  # has what uvicorn uses of a queue
        self._stall_timer: asyncio.TimerHandle | None = None
        self._end_timer: asyncio.TimerHandle | None = None
        self._is_broken = False
        self._pong = b""

    def connection_made(self, transport: BaseTransport) -> None:
        """Keep what waits in user space as small as what waits in the kernel."""
        super().connection_made(transport)
        self.transport.set_write_buffer_limits(high=UNSENT_BYTES)

    def pause_writing(self) -> None:
        """The client does not read fast enough: it is cut off if that lasts ``stall_s``."""
        super().pause_writing()
        if self._stall_timer is None:
            self._stall_timer = self.loop.call_later(self.stall_s, self._cut_off)

    def resume_writing(self) -> None:
        """The client reads again."""
        super().resume_writing()
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None
        if self._pong:
            pong, self._pong = self._pong, b""
            self.transport.write(pong)

    def handle_ping(self) -> None:
        """Answer; for a client that does not read, keep the newest answer only (RFC 6455, 5.5.3).

        Reading is not paused for pings, so this is what bounds them.
        """
        pong = b"".join(self.conn.data_to_send())
        if self.writable.is_set():
            self.transport.write(pong)
        else:
            self._pong = pong or self._pong  # one read's pings are answered with the first of them

    # ------------------------------------------------------------ messages of the application
    def handle_connect(self, event: Request) -> None:
        """Offer the application the calls below."""
        super().handle_connect(event)
        if not self.handshake_complete:  # else the handshake was refused
            self.scope["extensions"][STREAM] = {"stream": self}

    def send_receive_event_to_app(self) -> None:
        """Queue a whole message, and stop reading when too much waits."""
        data, self.frames = b"".join(self.frames), []
        if self.close_sent:
            return
        message: Message = {"type": "websocket.receive"}
        try:
            if self.curr_msg_data_type == "text":
                message["text"] = data.decode()
            else:
                message["bytes"] = data
        except UnicodeDecodeError:
            self.conn.send_close(1007)
            self.handle_parser_exception()
            return
        self.queue.put_nowait(message)
        if not self.read_paused and self.queue.size > READ_AHEAD:
            self.read_paused = True
            self.transport.pause_reading()

    def take(self, most: int) -> list[Message]:
        """The ASGI messages that are there, at most so many."""
        messages = self.queue.take(most)
        if self.read_paused and self.queue.size <= READ_AHEAD:
            self.read_paused = False
            self.transport.resume_reading()
        return messages

    def arrival(self) -> asyncio.Future[None]:
        """Done when there is a message to take."""
        return self.queue.arrival()

    @property
    def is_writable(self) -> bool:
        """Whether the transport takes more now."""
        return self.writable.is_set() and not self.disconnected

    def write(self, texts: Sequence[str]) -> None:
        """Send text frames without waiting. Raises ``OSError`` when the connection is closing."""
        if self.close_sent or self.transport.is_closing():
            raise ClientDisconnected
        try:
            for text in texts:
                self.conn.send_text(text.encode())
        except InvalidState:
            raise ClientDisconnected from None
        self.transport.write(b"".join(self.conn.data_to_send()))

    async def drain(self) -> None:
        """Wait until the transport takes more. Raises ``OSError`` when the client has gone."""
        await self.writable.wait()
        if self.disconnected:
            raise ClientDisconnected

    # ------------------------------------------------------------ the end
    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timers."""
        for timer in (self._stall_timer, self._end_timer):
            if timer is not None:
                timer.cancel()
        self._stall_timer = self._end_timer = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse. After a frame that broke the protocol, bytes are read and dropped."""
        if not self._is_broken:
            super().data_received(data)

    def handle_parser_exception(self) -> None:
        """Close with the code that says why (1009, 1007, 1002), so that it arrives.

        uvicorn closes the socket at once. While the client is still sending, that is a reset,
        which overtakes the close frame; so we close our half only and go on reading for a while.
        """
        self._is_broken = True
        closing = self.conn.close_sent
        assert closing is not None
        self.queue.put_nowait(
            {"type": "websocket.disconnect", "code": closing.code, "reason": closing.reason}
        )
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        if self.transport.can_write_eof():
            self.transport.write_eof()
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self.close_timer = self.loop.call_later(self.close_timeout, self.transport.abort)

    async def run_asgi(self) -> None:
        """Run the session; after it the client has the time of a close handshake to leave."""
        await super().run_asgi()
        self._end_in(self.close_timeout + 1.0)

    def shutdown(self) -> None:
        """Close with 1012; a client that does not read that must not delay the server."""
        super().shutdown()
        self._end_in(1.0)

    def _end_in(self, seconds: float) -> None:
        # transport.close() waits for a client to read what is left; without reading, for ever.
        if self._end_timer is not None:
            self._end_timer.cancel()
        if not self.disconnected:
            self._end_timer = self.loop.call_later(seconds, self.transport.abort)

    def _cut_off(self) -> None:
        self.on_stall()
        self.transport.abort()


def bounded(stall_s: float, on_stall: Callable[[], None]) -> type[BoundedWebSocket]:
    """The protocol class with a server's own limit, for uvicorn's ``ws=``.

    ``on_stall`` is called for every connection that is cut off because it did not read.
    """
    body = {"stall_s": stall_s, "on_stall": staticmethod(on_stall)}
    return type("BoundedWebSocket", (BoundedWebSocket,), body)
