"""A relay between a client and a server that writes down what they say to each other.

For clients that cannot be asked what they sent and received. Both directions are logged before
they are passed on, so a reply never stands before its cause. Nothing is changed on the way: not
the text of a frame, not the closing code of either side.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.client import ClientConnection, connect
from websockets.sync.server import ServerConnection, serve

from tests.conformance.rules import Log

PATIENCE_S = 20


@dataclass
class Call:
    """One connection. ``ended``: who closed it (``>`` the client), with which code and reason."""

    path: str
    key: str
    log: Log = field(default_factory=list)
    ended: tuple[str, int, str] | None = None
    over: threading.Event = field(default_factory=threading.Event)


class Tap:
    """A relay in front of the server at ``origin`` (``ws://host:port``)."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self.calls: list[Call] = []
        self.port = 0

    @property
    def origin(self) -> str:
        """Where clients reach it."""
        return f"ws://127.0.0.1:{self.port}"

    def call(self, key: str) -> Call:
        """The only call made with this key, once it is over."""
        (call,) = self.calls_of(key)
        return call

    def calls_of(self, key: str) -> list[Call]:
        """The calls made with this key, in their order, once they are all over."""
        calls = [call for call in self.calls if call.key == key]
        for call in calls:
            assert call.over.wait(PATIENCE_S), f"a call of {key} goes on"
        return calls

    def answer(self, client: ServerConnection) -> None:
        """One call, until both sides have closed."""
        assert client.request is not None
        authorization = client.request.headers.get("Authorization", "")
        call = Call(client.request.path, authorization.partition(" ")[2])
        self.calls.append(call)
        try:
            with connect(
                self._origin + call.path,
                additional_headers={"Authorization": authorization},
                compression=None,
                ping_interval=None,
                max_size=None,
                proxy=None,
            ) as server:
                back = threading.Thread(target=_pass_on, args=(call, "<", server, client))
                back.start()
                _pass_on(call, ">", client, server)
                back.join()
        finally:
            call.over.set()


Side = ServerConnection | ClientConnection


def _pass_on(call: Call, way: str, source: Side, sink: Side) -> None:
    """Everything that comes from ``source``, and then its close."""
    with contextlib.suppress(ConnectionClosed):
        for text in source:
            call.log.append((way, json.loads(text)))
            sink.send(text)
    code, reason = source.close_code or 1006, source.close_reason or ""
    call.ended = call.ended or (way, code, reason)
    sink.close(code if code not in (1005, 1006) else 1000, reason)


def _health(connection: ServerConnection, request: Request) -> Response | None:
    """Answer whoever makes sure that a server is here."""
    return connection.respond(200, "ok\n") if request.path == "/health" else None


@contextlib.contextmanager
def tapped(port: int) -> Iterator[Tap]:
    """A tap in front of the server at this port, until the block ends."""
    tap = Tap(f"ws://127.0.0.1:{port}")
    with serve(
        tap.answer,
        "127.0.0.1",
        0,
        process_request=_health,
        compression=None,
        ping_interval=None,
        max_size=None,
    ) as server:
        tap.port = server.socket.getsockname()[1]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield tap
        finally:
            server.shutdown()
            thread.join()
