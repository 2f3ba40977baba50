"""The shape ``chat``: recognition by a model that is given audio in a message."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from dragoman.audio.pcm import wav_header
from dragoman.engines.base import Window
from dragoman.engines.openai_transcriptions.engine import OpenAiTranscriptions
from dragoman.engines.shared.endpoint_errors import EndpointNonsense, EndpointRefused
from dragoman.speech import Hints, Hypothesis, joined_text
from tests.endpoints.http_server import Call, LoopbackServer

PATH = "POST /v1/chat/completions"
SOUND = (0.1 * np.sin(np.arange(32_000) / 5)).astype(np.float32)


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    with LoopbackServer() as running:
        running.routes["GET /v1/models"] = lambda call: call.json({"data": []})
        yield running


def answer(text: str, *tokens: tuple[str, float]) -> dict[str, Any]:
    content = [{"token": token, "logprob": logprob} for token, logprob in tokens]
    return {"choices": [{"message": {"content": text}, "logprobs": {"content": content}}]}


def heard(server: LoopbackServer, reply: Any, **options: Any) -> Hypothesis:
    window = {
        name: options.pop(name) for name in ("language", "prefix", "hints") if name in options
    }
    server.routes[PATH] = reply if callable(reply) else lambda call: call.json(reply)
    engine = OpenAiTranscriptions(url=server.url, shape="chat", **options)
    engine.load()
    return engine.transcribe([Window(SOUND.tobytes(), **window)])[0]


def asked(server: LoopbackServer) -> dict[str, Any]:
    return server.received[-1].json()


def test_the_audio_is_in_the_message_and_the_hints_are_its_context(server: LoopbackServer) -> None:
    hints = Hints(phrases={"Grafana": "x"}, context="A talk.")
    found = heard(server, answer("language German<asr_text>Guten Tag."), model="asr", hints=hints)
    assert joined_text(found.words) == "Guten Tag."
    assert found.language == "de"
    fields = asked(server)
    system, user = fields.pop("messages")
    assert fields == {"model": "asr", "temperature": 0.0, "max_tokens": 48, "logprobs": True}
    assert system == {"role": "system", "content": "A talk. Grafana"}
    (part,) = user["content"]
    wav = base64.b64decode(part["input_audio"]["data"])
    assert wav[:44] == wav_header(16_000, size=64_000)
    assert part["input_audio"]["format"] == "wav"


def test_a_known_language_and_committed_words_begin_the_answer(server: LoopbackServer) -> None:
    reply = answer(" best of times.")
    found = heard(server, reply, language="en", prefix="It was the")
    assert joined_text(found.words) == "It was the best of times."
    assert found.language == "en"
    fields = asked(server)
    begun = {"role": "assistant", "content": "language English<asr_text>It was the"}
    assert fields["messages"][-1] == begun
    assert fields["continue_final_message"] is True
    assert fields["add_generation_prompt"] is False


@pytest.mark.parametrize(
    ("text", "language", "prefix", "expected"),
    [
        ("best of times.", "en", "It was the", "It was the best of times."),
        (", said he", "en", "It was the", "It was the, said he"),
        ("时光", "zh", "最好的", "最好的时光"),
        ("language English<asr_text>It was not.", "en", "It was the", "It was not."),
        ("", "en", "It was the", "It was the"),
    ],
)
def test_servers_that_answer_a_beginning_otherwise_are_understood(
    server: LoopbackServer, text: str, language: str, prefix: str, expected: str
) -> None:
    found = heard(server, answer(text), language=language, prefix=prefix)
    assert joined_text(found.words) == expected


def test_the_confidences_are_those_of_the_tokens(server: LoopbackServer) -> None:
    tokens = [
        *(("language", 0.0), (" Ger", -0.2), ("man", -0.3), ("<asr_text>", 0.0)),
        *((" Guten", -0.1), (" Tag", -0.7)),
    ]
    found = heard(server, answer("language German<asr_text>Guten Tag", *tokens))
    assert found.confidence == pytest.approx(math.exp(-0.4))
    assert found.language_confidence == pytest.approx(math.exp(-0.5))


def test_nothing_said_is_nothing(server: LoopbackServer) -> None:
    found = heard(server, answer("language None<asr_text>", ("language", 0.0)))
    assert (found.words, found.confidence, found.language) == ((), 0.0, None)
    assert heard(server, {"choices": []}).words == ()


def test_what_a_server_refuses_is_left_out_from_then_on(server: LoopbackServer) -> None:
    def strict(call: Call) -> None:
        fields = call.request.json()
        if "continue_final_message" in fields or "logprobs" in fields:
            call.json({"error": {"message": "the template has no assistant"}}, 400)
        else:
            call.json(answer("language English<asr_text>Hello."))

    server.routes[PATH] = strict
    engine = OpenAiTranscriptions(url=server.url, shape="chat")
    engine.load()
    for _ in range(2):
        found = engine.transcribe([Window(SOUND.tobytes(), "en")])[0]
        assert joined_text(found.words) == "Hello."
        assert found.confidence == 1.0
    assert len([each for each in server.received if each.path.endswith("completions")]) == 4


def test_without_prefill_the_model_finds_the_language(server: LoopbackServer) -> None:
    heard(server, answer("language German<asr_text>Hallo."), language="en", prefill=False)
    assert [message["role"] for message in asked(server)["messages"]] == ["user"]


@pytest.mark.parametrize("reply", [{}, {"choices": [{}]}, [], answer("x", ("t", None))])
def test_nonsense_is_a_clear_failure(server: LoopbackServer, reply: Any) -> None:
    with pytest.raises(EndpointNonsense):
        heard(server, reply)


def test_an_error_is_a_clear_failure(server: LoopbackServer) -> None:
    with pytest.raises(EndpointRefused):
        heard(server, lambda call: call.reply(500))
