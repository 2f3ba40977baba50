"""What a transcription endpoint is asked, and what becomes of its answers, good and bad."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from dragoman.audio.pcm import wav_header
from dragoman.engines import registry
from dragoman.engines.base import EngineUnavailable, Window
from dragoman.engines.openai_transcriptions.engine import OpenAiTranscriptions
from dragoman.engines.shared.endpoint_errors import (
    EndpointNonsense,
    EndpointRefused,
    EndpointTimedOut,
    EndpointUnreachable,
)
from dragoman.speech import Hints, Hypothesis
from tests.endpoints.http_server import Call, LoopbackServer, Route, in_turn

PATH = "POST /v1/audio/transcriptions"
SOUND = (0.1 * np.sin(np.arange(16_000) / 5)).astype(np.float32)
SECRET = "Nobody may read this in a log"


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    with LoopbackServer() as running:
        running.routes["GET /v1/models"] = lambda call: call.json({"data": []})
        running.routes[PATH] = answers({"text": "Hello."})
        yield running


def answers(value: object) -> Route:
    return lambda call: call.json(value)


def loaded(server: LoopbackServer, **options: Any) -> OpenAiTranscriptions:
    engine = OpenAiTranscriptions(url=server.url, **options)
    engine.load()
    return engine


def heard(engine: OpenAiTranscriptions, samples: Any = SOUND, **window: Any) -> Hypothesis:
    return engine.transcribe([Window(samples.tobytes(), **window)])[0]


def asked(server: LoopbackServer, at: int = -1) -> dict[str, list[str]]:
    form = server.received[at].form()
    form.pop("file")
    return {name: [value.decode() for value in values] for name, values in form.items()}


def forms(server: LoopbackServer) -> list[str]:
    """The formats that were asked for, in order."""
    paths = [f"{each.method} {each.path}" for each in server.received]
    return [
        asked(server, at)["response_format"][0] for at, path in enumerate(paths) if path == PATH
    ]


# ---------------------------------------------------------------- what is asked
def test_a_window_goes_as_a_wav_with_the_fields_of_the_api(server: LoopbackServer) -> None:
    heard(loaded(server, model="whisper-1"), language="es-MX", prefix="committed")
    assert asked(server) == {
        "model": ["whisper-1"],
        "temperature": ["0"],
        "response_format": ["verbose_json"],
        "timestamp_granularities[]": ["word", "segment"],
        "language": ["es"],
    }
    (wav,) = server.received[-1].form()["file"]
    assert wav[:44] == wav_header(16_000, size=32_000)
    assert np.frombuffer(wav[44:], "<i2").astype(np.float32) / 32768 == pytest.approx(
        SOUND, abs=1e-4
    )


def test_without_a_language_the_server_finds_it_out(server: LoopbackServer) -> None:
    server.routes[PATH] = answers({"text": "Hallo.", "language": "german"})
    assert heard(loaded(server)).language == "de"
    assert "language" not in asked(server)


HINTS = Hints(phrases={"Grafana": "Grafana"}, context="A talk.", onscreen=("Loki",))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {"prompt": ["A talk. Loki, Grafana"]}),
        ({"prompt": "IT."}, {"prompt": ["IT. A talk. Loki, Grafana"]}),
        ({"hints": "hotwords"}, {"prompt": ["A talk."], "hotwords": ["Grafana, Loki"]}),
        ({"hints": "none"}, {}),
        ({"hints": "none", "prompt": "IT."}, {"prompt": ["IT."]}),
    ],
)
def test_hints_go_where_the_server_takes_them(
    server: LoopbackServer, options: dict[str, Any], expected: dict[str, list[str]]
) -> None:
    heard(loaded(server, **options), hints=HINTS)
    found = asked(server)
    assert {name: found[name] for name in ("prompt", "hotwords") if name in found} == expected


def test_more_fields_and_a_temperature_are_options(server: LoopbackServer) -> None:
    heard(loaded(server, temperature=0.2, extra='{"seed":"7","include[]":["logprobs"]}'))
    found = asked(server)
    assert found["temperature"] == ["0.2"]
    assert found["seed"] == ["7"]
    assert found["include[]"] == ["logprobs"]


@pytest.mark.parametrize("size", [0, 1, 1_599])
def test_what_is_too_short_to_be_heard_is_not_sent(server: LoopbackServer, size: int) -> None:
    found = heard(loaded(server), SOUND[:size])
    assert (found.words, found.confidence) == ((), 0.0)
    assert forms(server) == []


def test_digital_silence_is_not_sent(server: LoopbackServer) -> None:
    assert heard(loaded(server), np.zeros(16_000, np.float32)).words == ()
    assert forms(server) == []


# ---------------------------------------------------------------- formats
def refuses_verbose(call: Call) -> None:
    if b"verbose_json" in call.request.form()["response_format"]:
        call.json({"error": {"message": "Currently do not support verbose_json"}}, 400)
    else:
        call.json({"text": "language German<asr_text>Guten Tag."})


def test_a_server_without_verbose_json_is_asked_for_json_from_then_on(
    server: LoopbackServer,
) -> None:
    server.routes[PATH] = refuses_verbose
    engine = loaded(server)
    for _ in range(2):
        found = heard(engine)
        assert [word.text for word in found.words] == ["Guten", "Tag."]
        assert found.language == "de"
    assert forms(server) == ["verbose_json", "json", "json"]
    assert "timestamp_granularities[]" not in asked(server)


def test_a_request_that_is_wrong_in_another_way_does_not_change_the_format(
    server: LoopbackServer,
) -> None:
    server.routes[PATH] = lambda call: call.json({"error": {}}, 400)
    engine = loaded(server)
    for _ in range(2):
        with pytest.raises(EndpointRefused):
            heard(engine)
    assert forms(server) == ["verbose_json", "json"] * 2


@pytest.mark.parametrize("form", ["json", "verbose_json"])
def test_a_format_that_the_operator_names_is_kept(server: LoopbackServer, form: Any) -> None:
    server.routes[PATH] = lambda call: call.json({"error": {}}, 400)
    with pytest.raises(EndpointRefused):
        heard(loaded(server, format=form))
    assert forms(server) == [form]


# ---------------------------------------------------------------- several at once
def test_windows_of_sessions_are_requests_at_the_same_time(server: LoopbackServer) -> None:
    def route(call: Call) -> None:
        server.wait(lambda each: each.open >= 4 or len(each.received) > 4)
        call.json({"text": call.request.form()["language"][0].decode()})

    server.routes[PATH] = route
    engine = loaded(server)
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda tag: heard(engine, language=tag), ["en", "de", "fr", "es"]))
    assert [each.words[0].text for each in found] == ["en", "de", "fr", "es"]


# ---------------------------------------------------------------- what goes wrong
def stalls(call: Call) -> None:
    call.start("application/json")
    call.piece(b'{"text": "Hal')
    call.wait_until_gone()


def breaks_off(call: Call) -> None:
    call.start("application/json")
    call.piece(b'{"text": "Hal')
    call.hang_up(reset=True)


@pytest.mark.parametrize(
    ("route", "expected"),
    [
        (stalls, EndpointTimedOut),
        (breaks_off, EndpointUnreachable),
        (lambda call: call.wait_until_gone(), EndpointTimedOut),
        (lambda call: call.reply(500, SECRET.encode()), EndpointRefused),
        (lambda call: call.reply(429, Retry_After="3600"), EndpointRefused),
        (lambda call: call.reply(429), EndpointRefused),
        (lambda call: call.reply(200, b"<html>" + SECRET.encode(), "text/html"), EndpointNonsense),
        (lambda call: call.reply(200, b'"' + SECRET.encode() + b'"'), EndpointNonsense),
        (lambda call: call.json({"text": 7}), EndpointNonsense),
        (lambda call: call.json({"text": SECRET, "words": [{"word": None}]}), EndpointNonsense),
        (lambda call: call.json({"text": SECRET, "segments": "x"}), EndpointNonsense),
        (lambda call: call.json({"text": SECRET * 50_000}), EndpointNonsense),
        (lambda call: call.reply(200, b""), EndpointNonsense),
    ],
)
def test_what_goes_wrong_is_a_clear_failure_and_the_engine_goes_on(
    server: LoopbackServer, route: Route, expected: type[Exception]
) -> None:
    server.routes[PATH] = route
    engine = loaded(server, timeout_s=0.8)
    with pytest.raises(expected) as raised:
        heard(engine)
    assert SECRET not in repr(raised.value)
    server.routes[PATH] = answers({"text": "Hello."})
    assert heard(engine).words


def test_a_server_that_is_busy_for_a_moment_is_asked_again(server: LoopbackServer) -> None:
    busy = lambda call: call.reply(503, Retry_After="0")  # noqa: E731 - as the others
    server.routes[PATH] = in_turn(busy, answers({"text": "Hello."}))
    assert heard(loaded(server)).words


# ---------------------------------------------------------------- options and start
@pytest.mark.parametrize(
    "spec",
    [
        "openai-transcriptions?url=x",
        "openai-transcriptions?extra=7",
        "openai-transcriptions?format=srt",
        "openai-transcriptions?hints=all",
    ],
)
def test_wrong_options_are_told_when_the_engine_is_made(spec: str) -> None:
    with pytest.raises(registry.RegistryError):
        registry.make(spec)


def test_options_shape_the_description() -> None:
    spec = "openai-transcriptions?languages=en;de&step_ms=1000&max_window_s=8&confidence_gate=0.5"
    info = registry.make(spec, "asr").info
    assert (info.languages, info.step_ms) == (("en", "de"), 1000)
    assert (info.max_window_s, info.confidence_gate) == (8.0, 0.5)
    assert registry.make("openai-transcriptions", "asr").info.max_window_s == 10.0


def test_without_an_address_or_a_server_it_says_how_to_mend_that() -> None:
    with pytest.raises(EngineUnavailable, match=r"openai-transcriptions\?url=http"):
        OpenAiTranscriptions().load()
    with LoopbackServer() as server:
        url = server.url
    with pytest.raises(EngineUnavailable, match="Start the model server"):
        OpenAiTranscriptions(url=url).load()
