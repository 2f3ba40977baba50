"""HTTP before the handshake: bounds on what an unknown client may cost.

Scope: bounds, no routes. uvicorn takes requests however long they are, however slowly they come and
however many at once, and hands every upgrade to the WebSocket library, which answers nothing to
what it cannot parse. So anybody who reaches the port could fill the memory, use up the file
descriptors or stop everybody, with or without a key. Here

* a request has ``REQUEST_BYTES`` and ``request_s``, a line of its head ``LINE_BYTES``, and a head
  ``HEADERS`` lines. All are counted before, or while, it is parsed.
* requests of one connection come one after the other. One that comes before the answer to the
  last is dropped, and the connection closes behind that answer (RFC 9112, 9.3.2, lets clients
  expect that); after ``REQUESTS`` it closes, too.
* requests and handshakes start in ``LoopTurns``, so that many of them delay no session.
* a handshake that the WebSocket library would refuse is refused here, as JSON.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httptools
from uvicorn._types import ASGI3Application
from uvicorn.config import Config as UvicornConfig
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from dragoman.server.admission import Refusal
from dragoman.server.refusals import http_bytes
from dragoman.server.sockets.client_bounds import ClientBounds

REQUEST_BYTES = 64 * 1024
REQUEST_S = 10.0
LINE_BYTES = 8 * 1024 - 32
"""A little less than the WebSocket library's limit, which counts the whole line."""
HEADERS = 128
REQUESTS = 100
_TASK_S = 0.0005
"""About what a request or a handshake takes; for ``LoopTurns``."""
_LINGER_S = 1.0
"""How long a client may still send after a refusal: a socket with unread bytes would be reset,
and the reset would overtake the answer."""

_MALFORMED = Refusal(400, "BadRequest", "This is not a valid HTTP request.")
_TOO_LONG = Refusal(431, "RequestTooLarge", "The request is too long.")
_LONG_URL = Refusal(400, "BadRequest", "The URL is too long.")
_LONG_HEADERS = Refusal(431, "RequestTooLarge", "The request has too many or too long headers.")
_BODY = Refusal(400, "BadRequest", "A WebSocket handshake has no body.")
_METHOD = Refusal(405, "MethodNotAllowed", "A WebSocket handshake is a GET request.")


class _StopParsing(Exception):
    """The parser must not go on; raised in its callbacks."""


class GuardedHttp(HttpToolsProtocol):
    """uvicorn's HTTP, one bounded request at a time."""

    # Set for each server by ``guarded``: uvicorn takes a class here, not an object.
    bounds: ClientBounds
    request_s = REQUEST_S

    def __init__(
        self,
        config: UvicornConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._bytes = 0  # since the last answer
        self._requests = 0
        self._refusal: Refusal | None = None
        self._is_over = False  # nothing more is parsed
        self._timer: asyncio.TimerHandle | None = None  # for the request that comes in

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's
        """Start the time limit of the first request."""
        super().connection_made(transport)
        self._start_timer()
        self.bounds.waits(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the time limit."""
        self._stop_timer()
        self.bounds.waiting.remove(self.transport)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what the request may still have; refuse what is beyond it."""
        if self._is_over:
            return
        self._unset_keepalive_if_required()
        if self._timer is None:
            self._start_timer()
        mine = data[: REQUEST_BYTES - self._bytes]
        self._bytes += len(mine)
        try:
            self.parser.feed_data(mine)
        except httptools.HttpParserUpgrade:
            self._upgrade()
        except httptools.HttpParserError:  # also what the callbacks below raise
            self._stop(self._refusal or _MALFORMED)
        else:
            if len(mine) < len(data):
                self._stop(_TOO_LONG)

    # ------------------------------------------------------------ callbacks of the parser
    def on_message_begin(self) -> None:
        """Begin a request, if the last one has its answer."""
        if self._is_answering():
            raise _StopParsing
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Bound the URL."""
        super().on_url(url)
        if len(self.url) > LINE_BYTES:
            self._refuse(_LONG_URL)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Bound the headers."""
        super().on_header(name, value)
        if len(name) + len(value) > LINE_BYTES or len(self.headers) > HEADERS:
            self._refuse(_LONG_HEADERS)

    def on_headers_complete(self) -> None:
        """Check a handshake; anything else goes to the application."""
        super().on_headers_complete()
        self._requests += 1
        if not (self.parser.should_upgrade() and self._should_upgrade()):
            if self._requests >= REQUESTS or self.parser.should_upgrade():
                self.cycle.keep_alive = False
            return
        if self.scope["method"] != "GET":
            self._refuse(_METHOD)
        if any(
            name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
            for name, value in self.headers
        ):
            self._refuse(_BODY)

    def on_message_complete(self) -> None:
        """The request is whole: its time limit is over."""
        self._stop_timer()
        super().on_message_complete()

    def _refuse(self, refusal: Refusal) -> None:
        self._refusal = refusal
        raise _StopParsing

    # ------------------------------------------------------------ requests and handshakes
    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        start: Callable[..., None] = super()._start_asgi_task
        self.bounds.turns.add(lambda: start(cycle, app), _TASK_S)

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self._bytes = 0
        if not self.transport.is_closing():
            self.bounds.waits(self.transport)
        super().on_response_complete()

    def _upgrade(self) -> None:
        if not self._should_upgrade():  # HTTP/2 or the like: answered as if it had not been asked
            return
        self._is_over = True
        self.transport.pause_reading()
        self.bounds.turns.add(self._become_websocket, _TASK_S)

    def _become_websocket(self) -> None:
        if not self.transport.is_closing():
            self.handle_websocket_upgrade()
            del self.parser  # it refers to this object, which nobody needs any more
            self.transport.resume_reading()

    # ------------------------------------------------------------ the end
    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _stop(self, refusal: Refusal) -> None:
        """Parse no more; refuse what was sent, or close behind the answer that is under way."""
        self._is_over = True
        if self.transport.is_closing():
            return
        if self._is_answering():
            self.cycle.keep_alive = False
            self.flow.pause_reading()
            return
        self._stop_timer()
        self.bounds.refused(refusal.status, refusal.code)
        self.transport.write(http_bytes(refusal))
        if self.transport.can_write_eof():
            self.transport.write_eof()
            self._timer = self.loop.call_later(_LINGER_S, self.transport.abort)
        else:
            self.transport.close()

    def _start_timer(self) -> None:
        self._timer = self.loop.call_later(self.request_s, self._hang_up)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _hang_up(self) -> None:
        self.bounds.exceeded("request_time")
        self.transport.close()


def guarded(bounds: ClientBounds) -> type[GuardedHttp]:
    """The protocol class for one server, for uvicorn's ``http=``."""
    return type("GuardedHttp", (GuardedHttp,), {"bounds": bounds})
