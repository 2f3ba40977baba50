"""What a connection may cost before and beside its events: requests, handshakes, pings."""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import struct
import threading
import time
from collections.abc import Iterator

import pytest

from dragoman.server.connection import Accepted
from dragoman.server.lifecycle import Lifecycle
from dragoman.server.sockets.http_guard import REQUEST_BYTES, GuardedHttp
from dragoman.server.sockets.websocket_guard import BoundedWebSocket
from tests.server.raw_websocket import handshake, masked
from tests.server.server_thread import Shell, shell


@contextlib.contextmanager
def plain(live: Shell) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", live.port), timeout=20) as raw:
        yield raw


def ending(raw: socket.socket) -> bytes:
    """Everything until the server hangs up, in whatever way."""
    got = b""
    with contextlib.suppress(ConnectionError):
        while piece := raw.recv(65_536):
            got += piece
    return got


def answer(raw: socket.socket) -> bytes:
    """One answer of ``/health``; the connection stays."""
    got = b""
    while not got.endswith(b"]}"):
        got += raw.recv(65_536)
    return got


@pytest.mark.parametrize(
    "begin", [b"", b"GET /hea", b"GET /health HTTP/1.1\r\nHost: localhost\r\n"]
)
def test_an_incomplete_head_ends_the_connection_after_its_time(
    begin: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GuardedHttp, "request_s", 0.05)
    with shell() as live, plain(live) as raw:
        raw.sendall(begin)
        assert ending(raw) == b""
        assert live.health()[0] == 200


def refusal(answer: bytes) -> tuple[int, str]:
    """Status and code of a refusal, which is whole and JSON."""
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.decode().lower().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines[1:])
    assert headers["content-type"] == "application/json"
    assert int(headers["content-length"]) == len(body)
    told = json.loads(body)
    assert told["request_id"] == headers["x-request-id"]
    assert told["message"]
    return int(lines[0].split()[1]), told["code"]


