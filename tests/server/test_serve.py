"""``dragoman serve`` as a process: ready, healthy, drained, with no secret in its log."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from dragoman.testing.live_server import LiveServer, command, environment, serve
from tests.server.raw_websocket import handshake, masked, text_frames

pytestmark = pytest.mark.live

TTS = "?model=qwen3-tts-flash-realtime"
INTERPRETATION = "?model=qwen3.5-livetranslate-flash-realtime"


def test_health_lists_the_engines(scripted_server: LiveServer) -> None:
    status, body = scripted_server.health()
    assert status == 200
    assert body["status"] == "ready"
    assert {engine["state"] for engine in body["engines"]} == {"ready"}
    assert {engine["role"] for engine in body["engines"]} == {"vad", "asr", "mt", "tts"}


@pytest.mark.parametrize("query", [TTS, INTERPRETATION])
def test_a_session_is_greeted_and_finished(scripted_server: LiveServer, query: str) -> None:
    with connect(scripted_server.url + query) as ws:
        created = json.loads(ws.recv(20))
        assert created["type"] == "session.created"
        assert created["session"]["model"] == query.partition("=")[2]
        ws.send('{"type":"session.finish"}')
        assert json.loads(ws.recv(20))["type"] == "session.finished"


def test_an_unknown_model_gets_an_error_and_a_close(
    scripted_server: LiveServer,
) -> None:
    with connect(scripted_server.url + "?model=no-such-model") as ws:
        assert json.loads(ws.recv(20))["type"] == "session.created"
        error = json.loads(ws.recv(20))["error"]
        assert (error["type"], error["code"]) == ("invalid_request_error", "ModelNotFound")
        assert error["message"] == "Model not found (no-such-model)!"
        with pytest.raises(ConnectionClosed) as closed:
            ws.recv(20)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1007


def test_a_binary_frame_is_answered_and_survived(scripted_server: LiveServer) -> None:
    with connect(scripted_server.url + TTS) as ws:
        ws.recv(20)
        ws.send(b"\x00\x01")
        assert json.loads(ws.recv(20))["error"]["type"] == "invalid_request_error"
        ws.send('{"type":"session.finish"}')
        assert json.loads(ws.recv(20))["type"] == "session.finished"


def test_sessions_in_parallel_have_ids_of_their_own(scripted_server: LiveServer) -> None:
    def greet(_: int) -> str:
        with connect(scripted_server.url + TTS) as ws:
            created = json.loads(ws.recv(20))
            ws.send('{"type":"session.finish"}')
            ws.recv(20)
            return str(created["session"]["id"])

    with ThreadPoolExecutor(16) as pool:
        ids = list(pool.map(greet, range(48)))
    assert len(set(ids)) == 48


def test_sigterm_drains_and_exits_with_0() -> None:
    with serve(drain_s=20) as live, connect(live.url + TTS) as ws:
        ws.recv(20)
        live.process.terminate()
        while live.health()[1]["status"] != "draining":
            pass
        with pytest.raises(InvalidStatus) as refused:
            connect(live.url + TTS)
        assert refused.value.response.status_code == 503
        ws.send('{"type":"session.finish"}')
        assert json.loads(ws.recv(20))["type"] == "session.finished"
        ws.close()
        assert live.process.wait(20) == 0


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGHUP])
def test_a_session_that_stays_is_closed_and_the_server_exits_with_0(signum: signal.Signals) -> None:
    with serve(drain_s=0.2) as live, connect(live.url + TTS) as ws:
        ws.recv(20)
        live.process.send_signal(signum)
        with pytest.raises(ConnectionClosed) as closed:
            ws.recv(20)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012
        assert live.process.wait(20) == 0


def test_the_log_has_the_session_and_no_secret() -> None:
    secret = "sk-very-secret"
    with serve(api_keys=secret, log_level="debug") as live:
        url = f"{live.url}{TTS}&token=query-secret"
        with connect(url, additional_headers={"Authorization": f"Bearer {secret}"}) as ws:
            session_id = json.loads(ws.recv(20))["session"]["id"]
            ws.send('{"type":"session.finish"}')
            ws.recv(20)
        assert live.stop() == 0
        log = live.log()
        nonce = session_id.partition("_")[2][:15]
        assert f"session={nonce} session begins: model 'qwen3-tts-flash-realtime', key1\n" in log
        assert f"session={nonce} session ends" in log
        assert "secret" not in log


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"host": "0.0.0.0"}, "--allow-open"),
        ({"engines": "no-such-engine"}, "engines:"),
        ({"engines": "asr=no-such-engine"}, "no-such-engine"),
        ({"port": "x"}, "DRAGOMAN_PORT"),
        ({"host": "no.such.host.invalid"}, "not an address"),
    ],
)
def test_bad_settings_exit_with_one_sentence(settings: dict[str, str], words: str) -> None:
    done = subprocess.run(
        [*command(), "serve"],
        env=environment(**{"port": 0, **settings}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_engines_that_do_not_load_end_the_process_with_advice() -> None:
    done = subprocess.run(
        [*command(), "serve", "--engines", "scripted,mt=apertium?root=/no/such/folder"],
        env=environment(port=0),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "apt-get install" in done.stderr
    assert "Traceback" not in done.stderr


def resident_bytes(live: LiveServer) -> float:
    page = live.get("/metrics")[1].decode()
    return next(
        float(line.split()[1])
        for line in page.splitlines()
        if line.startswith("process_resident_memory_bytes ")
    )


def test_a_synthesis_client_that_never_reads_is_cut_off_in_bounded_memory() -> None:
    """Minutes of speech are asked for; what waits for the client stays a few hundred KiB."""
    text = "one two three four five six seven. " * 2_000
    with serve(limits={"stall_s": 1}) as live:
        with connect(live.url + TTS) as ws:  # one session first: what it loads, stays loaded
            ws.send('{"type":"session.finish"}')
            ws.recv(20)
        before = resident_bytes(live)
        raw = handshake(live.port, receive_buffer=65_536, query=TTS)
        for event in (
            {"type": "session.update", "session": {"mode": "commit"}},
            {"type": "input_text_buffer.append", "text": text},
            {"type": "input_text_buffer.commit"},
        ):
            raw.sendall(masked(json.dumps(event)))
        while b"dragoman_stalled_total 1.0" not in live.get("/metrics")[1]:
            assert resident_bytes(live) - before < 40e6
        while live.health()[1]["sessions"]["open"]:
            pass
        raw.close()


@pytest.mark.parametrize(
    ("model", "settings", "append"),
    [
        (
            "qwen3-livetranslate-flash-realtime",
            {"turn_detection": None},
            {"type": "input_audio_buffer.append", "audio": "AAAA" * 100_000},
        ),
        (
            "qwen3-tts-flash-realtime",
            {"mode": "commit"},
            {"type": "input_text_buffer.append", "text": "words " * 15_000},
        ),
    ],
)
def test_what_sessions_keep_counts_in_the_memory_of_all(
    model: str, settings: dict[str, Any], append: dict[str, str]
) -> None:
    update = json.dumps({"type": "session.update", "session": settings})
    url = f"?model={model}"
    with (
        serve(limits={"memory_bytes": 2_000_000}) as live,
        connect(live.url + url) as greedy,
        connect(live.url + url) as modest,
    ):
        modest.send(update)
        modest.send(json.dumps(append))
        greedy.send(update)
        with contextlib.suppress(ConnectionClosed):
            for _ in range(10):
                greedy.send(json.dumps(append))
            for _ in range(3):
                greedy.recv(5)
        assert greedy.close_code == 1013
        modest.send(update)
        for _ in range(3):  # the third answers this update; with text waiting, by an error
            modest.recv(20)


def test_a_busy_port_exits_with_one_sentence(scripted_server: LiveServer) -> None:
    done = subprocess.run(
        [*command(), "serve", "--engines", "scripted", "--port", str(scripted_server.port)],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert f":{scripted_server.port}" in done.stderr
    assert "--port 0" in done.stderr


def test_a_recognition_client_may_read_after_it_has_sent_everything() -> None:
    """Some dictation clients do; any other client would be cut off after ``stall_s``."""
    update = masked('{"type":"session.update","session":{"turn_detection":null}}')
    with serve(limits={"stall_s": 0.2}) as live:
        raw = handshake(live.port, receive_buffer=4096, query="?model=qwen3-asr-flash-realtime")
        for _ in range(1000):
            raw.sendall(update)
        wanted = b'dragoman_events_received_total{api="recognition",type="session.update"} 1000.0'
        while wanted not in live.get("/metrics")[1]:
            pass
        time.sleep(0.6)
        raw.sendall(masked('{"type":"session.finish"}'))
        kinds = [json.loads(frame)["type"] for frame in islice(text_frames(raw), 1002)]
        raw.close()
        assert kinds == ["session.created", *["session.updated"] * 1000, "session.finished"]
        assert b"dragoman_stalled_total 0.0" in live.get("/metrics")[1]
