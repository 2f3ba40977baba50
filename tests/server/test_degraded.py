"""A server that has lost the workers of a role says so, and refuses only who needs them."""

from __future__ import annotations

import json

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.server.server_thread import FakeEngines, shell


def test_ready_tells_the_truth_and_health_lets_the_process_live() -> None:
    engines = FakeEngines()
    with shell(engines) as server:
        assert server.get("/ready")[0] == server.get("/health")[0] == 200
        engines.down = {"asr"}
        status, _, body = server.get("/ready")
        assert status == 503
        assert json.loads(body)["degraded"] == ["asr"]
        assert server.health()[0] == 200
        assert server.health()[1]["status"] == "degraded"
        engines.down = set()
        assert server.get("/ready")[0] == 200
        assert "degraded" not in server.health()[1]


def test_only_sessions_that_need_the_role_are_refused() -> None:
    engines = FakeEngines()
    with shell(engines) as server:
        engines.down = {"asr"}
        with pytest.raises(InvalidStatus) as caught:
            connect(f"{server.url}?model=qwen3-livetranslate-flash-realtime")
        answer = caught.value.response
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert json.loads(answer.body or b"")["code"] == "ServiceUnavailable"
        with connect(f"{server.url}?model=qwen3-tts-flash-realtime") as ws:
            assert ws.recv(10) == "model=qwen3-tts-flash-realtime"


def test_loading_and_draining_are_not_ready() -> None:
    engines = FakeEngines(loads=False)
    with shell(engines, drain_s=20) as server:
        assert server.get("/ready")[0] == 503
        engines.go.set()
        server.wait(server.lifecycle.decided)
        assert server.get("/ready")[0] == 200
        with connect(server.url) as ws:
            server.call(server.server.stop)
            while server.health()[1]["status"] != "draining":
                pass
            assert server.get("/ready")[0] == 503
            ws.send("bye")


def test_workers_crashes_and_restarts_are_metrics() -> None:
    with shell() as server:
        page = server.get("/metrics")[2].decode()
    assert 'dragoman_workers{engine="pretend"} 2.0' in page
    assert 'dragoman_worker_crashes_total{engine="pretend"} 4.0' in page
    assert 'dragoman_worker_restarts_total{engine="pretend"} 3.0' in page
