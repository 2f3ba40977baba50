"""A model server on the loopback interface that does what a test tells it, bytes included.

Scope: HTTP/1.1 and nothing of any API: a route is a function that is given the ``Call`` and answers
it, in a thread of its own connection. What came is kept in ``received``. Routes of chat, speech and
transcription stand beside this file.

    with LoopbackServer() as server:
        server.routes["POST /v1/chat/completions"] = lambda call: call.reply(200, b"{}")
        engine = make(url=server.url)
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec

WAIT_S = 20.0
"""The longest that anything here waits; a test that waits so long has failed."""


class ClientGone(Exception):
    """The client closed its connection."""


class Received(msgspec.Struct):
    """A request as it came."""

    method: str
    path: str
    headers: Message
    body: bytes

    def json(self) -> Any:
        """The body, decoded."""
        return msgspec.json.decode(self.body)

    def form(self) -> dict[str, list[bytes]]:
        """The fields of a multipart form, each with all its values; of files their content."""
        boundary = b"--" + self.headers.get_param("boundary").encode()
        found: dict[str, list[bytes]] = {}
        for part in self.body.split(boundary)[1:-1]:
            head, _, content = part.partition(b"\r\n\r\n")
            name = head.partition(b'name="')[2].partition(b'"')[0].decode()
            found.setdefault(name, []).append(content.removesuffix(b"\r\n"))
        return found


class Call:
    """One request under way. What sends raises ``ClientGone`` when nobody is there any more."""

    def __init__(self, handler: _Handler, request: Received) -> None:
        self._handler = handler
        self.request = request
        self._chunked = False

    # ------------------------------------------------------------ answers
    def reply(
        self, status: int, body: bytes = b"", kind: str = "application/json", **headers: str
    ) -> None:
        """The whole answer. Headers are named with ``_`` for ``-``."""
        self._head(status, kind, {"Content-Length": str(len(body)), **headers})
        self.send_raw(body)

    def json(self, value: object, status: int = 200) -> None:
        """The whole answer, a value as JSON."""
        self.reply(status, msgspec.json.encode(value))

    def start(self, kind: str = "text/event-stream", status: int = 200, **headers: str) -> None:
        """The head of an answer that comes in pieces."""
        self._head(status, kind, {"Transfer-Encoding": "chunked", **headers})
        self._chunked = True

    def piece(self, data: bytes) -> None:
        """The next piece."""
        self.send_raw(b"%x\r\n%b\r\n" % (len(data), data))

    def event(self, value: object) -> None:
        """A server-sent event: text as it is, other values as JSON."""
        data = value.encode() if isinstance(value, str) else msgspec.json.encode(value)
        self.piece(b"data: " + data + b"\n\n")

    def end(self) -> None:
        """No more pieces."""
        self.send_raw(b"0\r\n\r\n")
        self._chunked = False

    # ------------------------------------------------------------ misbehaviour
    def send_raw(self, data: bytes) -> None:
        """Bytes as they are."""
        try:
            self._handler.wfile.write(data)
        except OSError:
            raise ClientGone from None

    def hang_up(self, *, reset: bool = False) -> None:
        """Close the connection in the middle, with a reset if that is wanted."""
        linger = struct.pack("ii", 1, 0)
        if reset:
            self._handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._handler.drop()

    def wait_until_gone(self) -> bool:
        """Wait until the client closes its connection; whether it did."""
        self._handler.connection.settimeout(WAIT_S)
        try:
            return self._handler.connection.recv(1) == b""
        except TimeoutError:
            return False
        except OSError:
            return True

    def _head(self, status: int, kind: str, headers: dict[str, str]) -> None:
        lines = [f"HTTP/1.1 {status} {status}", f"Content-Type: {kind}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.send_raw("\r\n".join([*lines, "", ""]).encode("latin-1"))


Route = Callable[[Call], None]


def in_turn(*routes: Route) -> Route:
    """The first request goes to the first route, and so on; the last one takes all others."""
    left = list(routes)

    def next_one(call: Call) -> None:
        (left.pop(0) if len(left) > 1 else left[0])(call)

    return next_one


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # as real servers do
    server: _Server

    def do_POST(self) -> None:
        ours = self.server.ours
        size = int(self.headers.get("content-length", 0))
        body = self.rfile.read(size)
        request = Received(self.command, self.path, self.headers, body)
        route = ours.routes.get(f"{self.command} {self.path}", _no_such_page)
        with ours.counting(request):
            call = Call(self, request)
            try:
                route(call)
            except ClientGone:
                self.close_connection = True
            if call._chunked:  # a route that ended in the middle
                self.drop()

    do_GET = do_DELETE = do_POST

    def drop(self) -> None:
        self.close_connection = True
        self.rfile.close()
        self.wfile.close()
        self.connection.close()

    def finish(self) -> None:
        with suppress(OSError, ValueError):
            super().finish()

    def log_message(self, *_anything: Any) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    ours: LoopbackServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away between two requests."""


def _no_such_page(call: Call) -> None:
    call.reply(404, b'{"error": {"message": "no such page"}}')


class LoopbackServer:
    """Listens on a free port while its ``with`` statement is open."""

    def __init__(self) -> None:
        self.routes: dict[str, Route] = {}
        self.received: list[Received] = []
        self._accepted: list[socket.socket] = []
        self.open = 0
        """Requests that are under way."""
        self._changed = threading.Condition()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.ours = self
        self._server.process_request = self._connected  # type: ignore[method-assign]

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def connections(self) -> int:
        """How many were made so far."""
        return len(self._accepted)

    @property
    def url(self) -> str:
        """The address for an engine's option ``url``."""
        return f"{self.origin}/v1"

    def __enter__(self) -> LoopbackServer:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Nobody listens any more: connections are refused, and those that are open end."""
        self._server.shutdown()
        self._server.server_close()
        for connection in self._accepted:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def wait(self, fits: Callable[[LoopbackServer], bool]) -> None:
        """Until ``fits`` is true; it is asked when a request begins or ends."""
        with self._changed:
            assert self._changed.wait_for(lambda: fits(self), WAIT_S), "it never came to that"

    @contextmanager
    def counting(self, request: Received) -> Iterator[None]:
        """A request is under way."""
        with self._changed:
            self.received.append(request)
            self.open += 1
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self.open -= 1
                self._changed.notify_all()

    def _connected(self, request: Any, address: Any) -> None:
        self._accepted.append(request)
        ThreadingHTTPServer.process_request(self._server, request, address)
