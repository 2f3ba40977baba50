"""What a connection may cost before and beside its events: heads of requests, and pings."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Iterator

import pytest

from dragoman.server.http_guard import REQUEST_BYTES, GuardedHttp
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


@pytest.mark.parametrize("begin", [b"", b"GET /hea", b"GET /health HTTP/1.1\r\nHost: x\r\n"])
def test_an_incomplete_head_ends_the_connection_after_its_time(
    begin: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GuardedHttp, "request_s", 0.05)
    with shell() as live, plain(live) as raw:
        raw.sendall(begin)
        assert ending(raw) == b""
        assert live.health()[0] == 200


@pytest.mark.parametrize(
    ("begin", "more"),
    [(b"GET / HTTP/1.1\r\n", b"X-More: " + b"y" * 990 + b"\r\n"), (b"GET /", b"y")],
)
def test_an_endless_head_is_refused(begin: bytes, more: bytes) -> None:
    with shell() as live, plain(live) as raw:
        sent = 0
        with contextlib.suppress(ConnectionError):
            raw.sendall(begin)
            while sent < 64 * REQUEST_BYTES:  # far more than the buffers of both sides hold
                block = more * (65_536 // len(more))
                raw.sendall(block)
                sent += len(block)
        assert sent < 64 * REQUEST_BYTES
        assert live.health()[0] == 200


def test_a_session_and_a_kept_connection_outlive_the_time_for_a_head(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(GuardedHttp, "request_s", 0.05)
    with shell() as live, plain(live) as raw, plain(live) as patient:
        request = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
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


@pytest.mark.slow
def test_answers_to_pings_do_not_pile_up_for_a_client_that_does_not_read() -> None:
    with shell() as live, contextlib.closing(handshake(live.port, receive_buffer=4096)) as raw:
        payload = bytes(125)
        block = (struct.pack("!BB4x", 0x89, 0x80 | len(payload)) + payload) * 500
        for _ in range(500):  # 32 MB
            raw.sendall(block)
        (connection,) = live.server.server_state.connections
        assert connection.transport.get_write_buffer_size() < 2_000_000  # type: ignore[union-attr]  # ours
        raw.sendall(struct.pack("!BB4x", 0x89, 0x84) + b"last" + masked("bye"))
        assert raw.recv(2) != b""
        assert b"last" in ending(raw)[-1000:]
