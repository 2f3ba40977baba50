"""Recognition through the unmodified SDK against a live server, two versions of it, and through
a client that reads nothing until it has sent everything."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from websockets.sync.client import connect

from dragoman.testing.live_server import LiveServer
from dragoman.testing.validators.recognition import validate_recognition
from tests.conformance.judging import judge
from tests.conformance.run_sdk import NEWEST, Flow, run_flows
from tests.conformance.sounds import turns
from tests.recordings import read, spoken_words, two_cities

MODEL = "qwen3-asr-flash-realtime"
FLOWS = ("microphone", "defaults", "manual", "java_sample", "hang_up", "clear", "quiet")
TRANSCRIPTS = {
    "text_only": 2,
    "dictated": 2,
    "microphone": 2,
    "defaults": 2,
    "manual": 10,
    "hang_up": 1,
    "clear": 0,
    "quiet": 0,
}


def check(flow: Flow) -> None:
    """The strict client's verdict, and as many transcripts as there were turns."""
    assert "raised" not in flow.outcome, flow.outcome["raised"]
    told = validate_recognition(flow.log, model=MODEL)
    assert flow.outcome["session_id"] == told.session_id
    if flow.name in TRANSCRIPTS:
        assert flow.outcome["ended"]
        assert len(told.transcripts) == TRANSCRIPTS[flow.name], told.transcripts
    if flow.name == "manual":
        assert told.transcripts[3] == told.transcripts[-1] == ""
    elif flow.name not in ("clear", "quiet"):
        assert any(told.transcripts)


@pytest.mark.parametrize("version", [NEWEST, "1.25.11"])
def test_scripted(version: str, tmp_path: Path, scripted_server: LiveServer) -> None:
    sound = tmp_path / "two-turns.pcm"
    sound.write_bytes(turns(2400, 2000))
    options = ("--pcm", str(sound), "--at-once", "7")
    judge(run_flows("recognition", version, scripted_server.url, MODEL, FLOWS, *options), check)


def test_scripted_v2(tmp_path: Path, scripted_server: LiveServer) -> None:
    sound = tmp_path / "two-turns.pcm"
    sound.write_bytes(turns(2400, 2000))
    flows = ("text_only", "defaults", "dictated", "quiet")
    options = ("--pcm", str(sound))
    judge(run_flows("session_v2", NEWEST, scripted_server.url, MODEL, flows, *options), check)


def test_real_speech(tmp_path: Path, embedded_server: LiveServer) -> None:
    samples = read(two_cities())[: 16_000 * 13]
    sound = tmp_path / "speech.pcm"
    sound.write_bytes((samples.clip(-1, 1) * 32767).astype("<i2").tobytes())
    options = ("--pcm", str(sound), "--speed", "4")
    (flow,) = run_flows("recognition", NEWEST, embedded_server.url, MODEL, ["microphone"], *options)
    assert "raised" not in flow.outcome, flow.outcome["raised"]
    told = validate_recognition(flow.log, model=MODEL)
    said = "It was the best of times, it was the worst of times, it was the age of wisdom"
    wanted = set(spoken_words(said).split())
    recognised = set(spoken_words(" ".join(told.transcripts)).split())
    assert len(wanted & recognised) / len(wanted) > 0.8, sorted(wanted - recognised)


def test_a_client_may_read_nothing_until_it_has_sent_everything(
    scripted_server: LiveServer,
) -> None:
    """A dictation client leaves all events in the socket; every transcript comes all the same."""
    pcm = turns(*[2000] * 20)
    log = []
    with connect(f"{scripted_server.url}?model={MODEL}", max_queue=None) as ws:
        sent = [{"type": "session.update", "session": {"turn_detection": {"type": "server_vad"}}}]
        sent += [
            {"type": "input_audio_buffer.append", "audio": base64.b64encode(piece).decode()}
            for piece in (pcm[at : at + 3200] for at in range(0, len(pcm), 3200))
        ]
        for event in (*sent, {"type": "session.finish"}):
            log.append((">", event))
            ws.send(json.dumps(event))
        while not log or log[-1][1]["type"] != "session.finished":
            log.append(("<", json.loads(ws.recv(60))))
    assert len(validate_recognition(log, model=MODEL).transcripts) == 20
