"""LiveKit Agents with `livekit-plugins-lehui`, unmodified, in an environment of their own.

The plugin takes our URL as an argument. It commits behind the last token of an utterance, takes
the first ``response.done`` for its end, and keeps the connection for the next utterance: what
comes behind that event is lost, or breaks the next utterance. So all speech of a text must be in
one response. Its recognition uses the events of a turn's source text, which interpretation has,
too. All it says and hears goes through a tap, whose log the strict clients read.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from typing import Any

import pytest

from dragoman.testing.live_server import LiveServer, serve
from dragoman.testing.recording_relay import RelayedCall, recorded
from dragoman.testing.validators.interpretation import validate_interpretation
from dragoman.testing.validators.recognition import validate_recognition
from dragoman.testing.validators.synthesis import validate_synthesis
from tests.conformance.clients import plain
from tests.conformance.clients.connection import MODEL
from tests.conformance.run_sdk import changed_files, run_client
from tests.conformance.sounds import turns
from tests.conformance.speeches import LONG_TEXT, SHORT_TEXT, speech_bytes

CLIENT = "livekit-plugins-lehui-0.0.4"
UTTERANCES = {"streamed": 1, "slow_writer": 1, "whole": 1, "three": 3, "interrupted": 1}
INTERPRETER = "qwen3.5-livetranslate-flash-realtime"
RECOGNISER = "qwen3-asr-flash-realtime"
SILENCE = bytes(480)
"""10 ms that LiveKit itself puts behind a text that it got as one string."""


def check_application(result: Mapping[str, Any], speech: bytes, count: int) -> None:
    """It heard everything, and only then that the utterance was over."""
    assert "raised" not in result, result["raised"]
    assert result["complaints"] == []
    assert len(result["utterances"]) == count
    for heard in result["utterances"]:
        assert heard["finals"] == [heard["frames"]]
        pcm = base64.b64decode(heard["speech"])
        assert len(pcm) in (len(speech), len(speech + SILENCE))
        assert pcm in (speech, speech + SILENCE)


def check_log(call: RelayedCall, text: str, count: int) -> None:
    """Every utterance is one commit, answered by one response."""
    sent = [event for way, event in call.log if way == ">"]
    said = "".join(e["text"] for e in sent if e["type"] == "input_text_buffer.append")
    assert said == text * count
    judge = validate_synthesis(call.log, model=MODEL)
    assert [status for _, status, _ in judge.responses] == ["completed"] * count
    assert sum(e["type"] == "input_text_buffer.commit" for e in sent) == count
    assert call.ended is not None
    assert call.ended[:2] == (">", 1000)


@pytest.mark.parametrize("text", [SHORT_TEXT, LONG_TEXT], ids=["short", "long"])
def test_everything_is_heard_before_the_end(text: str, scripted_server: LiveServer):
    speech = asyncio.run(plain.speak(scripted_server.url, text))
    assert len(speech) == speech_bytes(text)
    with recorded(scripted_server.port) as tap:
        url = f"{tap.origin}/api-ws/v1/realtime"
        result = run_client(
            CLIENT, "livekit_speech", "--url", url, "--model", MODEL, "--text", text
        )
        assert result.keys() == UTTERANCES.keys()
        for name, count in UTTERANCES.items():
            check_application(result[name], speech, count)
            *dropped, call = tap.calls_of(f"sk-{name}")
            check_log(call, text, count)
            assert len(dropped) == (name == "interrupted")
            for cut_off in dropped:
                validate_synthesis(cut_off.log, model=MODEL)


def check_turns(events: list[dict[str, Any]], call: RelayedCall) -> None:
    """Two turns, each complete: started, guessed at, ended, certain, paid."""
    completed = [e["transcript"] for way, e in call.log if way == "<" and "transcript" in e]
    assert len(completed) == 2
    for transcript, item in zip(completed, dict.fromkeys(e["item"] for e in events), strict=True):
        turn = [event for event in events if event["item"] == item]
        kinds = [event["type"] for event in turn]
        assert kinds[0] == "start_of_speech"
        assert "interim_transcript" in kinds
        assert sorted(kinds[-3:]) == ["end_of_speech", "final_transcript", "recognition_usage"]
        assert [e["text"] for e in turn if e["type"] == "final_transcript"] == [transcript]
        assert len(transcript.split()) >= 5
        assert [e["seconds"] > 1.9 for e in turn if e["type"] == "recognition_usage"] == [True]


@pytest.mark.live
def test_its_recognition(scripted_server: LiveServer):
    """Two turns found by the server; two commits; two commits and one without audio behind."""
    with recorded(scripted_server.port) as tap:
        url = f"{tap.origin}/api-ws/v1/realtime"
        flows = {"vad": 2, "manual": 2, "manual_flushed": 3}
        options = ("--url", url, "--model", RECOGNISER, "--turn-ms", "3500", *flows)
        result = run_client(CLIENT, "livekit_stt", *options, pcm=turns(2000, 2000))
        for name, count in flows.items():
            assert "raised" not in result[name], result[name]["raised"]
            assert result[name]["complaints"] == []
            validator = validate_recognition(tap.call(f"sk-{name}").log, model=RECOGNISER)
            assert validator.is_finished
            assert len(validator.transcripts) == count
            finals = [e for e in result[name]["events"] if e["type"] == "final_transcript"]
            recognised = [text for text in validator.transcripts if text]
            assert [event["text"] for event in finals if event["text"]] == recognised
            assert len(recognised) == 2


@pytest.mark.live
def test_its_recognition_under_an_alias_of_an_interpreter():
    with serve(aliases={RECOGNISER: INTERPRETER}) as live, recorded(live.port) as tap:
        url = f"{tap.origin}/api-ws/v1/realtime"
        options = ("--url", url, "--model", RECOGNISER, "--turn-ms", "3500", "vad", "manual")
        result = run_client(CLIENT, "livekit_stt", *options, pcm=turns(2000, 2000))
        for name in ("vad", "manual"):
            assert "raised" not in result[name], result[name]["raised"]
            assert result[name]["complaints"] == []
            call = tap.call(f"sk-{name}")
            check_turns(result[name]["events"], call)
            assert validate_interpretation(call.log, model=RECOGNISER).is_finished


@pytest.mark.parametrize(
    ("package", "folder"),
    [("livekit_plugins_lehui", "livekit/plugins/aliyun"), ("livekit_agents", "livekit/agents")],
)
def test_nothing_of_it_was_changed(package: str, folder: str):
    assert changed_files(CLIENT, package, folder) == []
