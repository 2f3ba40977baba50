"""uvicorn's WebSocket protocol with bounded buffers.

Scope: what this server needs of a connection that uvicorn does not give.

* Slow readers. Left alone, the kernel takes about four megabytes (a minute of speech) from us
  before a client that does not read is noticed. So buffers are small (``listener``), and a
  connection whose output has not moved for ``stall_s`` is cut off, because a WebSocket close cannot
  reach a client that does not read. Until then its pings are answered with the last pong only, or
  they would pile up.
* Many small messages. uvicorn gives out one message at a time and stops reading after each, which
  costs several system calls per message. ``take`` and ``write`` pass on all that is ready at once,
  and reading stops only when ``READ_AHEAD`` waits. The ASGI application finds both in its
  scope, as the extension ``STREAM``.
* Floods. uvicorn parses all that came in one go, which is megabytes, and a frame takes six
  bytes. Here it is parsed in ``LoopTurns``, a slice at a time; ``BoundedFrames`` has further bounds
  (close 1008), and the input of all connections has one together (close 1013).
* The end. A failure closes with the code that says why, so that it reaches the client; and
  whatever state a connection is in, the shutdown of the server goes on to the next.
"""

from __future__ import annotations

import asyncio
import logging
from asyncio.transports import BaseTransport
from collections.abc import Callable, Sequence
from typing import Any

from starlette.types import Message
from uvicorn.config import Config as UvicornConfig
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.exceptions import InvalidState
from websockets.frames import CloseCode, Frame
from websockets.http11 import Request

from dragoman.server.sockets.bounded_frames import BoundedFrames
from dragoman.server.sockets.client_bounds import ClientBounds
from dragoman.server.sockets.incoming import Incoming, MessageParts
from dragoman.server.sockets.listener import UNSENT_BYTES

LOG = logging.getLogger("dragoman.server")

STREAM = "dragoman.stream"
"""The extension of the ASGI scope that holds the ``BoundedWebSocket`` itself."""
READ_AHEAD = 64 * 1024
"""How much (``Incoming.size``) may wait for the session of a client, and how much to be parsed."""
HANDSHAKE_S = 10.0
_PIECE_BYTES = 1024
_SLICE_BYTES = 64 * 1024
_SLICE_FRAMES = 64
"""In one go the parser gets a slice of so many bytes, and no further piece behind so many frames;
a piece of the smallest frames takes it half a millisecond."""


