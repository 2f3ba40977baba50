"""A relay between a client and a server that logs what they send each other.

For clients that cannot be asked what they sent and received. Both directions are logged before
they are passed on, so a reply never stands before its cause. The relay changes nothing: not the
text of a frame, not the closing code of either side. It runs in threads of the calling process.
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

from dragoman.testing.validators.rules import Log

PATIENCE_S = 20


@dataclass
class RelayedCall:
    """One connection through the relay. ``key`` is the API key that the client gave.

    ``ended``: who closed it (``>`` the client, ``<`` the server), with which code and reason.
    """

    path: str
    key: str
    log: Log = field(default_factory=list)
    ended: tuple[str, int, str] | None = None
    over: threading.Event = field(default_factory=threading.Event)


class RecordingRelay:
    """A relay in front of the server at ``target`` (``ws://host:port``); ``calls`` in order."""

    def __init__(self, target: str) -> None:
        self._target = target
        self.calls: list[RelayedCall] = []
        self.port = 0

    @property
    def origin(self) -> str:
        """Where clients reach it; append the path of the API."""
        return f"ws://127.0.0.1:{self.port}"

    def call(self, key: str) -> RelayedCall:
        """The only call made with this key, once both sides have closed it."""
        (call,) = self.calls_of(key)
        return call

    def calls_of(self, key: str) -> list[RelayedCall]:
        """The calls made with this key, in their order, once both sides have closed them all."""
        calls = [call for call in self.calls if call.key == key]
        for call in calls:
            if not call.over.wait(PATIENCE_S):
                raise TimeoutError(f"a call still goes on after {PATIENCE_S} s")
        return calls

    def answer(self, client: ServerConnection) -> None:
        """Relay one call until both sides have closed it."""
        if client.request is None:
            return
        authorization = client.request.headers.get("Authorization", "")
        call = RelayedCall(client.request.path, authorization.partition(" ")[2])
        self.calls.append(call)
        try:
            with connect(
                self._target + call.path,
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


def _pass_on(
    call: RelayedCall,
    direction: str,
    source: ServerConnection | ClientConnection,
    sink: ServerConnection | ClientConnection,
) -> None:
    """Everything that comes from ``source``, and then its close."""
    with contextlib.suppress(ConnectionClosed):
        for text in source:
            call.log.append((direction, json.loads(text)))
            sink.send(text)
    code, reason = source.close_code or 1006, source.close_reason or ""
    call.ended = call.ended or (direction, code, reason)
    sink.close(code if code not in (1005, 1006) else 1000, reason)


def _health(connection: ServerConnection, request: Request) -> Response | None:
    """Answer clients that first ask whether a server is here."""
    return connection.respond(200, "ok\n") if request.path == "/health" else None


@contextlib.contextmanager
def recorded(port: int) -> Iterator[RecordingRelay]:
    """A relay in front of the server at this port of 127.0.0.1, while the block runs."""
    relay = RecordingRelay(f"ws://127.0.0.1:{port}")
    with serve(
        relay.answer,
        "127.0.0.1",
        0,
        process_request=_health,
        compression=None,
        ping_interval=None,
        max_size=None,
    ) as server:
        relay.port = server.socket.getsockname()[1]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield relay
        finally:
            server.shutdown()
            thread.join()
