"""The shape ``vllm-omni-ws``: text in and sound out over kept connections."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from dragoman.engines.base import Utterance
from dragoman.engines.openai_speech.engine import OpenAiSpeech
from dragoman.engines.shared.endpoint_errors import (
    EndpointFailed,
    EndpointNonsense,
    EndpointRefused,
    EndpointTimedOut,
    EndpointUnreachable,
)
from tests.endpoints.http_server import LoopbackServer
from tests.endpoints.speech_stream_server import SpeechStreamServer, StreamedSegment

TONE = (8_000 * np.sin(np.arange(24_000) / 9)).astype("<i2").tobytes()
PIECES = [TONE[:1_001], TONE[1_001:9_000], TONE[9_000:]]


def tone(segment: StreamedSegment) -> None:
    segment.sound(iter(PIECES))


@pytest.fixture
def server() -> Iterator[SpeechStreamServer]:
    with SpeechStreamServer() as running:
        running.speak = tone
        yield running


@pytest.fixture
def made() -> Iterator[list[OpenAiSpeech]]:
    engines: list[OpenAiSpeech] = []
    yield engines
    for engine in engines:
        engine.close()


@pytest.fixture
def load(server: SpeechStreamServer, made: list[OpenAiSpeech]) -> Any:
    def load_it(**options: Any) -> OpenAiSpeech:
        made.append(OpenAiSpeech(url=server.url, shape="vllm-omni-ws", **options))
        made[-1].load()
        return made[-1]

    return load_it


def said(engine: OpenAiSpeech, text: str = "Hello.", voice: str = "Ryan", tag: str = "en") -> bytes:
    return b"".join(engine.synthesize(Utterance(text, voice, tag)))


def test_segments_share_a_connection_and_its_settings(
    server: SpeechStreamServer, load: Any
) -> None:
    engine = load(model="qwen3-tts", ref_text="x")
    for text in ("One.", "Two."):
        assert said(engine, text)[2_400:40_000] == TONE[2_400:40_000]
    said(engine, "Drei.", tag="de")
    config = {
        "stream_audio": True,
        "model": "qwen3-tts",
        "response_format": "pcm",
        "voice": "ryan",
        "ref_text": "x",
        "stream_format": "audio",
    }
    assert server.messages == [
        [
            {**config, "language": "English"},
            {"text": "One."},
            {},
            {"text": "Two."},
            {},
            {**config, "language": "German"},
            {"text": "Drei."},
            {},
        ]
    ]


def test_the_key_goes_with_the_connection(
    server: SpeechStreamServer, load: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPEECH_KEY", "sk-secret")
    said(load(key_env="SPEECH_KEY"))
    assert {headers["authorization"] for headers in server.headers} == {"Bearer sk-secret"}


def test_a_server_that_hangs_up_after_each_segment_is_asked_again(
    server: SpeechStreamServer, load: Any
) -> None:
    server.hangs_up = True
    engine = load()
    assert said(engine)
    server.wait_closed()
    assert said(engine)
    assert len(server.messages) == 2


def test_segments_at_the_same_time_have_connections_of_their_own(
    server: SpeechStreamServer, load: Any
) -> None:
    engine = load()
    iterators = [iter(engine.synthesize(Utterance("Hi.", "Ryan", "en"))) for _ in range(3)]
    for iterator in iterators:
        next(iterator)
    with ThreadPoolExecutor(3) as threads:
        rests = list(threads.map(b"".join, iterators))
    assert len({len(rest) for rest in rests}) == 1
    assert len(server.messages) == 3


def test_whoever_stops_listening_closes_the_connection(
    server: SpeechStreamServer, load: Any
) -> None:
    def endless(segment: StreamedSegment) -> None:
        segment.sound(iter(lambda: TONE, None))

    server.speak = endless
    pieces = load().synthesize(Utterance("Hello.", "Ryan", "en"))
    next(pieces)
    pieces.close()
    server.wait_closed()


def test_older_servers_cut_a_text_into_sentences(server: SpeechStreamServer, load: Any) -> None:
    def sentences(segment: StreamedSegment) -> None:
        for _ in range(2):
            segment.event("audio.start", format="pcm")
            segment.socket.send(TONE)
            segment.event("audio.done")
        segment.event("session.done")

    server.speak = sentences
    assert abs(len(said(load())) - 2 * len(TONE)) < 0.3 * 48_000


def fails(segment: StreamedSegment) -> None:
    segment.event("error", message="secret text")


def fails_in_the_middle(segment: StreamedSegment) -> None:
    segment.event("audio.start", sample_rate=24_000)
    segment.socket.send(TONE)
    segment.event("audio.done", error=True)


def hangs_up(segment: StreamedSegment) -> None:
    segment.socket.send(TONE)
    segment.socket.close()


def stalls(segment: StreamedSegment) -> None:
    segment.socket.send(TONE[:9_601])
    segment.socket.recv()


def is_silent(segment: StreamedSegment) -> None:
    segment.sound(iter(()))


def talks_nonsense(segment: StreamedSegment) -> None:
    segment.socket.send("secret text")


def talks_on(segment: StreamedSegment) -> None:
    while True:
        segment.socket.send(bytes(1 << 20))


@pytest.mark.parametrize(
    ("speak", "expected"),
    [
        (fails, EndpointNonsense),
        (fails_in_the_middle, EndpointNonsense),
        (hangs_up, EndpointUnreachable),
        (lambda segment: segment.socket.close(), EndpointUnreachable),
        (lambda segment: segment.socket.recv(), EndpointTimedOut),
        (stalls, EndpointTimedOut),
        (is_silent, EndpointNonsense),
        (talks_nonsense, EndpointNonsense),
        (talks_on, EndpointNonsense),
    ],
)
def test_what_goes_wrong_is_a_clear_failure_and_the_engine_goes_on(
    server: SpeechStreamServer, load: Any, speak: Any, expected: type[EndpointFailed]
) -> None:
    engine = load(timeout_s=0.8)
    assert said(engine)
    server.speak = speak
    with pytest.raises(expected) as raised:
        said(engine)
    assert "secret" not in repr(raised.value)
    server.speak = tone
    assert said(engine)


def test_a_server_without_the_websocket_is_told_from_one_that_is_gone() -> None:
    with LoopbackServer() as server:
        engine = OpenAiSpeech(url=server.url, shape="vllm-omni-ws")
        engine.load()
        with pytest.raises(EndpointRefused, match="404"):
            said(engine)
    with pytest.raises(EndpointUnreachable):
        said(engine)
