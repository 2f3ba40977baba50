"""LiveKit Agents with `livekit-plugins-lehui`, unmodified, in an environment of their own.

The plugin takes our URL as an argument. It commits behind the last token of an utterance, takes
the first ``response.done`` for its end, and keeps the connection for the next utterance: what
comes behind that event is lost, or breaks the next utterance. So all speech of a text must be in
one response. All it says and hears goes through a tap, whose log the strict client reads.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.conformance.clients import plain
from tests.conformance.clients.connection import MODEL
from tests.conformance.run_sdk import changed_files, run_client
from tests.conformance.speeches import LONG_TEXT, SHORT_TEXT, speech_bytes
from tests.conformance.synthesis_validator import validate_synthesis
from tests.conformance.tap import Call, tapped
from tests.live import Live, serve

CLIENT = "livekit-plugins-lehui-0.0.4"
UTTERANCES = {"streamed": 1, "slow_writer": 1, "whole": 1, "three": 3, "interrupted": 1}
SILENCE = bytes(480)
"""10 ms that LiveKit itself puts behind a text that it got as one string."""


@pytest.fixture(scope="module")
def scripted_server() -> Iterator[Live]:  # until the default is mended
    with serve(synthesis={"response_chars": 1_000_000}) as live:  # until the default is mended
        yield live  # until the default is mended


def check_application(told: Mapping[str, Any], speech: bytes, count: int) -> None:
    """It heard everything, and only then that the utterance was over."""
    assert "raised" not in told, told["raised"]
    assert told["complaints"] == []
    assert len(told["utterances"]) == count
    for heard in told["utterances"]:
        assert heard["finals"] == [heard["frames"]]
        assert base64.b64decode(heard["speech"]) in (speech, speech + SILENCE)


def check_log(call: Call, text: str, count: int) -> None:
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
def test_everything_is_heard_before_the_end(text: str, scripted_server: Live):
    speech = asyncio.run(plain.speak(scripted_server.url, text))
    assert len(speech) == speech_bytes(text)
    with tapped(scripted_server.port) as tap:
        url = f"{tap.origin}/api-ws/v1/realtime"
        told = run_client(CLIENT, "livekit_speech", "--url", url, "--model", MODEL, "--text", text)
        assert told.keys() == UTTERANCES.keys()
        for name, count in UTTERANCES.items():
            check_application(told[name], speech, count)
            *dropped, call = tap.calls_of(f"sk-{name}")
            check_log(call, text, count)
            assert len(dropped) == (name == "interrupted")
            for cut_off in dropped:
                validate_synthesis(cut_off.log, model=MODEL)


@pytest.mark.parametrize(
    ("package", "folder"),
    [("livekit_plugins_lehui", "livekit/plugins/aliyun"), ("livekit_agents", "livekit/agents")],
)
def test_nothing_of_it_was_changed(package: str, folder: str):
    assert changed_files(CLIENT, package, folder) == []
