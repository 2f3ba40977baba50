"""The real AgentScope, unmodified, in environments of its own: 1.0.21 and 2.0.10.

1.0.21 takes our URL as an argument. 2.0.10 takes none, so it believes that it talks to the
cloud: two environment variables send it through ``dragoman intercept``. All it says and hears goes
through a relay, whose log the strict client reads; the speech it hands to its user is compared bit
for bit with what the simplest client gets for the same text.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from dragoman.testing.live_server import LiveServer
from dragoman.testing.recording_relay import RecordingRelay, RelayedCall, recorded
from dragoman.testing.validators.synthesis import validate_synthesis
from tests.conformance.clients import plain
from tests.conformance.clients.connection import MODEL
from tests.conformance.intercepting import intercepting
from tests.conformance.run_sdk import changed_files, run_client
from tests.conformance.speeches import SHORT_TEXT as TEXT

UTTERANCES = {
    "pushed": 1, "pushed_with_rest": 1, "pushed_without_stream": 1, "cold_start": 1, "whole": 1,
    "whole_without_stream": 1, "three": 3,
}  # fmt: skip
CLOUD = "/api-ws/v1/realtime?model="


def converse(
    version: str, options: tuple[str, ...], variables: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    """What each flow of the program printed."""
    options = ("--model", MODEL, "--text", TEXT, *options)
    result = run_client(f"agentscope-{version}", "agent_speech", *options, variables=variables)
    assert result.keys() == UTTERANCES.keys()
    return result


def check_flow(name: str, result: Mapping[str, Any], call: RelayedCall, speech: bytes) -> None:
    """All of the text is spoken, once; nothing is complained about; the end is clean."""
    assert "raised" not in result, result["raised"]
    assert result["complaints"] == []
    assert [base64.b64decode(text) for text in result["speech"]] == [speech] * UTTERANCES[name]
    sent = [event for way, event in call.log if way == ">"]
    said = "".join(e["text"] for e in sent if e["type"] == "input_text_buffer.append")
    assert said == TEXT * UTTERANCES[name]
    # It commits and finishes at once; where nothing is left to speak, the commit is an error.
    judge = validate_synthesis(call.log, model=MODEL, errors=True)
    assert judge.is_finished
    assert {error["type"] for error in judge.errors} <= {"invalid_request_error"}
    assert len(judge.responses) == UTTERANCES[name]
    assert call.ended is not None
    assert call.ended[:2] == (">", 1000)


def check(result: Mapping[str, Any], relay: RecordingRelay, live: LiveServer) -> None:
    speech = asyncio.run(plain.speak(live.url, TEXT))
    for name in UTTERANCES:
        call = relay.call(f"sk-{name}")
        assert call.path == CLOUD + MODEL
        check_flow(name, result[name], call, speech)


def test_the_first_line(scripted_server: LiveServer):
    with recorded(scripted_server.port) as relay:
        url = f"{relay.origin}/api-ws/v1/realtime"
        check(converse("1.0.21", ("--url", url), {}), relay, scripted_server)


def test_the_second_line_through_the_interceptor(scripted_server: LiveServer, tmp_path: Path):
    with (
        recorded(scripted_server.port) as relay,
        intercepting(relay.origin, tmp_path / "authority") as variables,
    ):
        assert set(variables) == {"https_proxy", "WEBSOCKET_CLIENT_CA_BUNDLE"}
        check(converse("2.0.10", (), variables), relay, scripted_server)


@pytest.mark.parametrize("version", ["1.0.21", "2.0.10"])
@pytest.mark.parametrize(("package", "part"), [("agentscope", "tts"), ("dashscope", "audio")])
def test_nothing_of_them_was_changed(version: str, package: str, part: str):
    """The files that speak are those that were published under this version."""
    assert changed_files(f"agentscope-{version}", package, f"{package}/{part}") == []