@pytest.mark.parametrize(
    ("begin", "more", "status"),
    [
        (b"GET / HTTP/1.1\r\n", b"X-More: " + b"y" * 990 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\nX-More: ", b"y", 431),
        (b"GET /", b"y", 400),
    ],
)
def test_an_endless_head_is_refused(begin: bytes, more: bytes, status: int) -> None:
    with shell() as live, plain(live) as raw:
        raw.sendall(begin + more * (2 * REQUEST_BYTES // len(more)))
        assert refusal(ending(raw))[0] == status
        assert live.health()[0] == 200


def upgrade(
    more: bytes = b"", path: bytes = b"/api-ws/v1/realtime", method: bytes = b"GET"
) -> bytes:
    return (
        b"%s %s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n%s\r\n"
    ) % (method, path, more)


REFUSED = {
    "a long line": (upgrade(b"X: " + b"y" * 9000 + b"\r\n"), 431),
    "many headers": (upgrade(b"X: y\r\n" * 150), 431),
    "a long URL": (upgrade(path=b"/api-ws/v1/realtime?x=" + b"y" * 9000), 400),
    "a body": (upgrade(b"Content-Length: 5\r\n"), 400),
    "a body that comes": (upgrade(b"Content-Length: 5\r\n") + b"hello", 400),
    "chunks": (upgrade(b"Transfer-Encoding: chunked\r\n"), 400),
    "POST": (upgrade(method=b"POST"), 405),
    "POST with a body": (upgrade(b"Content-Length: 5\r\n", method=b"POST"), 405),
    "a bad key": (upgrade().replace(b"AAAA==", b"=="), 400),
    "another version": (upgrade().replace(b"Version: 13", b"Version: 12"), 400),
    "two origins": (upgrade(b"Origin: http://x\r\nOrigin: http://x\r\n"), 400),
    "an unknown path": (upgrade(path=b"/nothing"), 404),
    "a foreign origin": (upgrade(b"Origin: http://evil.example\r\n"), 403),
    "a path that is not ASCII": (upgrade(path="/é".encode()), 400),
    "no HTTP": (b"\x16\x03\x01hello\r\n\r\n", 400),
}


def test_every_handshake_that_is_refused_is_answered_in_json_and_ends(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with shell() as live:
        for name, (request, status) in REFUSED.items():
            with plain(live) as raw:
                raw.sendall(request)
                assert refusal(ending(raw))[0] == status, name
        page = live.get("/metrics")[2].decode()
        assert 'dragoman_refused_total{code="RequestTooLarge",status="431"} 2.0' in page
        assert len(live.server.server_state.connections) <= 1, "that of the metrics"
    worst = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert not worst, [record.getMessage() for record in worst]


def test_headers_beyond_ascii_are_taken() -> None:
    """Cookies and user agents hold such bytes, and RFC 9110 lets them."""
    for value in (b"\xe9\xff", "é".encode()):
        with shell() as live, plain(live) as raw:
            raw.sendall(upgrade(b"Cookie: a=" + value + b"\r\n"))
            assert raw.recv(12) == b"HTTP/1.1 101"


@pytest.mark.parametrize("wait", ["for the request", "for the application"])
def test_a_handshake_has_its_time(wait: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never_accept(self: BoundedWebSocket) -> None:
        while (await self.receive())["type"] != "websocket.disconnect":
            pass

    monkeypatch.setattr(GuardedHttp, "request_s", 0.05)
    monkeypatch.setattr(BoundedWebSocket, "handshake_s", 0.05)
    monkeypatch.setattr(BoundedWebSocket, "run_asgi", never_accept)
    with shell() as live, plain(live) as raw:
        if wait == "for the request":
            raw.sendall(upgrade()[:-2])
            assert ending(raw) == b""
        else:
            raw.sendall(upgrade())
            assert refusal(ending(raw)) == (503, "ServiceUnavailable")
        assert live.health()[0] == 200


def test_input_before_the_handshake_is_accepted_has_the_bound_of_all_input(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def never_accept(self: BoundedWebSocket) -> None:
        while (await self.receive())["type"] != "websocket.disconnect":
            pass

    monkeypatch.setattr(BoundedWebSocket, "run_asgi", never_accept)
    with shell(limits={"memory_bytes": 1024 * 1024}) as live, plain(live) as raw:
        raw.sendall(upgrade())
        upgraded = False
        while not upgraded:
            connections = list(live.server.server_state.connections)
            upgraded = any(getattr(each, "handshake_initiated", False) for each in connections)
        with contextlib.suppress(ConnectionError):
            raw.sendall(struct.pack("!BBQ4x", 0x81, 0xFF, 1_900_000) + bytes(1_200_000))
        assert ending(raw) == b""
        assert 'dragoman_bounds_total{bound="memory"} 1.0' in live.get("/metrics")[2].decode()
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_request_before_the_answer_to_the_last_is_dropped() -> None:
    request = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with shell() as live, plain(live) as raw:
        raw.sendall(request * 1000)
        answers = ending(raw)
        assert answers.count(b"HTTP/1.1 200 OK") == 1
        assert b"connection: close" in answers
        assert answers.endswith(b"]}")


def test_a_connection_closes_behind_its_last_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dragoman.server.sockets.http_guard.REQUESTS", 3)
    request = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with shell() as live, plain(live) as raw:
        for _ in range(2):
            raw.sendall(request)
            assert b"connection: close" not in answer(raw)
        raw.sendall(request)
        assert b"connection: close" in ending(raw)


def test_a_body_is_bounded_in_bytes_and_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GuardedHttp, "request_s", 0.05)
    head = b"POST /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n"
    with shell() as live:
        with plain(live) as raw:
            raw.sendall(head)
            assert ending(raw).startswith(b"HTTP/1.1 405")
        with plain(live) as raw:
            raw.sendall(head + bytes(2 * REQUEST_BYTES))
            assert ending(raw).startswith(b"HTTP/1.1 405")
        assert live.health()[0] == 200


def test_a_session_and_a_kept_connection_outlive_the_time_for_a_head(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(GuardedHttp, "request_s", 0.05)
    with shell() as live, plain(live) as raw, plain(live) as patient:
        request = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
        raw.sendall(request)
        assert answer(raw).startswith(b"HTTP/1.1 200")
        assert ending(patient) == b""  # by now the time of ``raw`` would be over too
        raw.sendall(request)
        assert answer(raw).startswith(b"HTTP/1.1 200")
        with contextlib.closing(handshake(live.port)) as ws:
            with plain(live) as another:
                assert ending(another) == b""
            ws.sendall(masked("still here"))
            got = b""
            while not got.endswith(b"still here"):
                got += ws.recv(1000)


def test_answers_to_pings_do_not_pile_up_for_a_client_that_does_not_read() -> None:
    """Only the newest are kept (RFC 6455, 5.5.3)."""
    is_full = threading.Event()

    async def talk(lifecycle: Lifecycle, accepted: Accepted) -> None:
        with lifecycle.session("talk"):
            accepted.stream.write(["x" * 2_000_000])
            is_full.set()
            await accepted.stream.drain()
            while (await accepted.receive())["type"] == "websocket.receive":
                accepted.stream.write(["heard"])

    with (
        shell(serve_session=talk) as live,
        contextlib.closing(handshake(live.port, receive_buffer=4096)) as raw,
    ):
        assert is_full.wait(20)
        for payload in [b"ping" * 25] * 150 + [b"last" * 25]:
            raw.sendall(struct.pack("!BB4x", 0x89, 0x80 | len(payload)) + payload)
        raw.sendall(masked("hello"))
        (connection,) = live.server.server_state.connections
        assert isinstance(connection, BoundedWebSocket)
        limit = time.monotonic() + 20
        while not connection.queue.size and time.monotonic() < limit:
            pass
        got = b""
        while not got.endswith(b"heard"):
            got += raw.recv(65_536)
        assert b"last" in got
        assert got.count(b"\x8a\x64ping") < 20
