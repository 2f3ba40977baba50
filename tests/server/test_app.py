"""HTTP and handshakes over real sockets: health, refusals, frames, limits."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import struct
from concurrent.futures import ThreadPoolExecutor

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from dragoman import __version__
from dragoman.server.app import model_in
from dragoman.server.connection import Accepted
from dragoman.server.lifecycle import Lifecycle
from tests.server.raw_websocket import handshake
from tests.server.server_thread import FakeEngines, shell

UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


@pytest.mark.parametrize(
    ("query", "model"),
    [
        (b"model=qwen-tts-realtime", "qwen-tts-realtime"),
        (b"x=1?model=a", "a"),
        (b"model=a&model=b", "b"),
        (b"model=a?model=b", "b"),
        (b"y=2&model=qwen%2Dtts", "qwen-tts"),
        (b"model=a+b", "a+b"),
        (b"xmodel=a", ""),
        (b"", ""),
        (b"model=", ""),
        (b"model=" + b"m" * 1000, "m" * 256),
    ],
)
def test_the_last_model_of_a_query_counts(query: bytes, model: str) -> None:
    assert model_in(query) == model


def test_health_is_503_until_the_engines_are_loaded() -> None:
    engines = FakeEngines(loads=False)
    with shell(engines) as server:
        status, body = server.health()
        assert (status, body["status"]) == (503, "loading")
        assert body["loading"] == ["asr pretend"]
        assert body["engines"] == [{"name": "pretend", "role": "asr", "state": "loading"}]
        with pytest.raises(InvalidStatus) as caught:
            connect(server.url)
        refusal = caught.value.response
        assert refusal.status_code == 503
        assert refusal.headers["retry-after"] == "1"
        assert json.loads(refusal.body)["code"] == "ServiceUnavailable"
        engines.go.set()
        server.wait(server.lifecycle.decided)
        status, body = server.health()
        assert (status, body["status"], body["version"]) == (200, "ready", __version__)
        assert body["sessions"] == {"open": 0, "limit": 2000}
        with connect(server.url) as ws:
            assert ws.recv(10) == "model="


def test_engines_that_cannot_load_are_a_failure_with_a_reason() -> None:
    with shell(FakeEngines(failure="Install apertium-eng-spa.")) as server:
        status, body = server.health()
        assert (status, body["status"]) == (503, "failed")
        assert body["failure"] == "Install apertium-eng-spa."


def test_the_model_reaches_the_session_and_frames_travel() -> None:
    with shell() as server, connect(server.url + "?x=1?model=some-model") as ws:
        assert ws.recv(10) == "model=some-model"
        ws.send("hällo 👋")
        assert ws.recv(10) == "hällo 👋"
        assert server.health()[1]["sessions"] == {"open": 1, "limit": 2000, "echo": 1}
        ws.send("bye")
        with pytest.raises(ConnectionClosed) as caught:
            ws.recv(10)
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1000


def test_deflate_is_not_negotiated() -> None:
    with shell() as server, connect(server.url, compression="deflate") as ws:
        assert ws.response is not None
        assert ws.request is not None
        assert "permessage-deflate" in ws.request.headers["Sec-WebSocket-Extensions"]
        assert "Sec-WebSocket-Extensions" not in ws.response.headers


def test_a_bad_key_is_refused_with_the_clouds_114_bytes() -> None:
    with shell(api_keys=("sk-right",)) as server:
        for headers in ({}, {"Authorization": "Bearer sk-wrong"}):
            with pytest.raises(InvalidStatus) as caught:
                connect(server.url, additional_headers=headers)
            refusal = caught.value.response
            assert refusal.status_code == 401
            assert refusal.headers["content-type"] == "application/json"
            assert len(refusal.body) == 114
            request_id = refusal.headers["x-request-id"]
            assert re.fullmatch(UUID, request_id)
            assert refusal.body.decode() == (
                '{"code":"InvalidApiKey","message":"Invalid API-key provided.",'
                f'"request_id":"{request_id}"}}'
            )
        for scheme in ("Bearer", "bearer"):
            header = {"Authorization": f"{scheme} sk-right"}
            with connect(server.url, additional_headers=header) as ws:
                assert ws.recv(10) == "model="
        refused = b'dragoman_refused_total{code="InvalidApiKey",status="401"} 2.0'
        assert refused in server.get("/metrics")[2]


def test_the_session_knows_whose_key_opened_it() -> None:
    async def name(lifecycle: Lifecycle, accepted: Accepted) -> None:
        accepted.stream.write([f"<{accepted.principal.key_id}>"])

    with shell(serve_session=name, api_keys=("sk-one", "sk-two")) as server:
        header = {"Authorization": "Bearer sk-two"}
        with connect(server.url, additional_headers=header) as ws:
            assert ws.recv(10) == "<key2>"
    header = {"Authorization": "Bearer sk-two"}
    with shell(serve_session=name) as server, connect(server.url, additional_headers=header) as ws:
        assert ws.recv(10) == "<>"


def test_a_foreign_origin_is_refused() -> None:
    with shell(allowed_origins=("https://app.example",)) as server:
        with pytest.raises(InvalidStatus) as caught:
            connect(server.url, origin="https://evil.example")
        assert caught.value.response.status_code == 403
        assert json.loads(caught.value.response.body)["code"] == "AccessDenied"
        for origin in (f"http://127.0.0.1:{server.port}", "https://app.example"):
            with connect(server.url, origin=origin) as ws:
                assert ws.recv(10) == "model="


def test_unknown_paths_are_404_json_for_both_protocols() -> None:
    with shell() as server:
        status, headers, body = server.get("/nothing")
        assert (status, headers["content-type"]) == (404, "application/json")
        assert json.loads(body)["code"] == "NotFound"
        with pytest.raises(InvalidStatus) as caught:
            connect(server.url.replace("realtime", "inference"))
        assert caught.value.response.status_code == 404
        assert json.loads(caught.value.response.body)["code"] == "NotFound"


def test_http_on_the_websocket_path_gets_426() -> None:
    with shell() as server:
        status, headers, body = server.get("/api-ws/v1/realtime?model=x")
        assert (status, headers["upgrade"]) == (426, "websocket")
        assert "WebSocket" in json.loads(body)["message"]
        assert server.get("/health", "POST")[0] == 405


def test_metrics_count_sessions_and_the_loop() -> None:
    with shell() as server, connect(server.url) as ws:
        ws.recv(10)
        status, headers, body = server.get("/metrics")
        assert status == 200
        assert headers["content-type"].startswith("text/plain")
        page = body.decode()
        assert 'dragoman_sessions_open{api="echo"} 1.0' in page
        assert 'dragoman_sessions_total{api="echo"} 1.0' in page
        assert 'dragoman_engine_waiting{engine="pretend"} 3.0' in page
        assert 'dragoman_engine_concurrency{engine="pretend"} 2.0' in page
        assert 'dragoman_engine_busy_seconds_total{engine="pretend"} 7.5' in page
        again = server.get("/metrics")[2].decode()
        assert 'dragoman_engine_busy_seconds_total{engine="pretend"} 7.5' in again
        assert 'dragoman_hearing_lag_seconds{engine="pretend",of="median"} 0.2' in page
        assert 'dragoman_hearing_lag_seconds{engine="pretend",of="worst"} 0.7' in page
        assert "dragoman_loop_lag_seconds_bucket" in page
        assert "process_open_fds" in page


def test_two_servers_share_no_metrics() -> None:
    with shell() as one, shell() as other, connect(one.url) as ws:
        ws.recv(10)
        assert b'sessions_open{api="echo"}' not in other.get("/metrics")[2]
        assert b'sessions_open{api="echo"} 1.0' in one.get("/metrics")[2]


def test_more_sessions_than_the_limit_are_refused() -> None:
    with shell(limits={"sessions": 2}) as server:
        with connect(server.url) as first, connect(server.url) as second:
            first.recv(10)
            second.recv(10)
            with pytest.raises(InvalidStatus) as caught:
                connect(server.url)
            assert caught.value.response.status_code == 503
        server.wait_idle()
        with connect(server.url) as again:
            assert again.recv(10) == "model="


@pytest.mark.parametrize(("limits", "most"), [({}, 2 * 1024 * 1024), ({"frame_bytes": 5000}, 5000)])
def test_a_frame_beyond_the_limit_closes_with_1009(limits: dict[str, int], most: int) -> None:
    with shell(limits=limits) as server, connect(server.url, max_size=None) as ws:
        ws.recv(10)
        ws.send("x" * most)
        assert len(ws.recv(20)) == most
        # The close may come while the client still sends: it has to arrive all the same.
        with contextlib.suppress(ConnectionClosed):
            ws.send("x" * (most + 1))
        with pytest.raises(ConnectionClosed) as caught:
            ws.recv(20)
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1009


def test_many_sessions_at_once_do_not_mix() -> None:
    with shell() as server:

        def exchange(number: int) -> list[str]:
            with connect(f"{server.url}?model=m{number}") as ws:
                received = [str(ws.recv(20))]
                for turn in range(20):
                    ws.send(f"{number}/{turn}")
                    received.append(str(ws.recv(20)))
                return received

        with ThreadPoolExecutor(20) as pool:
            results = list(pool.map(exchange, range(20)))
        for number, received in enumerate(results):
            assert received == [f"model=m{number}", *(f"{number}/{t}" for t in range(20))]
        server.wait_idle()


def test_an_abrupt_end_frees_the_session() -> None:
    with shell() as server:
        raw = handshake(server.port)
        raw.recv(1)
        assert server.health()[1]["sessions"]["open"] == 1
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raw.close()  # with SO_LINGER 0: a reset instead of a goodbye
        server.wait_idle()
        assert server.health()[1]["sessions"]["open"] == 0


async def flood(lifecycle, accepted) -> None:
    """Send 64 KiB frames for as long as the client is there; count what was taken."""
    with lifecycle.session("flood"):
        flood.taken = 0
        try:
            while True:
                await accepted.send({"type": "websocket.send", "text": "x" * 65_536})
                flood.taken += 65_536
        except OSError:
            return


def test_a_client_that_never_reads_is_cut_off_in_bounded_memory() -> None:
    with shell(serve_session=flood, limits={"stall_s": 0.3}) as server:
        raw = handshake(server.port, receive_buffer=65_536)
        server.wait_idle()  # the session ended though the client did nothing
        assert 0 < flood.taken < 2 * 1024 * 1024
        assert b"dragoman_stalled_total 1.0" in server.get("/metrics")[2]
        raw.close()


def test_a_slow_reader_that_does_read_is_not_cut_off() -> None:
    async def some(lifecycle, accepted) -> None:
        with lifecycle.session("some"):
            for _ in range(40):
                await accepted.send({"type": "websocket.send", "text": "x" * 65_536})
            await accepted.send({"type": "websocket.close", "code": 1000})

    with shell(serve_session=some, limits={"stall_s": 5.0}) as server:
        raw = handshake(server.port, receive_buffer=65_536)
        left = 40 * (65_536 + 10) + 4  # the frames with their heads, and the close
        while left > 0:
            left -= len(raw.recv(min(left, 16_384)))
        raw.close()
        assert b"dragoman_stalled_total 0.0" in server.get("/metrics")[2]
