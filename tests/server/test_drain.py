"""What happens to running sessions when the server is told to stop."""

from __future__ import annotations

import contextlib
import socket
import threading

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from dragoman.server.sockets.bounded_frames import BoundedFrames
from tests.server.raw_websocket import handshake, masked
from tests.server.server_thread import shell


def test_a_running_session_may_finish_while_new_ones_are_refused() -> None:
    with shell(drain_s=20.0) as server, connect(server.url) as ws:
        ws.recv(10)
        server.call(server.server.stop)
        while server.health()[1]["status"] != "draining":
            pass
        assert server.health()[0] == 503
        with pytest.raises(InvalidStatus) as caught:
            connect(server.url)
        assert caught.value.response.status_code == 503
        ws.send("still here")
        assert ws.recv(10) == "still here"
        ws.send("bye")
        with pytest.raises(ConnectionClosed) as closed:
            ws.recv(10)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1000


def test_what_does_not_finish_in_time_is_closed_with_1012() -> None:
    with shell(drain_s=0.2) as server, connect(server.url) as ws:
        ws.recv(10)
        server.call(server.server.stop)
        with pytest.raises(ConnectionClosed) as closed:
            ws.recv(10)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012


def test_a_second_signal_does_not_wait() -> None:
    with shell(drain_s=1000.0) as server, connect(server.url) as ws:
        ws.recv(10)
        server.call(server.server.stop)
        server.call(server.server.stop)
        with pytest.raises(ConnectionClosed) as closed:
            ws.recv(10)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012


def closes(raw: socket.socket) -> bytes:
    """What the server sends until it hangs up."""
    got = b""
    with contextlib.suppress(ConnectionResetError):  # which must not overtake the close frame
        while piece := raw.recv(65_536):
            got += piece
    return got


def test_a_connection_that_cannot_be_closed_keeps_no_other_from_its_1012(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    failing = iter([True, True])

    def fail(self: BoundedFrames, code: int, reason: str = "") -> None:
        assert not next(failing, False), "a bug"
        plain_fail(self, code, reason)

    plain_fail = BoundedFrames.fail
    monkeypatch.setattr(BoundedFrames, "fail", fail)
    with shell() as server, contextlib.ExitStack() as sockets:
        sessions = [sockets.enter_context(handshake(server.port)) for _ in range(6)]
        server.call(server.server.stop)
        ends = [closes(raw) for raw in sessions]
    assert sorted(end.endswith(b"\x88\x02\x03\xf4") for end in ends) == [False] * 2 + [True] * 4


def test_connections_in_any_state_do_not_disturb_the_shutdown() -> None:
    begun = b"GET /api-ws/v1/realtime HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    states = [b"", b"GET /hea", begun, begun + b"X: " + b"y" * 9000 + b"\r\n\r\n", begun + b"\r\n"]
    with shell() as server, contextlib.ExitStack() as sockets:
        for sent in states:
            raw = sockets.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            raw.sendall(sent)
        leaving = sockets.enter_context(handshake(server.port))
        leaving.sendall(b"\x88\x80\0\0\0\0")  # its close frame
        session = sockets.enter_context(handshake(server.port))
        server.call(server.server.stop)
        assert closes(session).endswith(b"\x88\x02\x03\xf4")


def test_a_client_that_sends_without_end_gets_its_1012() -> None:
    with shell() as server, contextlib.closing(handshake(server.port)) as raw:

        def talk() -> None:
            with contextlib.suppress(OSError):
                while True:
                    raw.sendall(masked("x" * 3000))

        talking = threading.Thread(target=talk)
        talking.start()
        while raw.recv(65_536).count(b"x") < 3000:
            pass
        server.call(server.server.stop)
        assert closes(raw).endswith(b"\x88\x02\x03\xf4")
        talking.join(20)
