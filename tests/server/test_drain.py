"""What happens to running sessions when the server is told to stop."""

from __future__ import annotations

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

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
