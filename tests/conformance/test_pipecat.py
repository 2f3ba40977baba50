"""Pipecat with `pipecat-dashscope`, unmodified, in an environment of their own.

The service knows no URL: two environment variables send it through ``dragoman intercept``. It
opens a connection for each piece of text it has to say (what an application says is one piece,
the answer of a language model one for each sentence), takes the first ``response.done`` for the
end of the speech, and hangs up: what comes behind that event is lost, without any message.
"""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path

import pytest

from dragoman.testing.live_server import LiveServer
from dragoman.testing.recording_relay import recorded
from dragoman.testing.validators.synthesis import validate_synthesis
from tests.conformance.clients import plain
from tests.conformance.clients.connection import MODEL
from tests.conformance.intercepting import intercepting
from tests.conformance.run_sdk import changed_files, run_client
from tests.conformance.speeches import LONG_TEXT, SHORT_TEXT, speech_bytes

CLIENT = "pipecat-dashscope-0.2.0"


@pytest.mark.parametrize("text", [SHORT_TEXT, LONG_TEXT], ids=["short", "long"])
def test_everything_is_heard_before_the_end(text: str, scripted_server: LiveServer, tmp_path: Path):
    speech = asyncio.run(plain.speak(scripted_server.url, text))
    assert len(speech) == speech_bytes(text)
    with (
        recorded(scripted_server.port) as tap,
        intercepting(tap.origin, tmp_path / "authority") as variables,
    ):
        options = ("--model", MODEL, "--text", text)
        result = run_client(CLIENT, "pipecat_speech", *options, variables=variables)
        for name, pieces in (("spoken", 1), ("written", text.count("."))):
            assert result[name]["complaints"] == []
            (heard,) = result[name]["utterances"]
            assert (heard["stopped"], heard["late"]) == (1, 0)
            pcm = base64.b64decode(heard["speech"])
            assert len(pcm) == len(speech)
            assert pcm == speech
            calls = tap.calls_of(f"sk-{name}")
            assert len(calls) == pieces
            for call in calls:
                judge = validate_synthesis(call.log, model=MODEL)
                assert [status for _, status, _ in judge.responses] == ["completed"]
            assert (
                " ".join(
                    event["text"]
                    for call in calls
                    for way, event in call.log
                    if (way, event["type"]) == (">", "input_text_buffer.append")
                )
                == text
            )


@pytest.mark.parametrize(
    ("package", "folder"),
    [
        ("pipecat_dashscope", "pipecat_dashscope"),
        ("pipecat_ai", "pipecat/services"),
        ("dashscope", "dashscope/audio"),
    ],
)
def test_nothing_of_it_was_changed(package: str, folder: str):
    assert changed_files(CLIENT, package, folder) == []
