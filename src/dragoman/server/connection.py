"""A WebSocket as the driver sees it: events in, text out.

Law of this file: the only place where frames become events and back to frames. A connection
knows ASGI and the codec, and nothing of what events mean. After the client has gone, ``receive``
answers None (again and again), ``send`` raises ``OSError`` and ``close`` does nothing.

``send`` waits when the client does not read; it must never be cancelled half-way by its caller.
``receive`` may be cancelled; no frame is lost by that.
"""

from __future__ import annotations

from typing import Protocol

from starlette.types import Message, Receive, Send

from dragoman.protocol.core.events import ClientEvent, Malformed
from dragoman.server.metrics import SessionMetrics


class Decoder(Protocol):
    """What a connection needs of the codec (``protocol.core.codec.Codec``)."""

    def decode(self, frame: str | bytes) -> ClientEvent | Malformed:
        """The event in a frame, or what is wrong with the frame."""


def kind_of(event: ClientEvent | Malformed) -> str:
    """The wire type of an event, or the error code of a malformed frame: both closed sets."""
    if isinstance(event, Malformed):
        return event.code
    return str(event.__struct_config__.tag)


class SocketConnection:
    """One accepted WebSocket."""

    def __init__(
        self, receive: Receive, send: Send, codec: Decoder, metrics: SessionMetrics
    ) -> None:
        self._receive = receive
        self._send = send
        self._codec = codec
        self._metrics = metrics
        self._gone = False
        self.close_code: int | None = None
        """The code the connection was closed with, by whichever side; for the log."""

    @property
    def gone(self) -> bool:
        """Whether the connection is closed, by either side."""
        return self._gone

    async def receive(self) -> ClientEvent | Malformed | None:
        """The next event; None when the client has gone."""
        if self._gone:
            return None
        message = await self._receive()
        if message["type"] != "websocket.receive":
            self._leave(message.get("code"))
            return None
        text = message.get("text")
        event = self._codec.decode(text if text is not None else message["bytes"])
        self._metrics.received(kind_of(event))
        return event

    async def send(self, text: str) -> None:
        """Send one text frame; returns when the transport has taken it.

        Raises ``OSError`` when the client has gone.
        """
        if not await self._pass_on({"type": "websocket.send", "text": text}):
            raise ConnectionResetError("the client has gone")
        self._metrics.sent_bytes(len(text))

    async def close(self, code: int, reason: str = "") -> None:
        """Close after what was sent before. Closing twice, or a closed connection: no effect."""
        await self._pass_on({"type": "websocket.close", "code": code, "reason": reason})
        self._leave(code)

    async def _pass_on(self, message: Message) -> bool:
        if self._gone:
            return False
        try:
            await self._send(message)
        except OSError:  # ASGI's word for "the client has gone", since its version 2.4
            self._leave(None)
            return False
        return True

    def _leave(self, code: int | None) -> None:
        self._gone = True
        if self.close_code is None:
            self.close_code = code
