"""The loopback server of the audio API is faithful: OpenAI's own client, unmodified, accepts it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests import recordings
from tests.conformance.run_sdk import changed_files, run_client
from tests.endpoints.http_server import LoopbackServer
from tests.endpoints.openai_audio import OpenAiAudio

pytestmark = pytest.mark.engine

CLIENT = "openai-3.57.0"


@pytest.fixture(scope="module")
def server() -> Iterator[LoopbackServer]:
    with LoopbackServer() as running:
        OpenAiAudio(running, "qwen-asr")
        OpenAiAudio(running)
        running.routes["GET /v1/busy/models"] = lambda call: call.reply(429, retry_after="0")
        yield running


@pytest.fixture(scope="module")
def found(server: LoopbackServer) -> dict[str, Any]:
    samples = recordings.read(recordings.two_cities())[: 5 * 16_000]
    pcm = (samples * 32_767).astype("<i2").tobytes()
    return run_client(CLIENT, "openai_audio", server.url, pcm=pcm)


def test_the_client_is_as_published() -> None:
    assert changed_files(CLIENT, "openai", "openai") == []


def test_models_are_listed(found: dict[str, Any]) -> None:
    assert found["models"]["ids"] == ["tts-1", "whisper-1"]


def test_speech_comes_in_each_format(found: dict[str, Any]) -> None:
    seconds = found["pcm"]["bytes"] / 48_000
    assert 1.5 < seconds < 6
    assert found["pcm"]["type"] == "audio/pcm"
    assert found["pcm"]["pieces"] > 5, "it is streamed"
    assert found["wav"]["type"] == "audio/wav"
    assert bytes.fromhex(found["wav"]["head"]) == b"RIFF"
    assert abs(found["wav"]["bytes"] - found["pcm"]["bytes"]) < 48_000
    assert found["mp3"]["type"] == "audio/mpeg"
    assert found["events"]["type"] == "text/event-stream"
    assert found["events"]["last"] == "speech.audio.done"
    assert abs(found["events"]["bytes"] - found["pcm"]["bytes"]) < 48_000
    assert found["fast"]["bytes"] < 0.7 * found["pcm"]["bytes"]


def test_a_client_that_leaves_early_is_noticed(
    server: LoopbackServer, found: dict[str, Any]
) -> None:
    assert found["left_early"]["first"] == 1
    server.wait(lambda each: each.open == 0)


def test_transcriptions_come_in_each_format(found: dict[str, Any]) -> None:
    text = found["json"]["value"]["text"]
    assert text.startswith("It was the best of times")
    assert found["json"]["kind"] == "Transcription"
    assert found["json"]["value"]["usage"] == {"seconds": 5, "type": "duration"}
    assert found["text"]["value"] == text
    verbose = found["verbose_json"]["value"]
    assert found["verbose_json"]["kind"] == "TranscriptionVerbose"
    assert verbose["text"] == text
    assert verbose["language"] == "english"
    assert verbose["duration"] == 5.0
    starts = [word["start"] for word in verbose["words"]]
    assert len(starts) == len(text.split())
    assert np.all(np.diff(starts) > 0)
    (segment,) = verbose["segments"]
    assert 0.6 < math.exp(segment["avg_logprob"]) < 1


def test_a_chat_with_audio_is_answered(found: dict[str, Any]) -> None:
    assert found["chat"]["kind"] == "ChatCompletion"
    assert found["chat"]["extra"] == []
    (choice,) = found["chat"]["value"]["choices"]
    text = "language English<asr_text>It was the best of times"
    assert choice["message"]["content"].startswith(text)
    assert [each["token"] for each in choice["logprobs"]["content"]][:4] == [
        *("language", " English", "<asr_text>", " It")
    ]


def test_the_client_knows_every_field_of_the_answers(found: dict[str, Any]) -> None:
    assert found["json"]["extra"] == []
    assert set(found["verbose_json"]["extra"]) <= {"task"}, "which OpenAI itself sends as well"


def test_what_is_wrong_is_refused_as_openai_does(
    server: LoopbackServer, found: dict[str, Any]
) -> None:
    errors = found["errors"]
    wrong = {"kind": "BadRequestError", "status": 400, "type": "invalid_request_error"}
    for flow, param in [
        ("no_voice", "voice"),
        ("long", "input"),
        ("format", "response_format"),
        ("unknown", "language"),
        ("short", "file"),
        ("noise", "file"),
    ]:
        assert errors[flow] == {**wrong, "param": param}, flow
    assert errors["nowhere"]["kind"] == "NotFoundError"
    assert errors["busy"]["kind"] == "RateLimitError"
    busy = [each for each in server.received if "busy" in each.path]
    assert len(busy) == 2, "the client obeys Retry-After"


def test_it_asks_as_our_engines_do(server: LoopbackServer, found: dict[str, Any]) -> None:
    """The fields of the official client have the names that ours have."""
    forms = [each.form() for each in server.received if each.path.endswith("transcriptions")]
    assert any("timestamp_granularities[]" in form for form in forms)
    assert {"model", "file"} <= set(forms[0])
    bodies = [each.json() for each in server.received if each.path.endswith("audio/speech")]
    assert {"model", "voice", "input", "response_format"} <= set(bodies[0])
