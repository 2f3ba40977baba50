"""What a speech endpoint is asked, and what becomes of its answers, good and bad."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dragoman.audio.pcm import wav_header
from dragoman.engines import registry
from dragoman.engines.base import EngineUnavailable, Utterance
from dragoman.engines.openai_speech.engine import OpenAiSpeech
from dragoman.engines.openai_speech.voice_names import VoiceNames
from dragoman.engines.shared.endpoint_errors import (
    EndpointNonsense,
    EndpointRefused,
    EndpointTimedOut,
    EndpointUnreachable,
)
from tests.endpoints.http_server import Call, LoopbackServer, Route, in_turn

PATH = "POST /v1/audio/speech"
TONE = (8_000 * np.sin(np.arange(24_000) / 9)).astype("<i2").tobytes()
TEXT = "Nobody may read this in a log."


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    with LoopbackServer() as running:
        running.routes["GET /v1/models"] = lambda call: call.json({"data": []})
        running.routes[PATH] = streamed(TONE)
        yield running


def streamed(body: bytes, kind: str = "audio/pcm", size: int = 4_001) -> Route:
    def route(call: Call) -> None:
        call.start(kind)
        for at in range(0, len(body), size):
            call.piece(body[at : at + size])
        call.end()

    return route


def loaded(server: LoopbackServer, **options: Any) -> OpenAiSpeech:
    engine = OpenAiSpeech(url=server.url, **options)
    engine.load()
    return engine


def said(engine: OpenAiSpeech, text: str = TEXT, voice: str = "Cherry", **more: Any) -> bytes:
    pieces = list(engine.synthesize(Utterance(text, voice, more.pop("language", "en"), **more)))
    assert all(piece and len(piece) % 2 == 0 for piece in pieces)
    return b"".join(pieces)


def asked(server: LoopbackServer) -> dict[str, Any]:
    return server.received[-1].json()


# ---------------------------------------------------------------- what is asked
def test_the_published_fields_are_asked_for_and_nothing_else(server: LoopbackServer) -> None:
    said(loaded(server, model="tts-1"), volume=20, rate=1.5, pitch=0.7)
    assert asked(server) == {
        "model": "tts-1",
        "input": TEXT,
        "voice": "alloy",
        "response_format": "pcm",
        "stream_format": "audio",
    }


def test_options_and_instructions_are_passed_on(server: LoopbackServer) -> None:
    engine = loaded(
        server, model="m", speed=True, format="wav", extra='{"seed":7,"stream_format":null}'
    )
    said(engine, rate=1.25, instructions="Whisper.", language="es-MX")
    assert asked(server) == {
        "model": "m",
        "input": TEXT,
        "voice": "alloy",
        "response_format": "wav",
        "speed": 1.25,
        "instructions": "Whisper.",
        "seed": 7,
    }
    assert set(engine.info.controls) == {"rate", "instructions"}


@pytest.mark.parametrize(
    ("options", "tag", "expected"),
    [
        ({}, "es", None),
        ({"language": "tag"}, "es-MX", "es"),
        ({"language": "name"}, "ca", "Catalan"),
        ({"shape": "vllm-omni"}, "es-MX", "Spanish"),
        ({"shape": "vllm-omni"}, "ca", None),
        ({"shape": "vllm-omni", "language": "none"}, "es", None),
    ],
)
def test_the_language_goes_where_it_is_taken(
    server: LoopbackServer, options: dict[str, Any], tag: str, expected: str | None
) -> None:
    said(loaded(server, **options), language=tag)
    assert asked(server).get("language") == expected


def test_a_voice_is_cloned_from_a_file(server: LoopbackServer, tmp_path: Path) -> None:
    recording = tmp_path / "voice.wav"
    recording.write_bytes(wav_header(24_000) + TONE)
    engine = loaded(
        server,
        shape="vllm-omni",
        task_type="Base",
        ref_audio=str(recording),
        ref_text="What is said in it.",
    )
    said(engine)
    fields = asked(server)
    assert fields["ref_audio"].startswith("data:audio/")
    assert fields["ref_text"] == "What is said in it."
    assert fields["task_type"] == "Base"
    assert "voice" not in fields, "the server would speak with one of its own"


def test_the_address_of_a_voice_is_passed_as_it_is(server: LoopbackServer) -> None:
    said(loaded(server, ref_audio="https://voices.example/me.wav"))
    assert asked(server)["ref_audio"] == "https://voices.example/me.wav"


def test_a_voice_that_is_not_there_is_said_at_once(server: LoopbackServer) -> None:
    with pytest.raises(EngineUnavailable, match=r"gone\.wav: the voice to clone cannot be read"):
        loaded(server, ref_audio="/nowhere/gone.wav")


def test_text_without_words_is_not_sent(server: LoopbackServer) -> None:
    assert said(loaded(server), "... !") == b""
    assert PATH not in [f"{each.method} {each.path}" for each in server.received]


def test_what_no_synthesizer_gets_is_left_out(server: LoopbackServer) -> None:
    said(loaded(server), "One\x1b[31m two\x00 \u202ethree" + "!" * 50)
    assert asked(server)["input"].split() == ["One", "two", "three!!!"]


# ---------------------------------------------------------------- voices
def test_voices_are_found_by_map_name_sex_and_default() -> None:
    voices = VoiceNames(["Cherry:zoe", "Ono Anna:x"], female="", male="leo")
    assert voices.of("Cherry") == "zoe"
    assert voices.of("ono anna") == "x"
    assert [voices.of(name) for name in ("Ethan", "Serena", "nobody")] == ["leo"] * 3
    voices.learn({"voices": ["first", "uncle_fu", {"id": "Serena"}, {"name": "ETHAN"}, 7]})
    found = [voices.of(name) for name in ("Uncle_Fu", "Serena", "Ethan", "Ryan")]
    assert found == ["uncle_fu", "Serena", "ETHAN", "leo"]


@pytest.mark.parametrize(
    "answer", [None, [], {}, "alloy", {"voices": {"a": 1}}, {"voices": [None]}]
)
def test_without_a_list_there_is_the_voice_that_openai_has(answer: Any) -> None:
    voices = VoiceNames([], "", "")
    voices.learn(answer)
    assert voices.of("Cherry") == "alloy"


def test_the_first_voice_of_the_server_is_the_default(server: LoopbackServer) -> None:
    server.routes["GET /v1/audio/voices"] = lambda call: call.json({"voices": ["nova", "ryan"]})
    engine = loaded(server)
    said(engine, voice="Cherry")
    assert asked(server)["voice"] == "nova"
    said(engine, voice="Ryan")
    assert asked(server)["voice"] == "ryan"


# ---------------------------------------------------------------- what comes back
def middle(pcm: bytes) -> bytes:
    """Without the edges, which are faded."""
    return pcm[2_400:40_000]


@pytest.mark.parametrize("size", [1, 3, 777, 4_001])
def test_pieces_of_odd_sizes_are_the_same_sound(server: LoopbackServer, size: int) -> None:
    server.routes[PATH] = streamed(TONE[:20_000], size=size)
    assert said(loaded(server))[2_400:19_000] == TONE[2_400:19_000]


@pytest.mark.parametrize("length", [None, 0, 11])
def test_wav_comes_out_as_pcm(server: LoopbackServer, length: int | None) -> None:
    server.routes[PATH] = streamed(wav_header(24_000, size=length) + TONE, "audio/wav")
    assert middle(said(loaded(server, format="wav"))) == middle(TONE)


def test_another_rate_than_ours_is_resampled(server: LoopbackServer) -> None:
    server.routes[PATH] = streamed(TONE, "audio/pcm; rate=12000")
    assert abs(len(said(loaded(server))) - 2 * len(TONE)) < 0.3 * 48_000  # and a pause
    server.routes[PATH] = streamed(wav_header(48_000) + TONE, "audio/wav")
    assert abs(len(said(loaded(server))) - len(TONE) // 2) < 0.3 * 48_000


def test_the_rate_of_raw_audio_is_an_option(server: LoopbackServer) -> None:
    engine = loaded(server, rate_hz=44_100)
    assert engine.info.rate_hz == 44_100
    assert middle(said(engine)) == middle(TONE)


def test_the_first_sound_comes_before_the_server_has_made_the_rest(server: LoopbackServer) -> None:
    go_on = threading.Event()

    def route(call: Call) -> None:
        call.start("audio/pcm")
        call.piece(TONE[:4_801])
        assert go_on.wait(20)
        call.piece(TONE[4_801:])
        call.end()

    server.routes[PATH] = route
    pieces = loaded(server).synthesize(Utterance(TEXT, "Cherry", "en"))
    first = next(pieces)
    go_on.set()
    rest = b"".join(pieces)
    assert len(first) > 3_000
    assert middle(first + rest) == middle(TONE)


def test_whoever_stops_listening_stops_the_server(server: LoopbackServer) -> None:
    gone: list[bool] = []

    def route(call: Call) -> None:
        call.start("audio/pcm")
        call.piece(TONE)
        gone.append(call.wait_until_gone())

    server.routes[PATH] = route
    pieces = loaded(server).synthesize(Utterance(TEXT, "Cherry", "en"))
    next(pieces)
    pieces.close()  # type: ignore[attr-defined]  # it is a generator
    server.wait(lambda each: each.open == 0)
    assert gone == [True]


# ---------------------------------------------------------------- what goes wrong
def stalls(call: Call) -> None:
    call.start("audio/pcm")
    call.piece(TONE[:9_601])
    call.wait_until_gone()


def breaks_off(call: Call) -> None:
    call.start("audio/pcm")
    call.piece(TONE[:9_601])
    call.hang_up(reset=True)


def short_of_its_length(call: Call) -> None:
    call.send_raw(b"HTTP/1.1 200 OK\r\nContent-Type: audio/pcm\r\nContent-Length: 99999\r\n\r\n")
    call.send_raw(TONE[:9_601])
    call.hang_up()


def never_ends(call: Call) -> None:
    call.start("audio/pcm")
    while True:
        call.piece(bytes(1 << 20))


@pytest.mark.parametrize(
    ("route", "expected"),
    [
        (stalls, EndpointTimedOut),
        (breaks_off, EndpointUnreachable),
        (short_of_its_length, EndpointUnreachable),
        (never_ends, EndpointNonsense),
        (lambda call: call.wait_until_gone(), EndpointTimedOut),
        (lambda call: call.reply(500, b'{"error":{"message":"boom"}}'), EndpointRefused),
        (lambda call: call.reply(429, Retry_After="3600"), EndpointRefused),
        (lambda call: call.reply(429), EndpointRefused),
        (lambda call: call.reply(302, Location="http://elsewhere.example/"), EndpointRefused),
        (lambda call: call.reply(200, b"<html>", "text/html"), EndpointNonsense),
        (lambda call: call.reply(200, b"{}", "application/json"), EndpointNonsense),
        (lambda call: call.reply(200, b"ID3", "audio/mpeg"), EndpointNonsense),
        (lambda call: call.reply(200, b"", "audio/pcm"), EndpointNonsense),
        (lambda call: call.reply(200, bytes(48_000), "audio/pcm"), EndpointNonsense),
        (lambda call: call.reply(200, wav_header(24_000)[:20], "audio/wav"), EndpointNonsense),
        (lambda call: call.reply(200, wav_header(24_000), "audio/wav"), EndpointNonsense),
    ],
)
def test_what_goes_wrong_is_a_clear_failure_and_the_engine_goes_on(
    server: LoopbackServer, route: Route, expected: type[Exception]
) -> None:
    server.routes[PATH] = route
    engine = loaded(server, timeout_s=0.8)
    with pytest.raises(expected) as raised:
        said(engine)
    assert TEXT not in repr(raised.value)
    server.routes[PATH] = streamed(TONE)
    assert said(engine)


def test_a_server_that_is_busy_for_a_moment_is_asked_again(server: LoopbackServer) -> None:
    busy = lambda call: call.reply(429, Retry_After="0")  # noqa: E731 - as the others
    server.routes[PATH] = in_turn(busy, streamed(TONE))
    assert said(loaded(server))


# ---------------------------------------------------------------- options and start
@pytest.mark.parametrize(
    "spec",
    [
        "openai-speech?url=ftp://x",
        "openai-speech?voices=Cherry",
        "openai-speech?extra=[1]",
        "openai-speech?shape=other",
        "openai-speech?shape=vllm-omni&speed=true",
        "openai-speech?format=mp3",
    ],
)
def test_wrong_options_are_told_when_the_engine_is_made(spec: str) -> None:
    with pytest.raises(registry.RegistryError):
        registry.make(spec)


def test_options_come_from_a_spec() -> None:
    spec = "openai-speech?languages=en;de&voices=Cherry:zoe;Ethan:leo&rate_hz=16000@concurrency=8"
    engine = registry.make(spec, "tts")
    assert engine.info.languages == ("en", "de")
    assert engine.info.rate_hz == 16_000
    assert engine.info.caps.first_sound_s > 5, "the engine gives up first, and frees its thread"


def test_without_an_address_or_a_server_it_says_how_to_mend_that() -> None:
    with pytest.raises(EngineUnavailable, match=r"openai-speech\?url=http"):
        OpenAiSpeech().load()
    with LoopbackServer() as server:
        url = server.url
    with pytest.raises(EngineUnavailable, match="Start the model server"):
        OpenAiSpeech(url=url).load()


def test_the_key_is_sent_and_never_shown(
    server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPEECH_KEY", "sk-secret")
    engine = loaded(server, key_env="SPEECH_KEY")
    said(engine)
    assert {each.headers["authorization"] for each in server.received} == {"Bearer sk-secret"}
    server.routes[PATH] = lambda call: call.reply(401, json.dumps({"error": "sk-secret"}).encode())
    with pytest.raises(EndpointRefused) as refused:
        said(engine)
    assert "secret" not in repr(refused.value)
