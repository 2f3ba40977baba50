"""A WebSocket as the driver sees it: events in, text out.

Scope: the only place where frames become events. A connection knows the codec and the stream of
messages under it, and nothing of what events mean. After the client has gone, ``take`` gives
nothing, ``write`` and ``drain`` raise ``OSError``, ``close`` does nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Sequence

import msgspec
from starlette.types import Receive, Scope, Send

from dragoman.protocol.core.codec import Codec
from dragoman.protocol.core.events import ClientEvent, Malformed
from dragoman.protocol.core.principal import Principal
from dragoman.server.access.key_accounts import KeySession
from dragoman.server.observability.session_metrics import SessionMetrics
from dragoman.server.sockets.websocket_guard import STREAM, BoundedWebSocket

_BATCH = 64
"""Messages that are decoded in a row, before other sessions have their turn."""


class Accepted(msgspec.Struct, frozen=True):
    """A WebSocket after its handshake, as ASGI has it, and what the handshake said.
    ``path`` is a path of an API, without a slash at its end.
    """

    path: str
    model: str
    principal: Principal
    scope: Scope
    receive: Receive
    send: Send
    key_session: KeySession | None = None
    """The account of its key; None where no key was asked for."""

    @property
    def stream(self) -> BoundedWebSocket:
        """The socket without ASGI: many messages in one call."""
        stream: BoundedWebSocket = self.scope["extensions"][STREAM]["stream"]
        return stream


class SocketConnection:
    """One accepted WebSocket."""

    def __init__(self, stream: BoundedWebSocket, codec: Codec, metrics: SessionMetrics) -> None:
        self._stream = stream
        self._codec = codec
        self._metrics = metrics
        self.is_gone = False
        """Whether the connection is closed, by either side; nothing more comes then."""
        self.close_code: int | None = None
        """The code the connection was closed with, by whichever side; for the log."""

    def arrival(self) -> Awaitable[None]:
        """Done when there is an event to take, or the client has gone."""
        return self._stream.arrival()

    def take(self) -> Sequence[ClientEvent | Malformed]:
        """The events that are there, as many as are decoded in a row."""
        events = []
        for message in () if self.is_gone else self._stream.take(_BATCH):
            if message["type"] != "websocket.receive":
                self._leave(message.get("code"))
                break
            text = message.get("text")
            event = self._codec.decode(message["bytes"] if text is None else text)
            self._metrics.received(event)
            events.append(event)
        return events

    @property
    def is_writable(self) -> bool:
        """Whether ``write`` is welcome; not when the client has gone."""
        return not self.is_gone and self._stream.is_writable

    def write(self, texts: Sequence[str]) -> None:
        """Send text frames without waiting; ask ``is_writable`` first.

        Raises ``OSError`` when the client has gone.
        """
        try:
            self._stream.write(texts)
        except OSError:
            self._leave(None)
            raise
        self._metrics.sent_bytes(sum(map(len, texts)))

    async def drain(self) -> None:
        """Wait until ``write`` is welcome. Raises ``OSError`` when the client has gone."""
        if self.is_gone:
            raise ConnectionResetError("the client has gone")
        await self._stream.drain()

    async def close(self, code: int, reason: str = "") -> None:
        """Close after what was sent before. Closing twice, or a closed connection: no effect."""
        if not self.is_gone:
            with contextlib.suppress(OSError):  # what ASGI raises when the client has gone
                await self._stream.send({"type": "websocket.close", "code": code, "reason": reason})
            self._leave(code)

    def _leave(self, code: int | None) -> None:
        self.is_gone = True
        if self.close_code is None:
            self.close_code = code