class BoundedWebSocket(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket, bounded on both sides, with many messages in one call."""

    # Set for each server by ``bounded``: uvicorn takes a class here, not an object.
    bounds: ClientBounds
    handshake_s = HANDSHAKE_S

    def __init__(
        self,
        config: UvicornConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.queue: Incoming = Incoming()  # type: ignore[assignment]  # has what uvicorn uses of a queue
        self.conn: BoundedFrames = BoundedFrames(config.ws_max_size, self.bounds.refused)
        self.stall_s = self.bounds.stall_s
        self._stall_timer: asyncio.TimerHandle | None = None
        self._handshake_timer: asyncio.TimerHandle | None = None
        self._end_timer: asyncio.TimerHandle | None = None
        self._is_broken = self._has_turn = False  # _has_turn: to parse
        self._pong = b""
        self._unparsed, self._parts = bytearray(), MessageParts()
        self.session_holds: Callable[[], int] = int
        """How many bytes of input its session keeps; it may be set. Without one: 0."""

    def connection_made(self, transport: BaseTransport) -> None:
        """Keep what waits in user space as small as what waits in the kernel."""
        super().connection_made(transport)
        self.transport.set_write_buffer_limits(high=UNSENT_BYTES)
        self.bounds.waits(self.transport)
        self._handshake_timer = self.loop.call_later(self.handshake_s, self._end_handshake)

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
            self.transport.write(self._pong)
            self._pong = b""

    def handle_ping(self) -> None:
        """Answer; for a client that does not read, keep the newest only (RFC 6455, 5.5.3)."""
        pong = b"".join(self.conn.data_to_send())
        if self.writable.is_set():
            if pong and not self._is_broken:  # one slice's pings are answered together
                self.transport.write(pong)
        else:
            self._pong = pong or self._pong

    # ------------------------------------------------------------ bytes of the client
    def data_received(self, data: bytes) -> None:
        """Keep the bytes for a turn of the loop. After a failure they are dropped."""
        if not self._is_broken:
            self._unparsed += data
            self._go_on()

    def _go_on(self) -> None:
        """Parse in a later turn what may be parsed; read while little waits."""
        if self._is_broken or self.transport.is_closing():
            return
        is_full = self.queue.size > READ_AHEAD and not self.close_sent
        if self._unparsed and not is_full and not self._has_turn:
            self._has_turn = True
            self.bounds.turns.add(self._parse_slice)
        pause = is_full or len(self._unparsed) > READ_AHEAD
        if pause and not self.read_paused:
            self.transport.pause_reading()
        elif self.read_paused and not pause:
            self.transport.resume_reading()
        self.read_paused = pause
        self._count_input()

    def _count_input(self) -> None:
        if not (self._is_broken or self.transport.is_closing()):
            parsing = len(self._unparsed) + len(self.conn.reader.buffer) + self._parts.size
            held = parsing + self.queue.size + self.session_holds()
            self.bounds.memory.holds(self, held)

    def _parse_slice(self) -> None:
        self._has_turn = False
        fed = frames = 0
        while fed < min(len(self._unparsed), _SLICE_BYTES) and frames < _SLICE_FRAMES:
            if self._is_broken or self.transport.is_closing():
                return
            if self.queue.size > READ_AHEAD and not self.close_sent:
                break
            frames += self._parse(self._unparsed[fed : fed + _PIECE_BYTES])
            fed += _PIECE_BYTES
        del self._unparsed[:fed]
        self._go_on()

    def _parse(self, piece: bytearray) -> int:
        """How many frames were whole with this piece."""
        try:
            self.conn.receive_data(piece)
            count = len(self.conn.events)
            self.handle_events()
        except Exception as error:  # noqa: BLE001  # a bug of ours or theirs ends one connection
            LOG.warning("a connection broke while it was parsed: %s", type(error).__name__)
            self._fail(CloseCode.INTERNAL_ERROR)
            return 1
        if self.conn.parser_exc is not None and not self._is_broken:
            if self.conn.close_sent and self.conn.close_sent.code == CloseCode.POLICY_VIOLATION:
                self.bounds.exceeded("frames")
            self.handle_parser_exception()
        elif self.conn.handshake_exc is not None and not self.handshake_initiated:
            self._refuse_handshake(400)
        return count

    # ------------------------------------------------------------ messages of the application
    def handle_connect(self, event: Request) -> None:
        """Offer the application the calls below."""
        super().handle_connect(event)
        if not self.handshake_complete:  # else the handshake was refused
            self.scope["extensions"][STREAM] = {"stream": self}

    def handle_text(self, event: Frame) -> None:
        """Begin a message of text."""
        self._parts.begin(is_text=True)
        self.handle_cont(event)

    def handle_bytes(self, event: Frame) -> None:
        """Begin a message of bytes."""
        self._parts.begin(is_text=False)
        self.handle_cont(event)

    def handle_cont(self, event: Frame) -> None:
        """Keep a part; queue the message when it is whole."""
        if self.close_sent:
            return
        try:
            self._parts.add(bytes(event.data), final=event.fin)
        except UnicodeDecodeError:
            self._fail(CloseCode.INVALID_DATA)
            return
        if event.fin:
            self.queue.put_nowait(self._parts.whole())

    def take(self, most: int) -> list[Message]:
        """The ASGI messages that are there, at most so many."""
        messages = self.queue.take(most)
        self._go_on()
        return messages

    async def receive(self) -> Any:
        """The next ASGI message."""
        message = await self.queue.get()
        self._go_on()
        return message

    async def send(self, message: Any) -> None:
        """Send an ASGI message."""
        if self._is_broken:
            raise ClientDisconnected
        await super().send(message)
        if message["type"] == "websocket.http.response.body":
            self.handshake_complete = True  # else uvicorn logs every refusal as an error
        if self.handshake_complete:
            self._stop_handshake_timer()
        self._go_on()  # behind a close, input is parsed though nobody takes it

    def arrival(self) -> asyncio.Future[None]:
        """Done when there is a message to take."""
        self._count_input()  # some of what was taken may wait in the session now
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
        """Stop the timers and give the memory back, now and not when the collector looks."""
        self._stop_handshake_timer()
        for timer in (self._stall_timer, self._end_timer):
            if timer is not None:
                timer.cancel()
        self._stall_timer = self._end_timer = None
        self._drop_input()
        super().connection_lost(exc)
        self.conn.parser.close()  # a generator that refers to ``conn``

    def handle_parser_exception(self) -> None:
        """Close with the code that says why (1009, 1008, 1007, 1002), so that it arrives.

        uvicorn closes the socket at once. While the client is still sending, that is a reset,
        which overtakes the close frame; so we close our half only and go on reading for a while.
        """
        closing = self.conn.close_sent
        assert closing is not None
        self._drop_input()
        self._is_broken = self.close_sent = True
        self.queue.put_nowait(
            {"type": "websocket.disconnect", "code": closing.code, "reason": closing.reason}
        )
        self.transport.write(b"".join(self.conn.data_to_send()))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self.close_timer = self.loop.call_later(self.close_timeout, self.transport.abort)

    def _fail(self, code: CloseCode) -> None:
        """Close with ``code`` although the client did not."""
        if self._is_broken or self.transport.is_closing():
            return
        if not self.handshake_complete:
            self.transport.abort()
            return
        self.conn.fail(code)
        self.handle_parser_exception()

    def give_up(self) -> None:
        """Close: the input of all takes too much memory, and this connection has most of it."""
        self.bounds.exceeded("memory")
        self.queue.clear()
        self.session_holds = int  # not for long: it ends
        self._fail(CloseCode.TRY_AGAIN_LATER)

    def _drop_input(self) -> None:
        self._unparsed, self._parts, self._pong = bytearray(), MessageParts(), b""
        self.conn.reader.discard()
        self.bounds.memory.holds(self, self.session_holds())

    async def run_asgi(self) -> None:
        """Run the session; after it the client has the time of a close handshake to leave."""
        await super().run_asgi()
        self.session_holds = int
        self.bounds.memory.holds(self, 0)
        self.scope["extensions"].pop(STREAM, None)  # refers to this object
        self._end_in(self.close_timeout + 1.0)

    def shutdown(self) -> None:
        """Close with 1012; a client that does not read that must not delay the server."""
        try:
            if self.handshake_complete and not self.close_sent:
                self._fail(CloseCode.SERVICE_RESTART)
            elif not self.handshake_complete:
                self._refuse_handshake(503)
            else:
                self.transport.close()
        except Exception as error:  # noqa: BLE001  # uvicorn would leave out all other connections
            LOG.warning("a connection could not be closed in order: %s", type(error).__name__)
        self._end_in(1.0)

    def _refuse_handshake(self, status: int) -> None:
        """Answer a handshake that the application did not, or must not, see."""
        if self.initial_response is None and not self.transport.is_closing():
            given_up = b"".join(self.conn.data_to_send())  # the library's own answer, if it has one
            self.transport.write(given_up or self.conn.reject(status, "").serialize())
        self._is_broken = self.handshake_complete = self.close_sent = True
        self.transport.close()

    def _end_handshake(self) -> None:
        if not self.handshake_complete:
            self.bounds.exceeded("handshake_time")
            self._refuse_handshake(503)
            self._end_in(1.0)

    def _stop_handshake_timer(self) -> None:
        self.bounds.waiting.remove(self.transport)
        if self._handshake_timer is not None:
            self._handshake_timer.cancel()
            self._handshake_timer = None

    def _end_in(self, seconds: float) -> None:
        # transport.close() waits for a client to read what is left; without reading, for ever.
        if self._end_timer is not None:
            if self._end_timer.when() < self.loop.time() + seconds:
                return
            self._end_timer.cancel()
        if not self.disconnected:
            self._end_timer = self.loop.call_later(seconds, self.transport.abort)

    def _cut_off(self) -> None:
        self.bounds.metrics.stalled.inc()
        self.transport.abort()


def bounded(bounds: ClientBounds) -> type[BoundedWebSocket]:
    """The protocol class for one server, for uvicorn's ``ws=``."""
    return type("BoundedWebSocket", (BoundedWebSocket,), {"bounds": bounds})
