"""A whole server whose ears and voice are endpoints of the OpenAI kind, good days and bad ones."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from dragoman.client.events import ResponseFinished, SourceText, SpeechAudio, TranslatedText
from dragoman.client.interpretation import InterpretClient
from dragoman.client.synthesis import SpeechClient
from dragoman.testing.live_server import LiveServer, serve
from dragoman.testing.validators.synthesis import validate_synthesis
from tests import recordings
from tests.conformance.clients.connection import MODEL, connected, of_type
from tests.endpoints.http_server import Call, LoopbackServer, Route
from tests.endpoints.openai_audio import OpenAiAudio

pytestmark = pytest.mark.engine

SPEECH, HEARING = "POST /v1/audio/speech", "POST /v1/audio/transcriptions"
TONE = (8_000 * np.sin(np.arange(24_000) / 9)).astype("<i2").tobytes()


@pytest.fixture(scope="module")
def upstream() -> Iterator[LoopbackServer]:
    with LoopbackServer() as running:
        OpenAiAudio(running)
        yield running


@pytest.fixture(scope="module")
def live(upstream: LoopbackServer) -> Iterator[LiveServer]:
    asr = f"openai-transcriptions?url={upstream.url}&model=whisper-1&timeout_s=6@concurrency=4"
    tts = f"openai-speech?url={upstream.url}&model=tts-1&timeout_s=2.5@concurrency=4"
    with serve(engines=f"vad=silero,asr={asr},mt=scripted-mt,tts={tts}") as running:
        yield running


@pytest.fixture
def broken(upstream: LoopbackServer) -> Iterator[Any]:
    """Replaces a route for the length of a test."""
    whole = dict(upstream.routes)
    yield lambda path, route: upstream.routes.update({path: route})
    upstream.routes.update(whole)


@pytest.fixture(scope="module")
def english() -> bytes:
    samples = recordings.read(recordings.two_cities())[: 6 * 16_000]
    return (samples * 32_767).astype("<i2").tobytes() + bytes(2 * 16_000 * 2)


async def three(url: str) -> tuple[list[str], int]:
    """Three texts, one response each: how they ended, and how many errors the client saw."""
    async with connected(url) as socket:
        await socket.until("session.created")
        await socket.update(voice="Cherry", mode="commit", language_type="English")
        for text in ("The wind rose.", "Then the storm came.", "Nobody went out."):
            await socket.append(text)
            await socket.commit()
        events = await socket.finish()
    found = validate_synthesis(socket.log, model=MODEL, failures=True)
    return [status for _, status, _ in found.responses], len(of_type(events, "error"))


def test_speech_of_an_endpoint_reaches_the_client(live: LiveServer) -> None:
    async def main() -> float:
        async with SpeechClient(live.url) as client:
            await client.update(voice="Cherry", sample_rate=16_000)
            pcm = [piece async for piece in client.speak("Good morning, and welcome to you all.")]
            return len(b"".join(pcm)) / 32_000

    assert 1.5 < asyncio.run(main()) < 6


async def interpreted(url: str, pcm: bytes) -> tuple[str, str, int]:
    source: list[str] = []
    target: list[str] = []
    speech = 0
    async with InterpretClient(url) as client:
        await client.update(target="es", source="en")

        async def send() -> None:
            await client.send_audio(pcm)
            await client.finish()

        sending = asyncio.create_task(send())
        async for event in client:
            match event:
                case SourceText(final=True):
                    source.append(event.text)
                case TranslatedText(final=True):
                    target.append(event.text)
                case SpeechAudio():
                    speech += len(event.data)
        await sending
    return " ".join(source), " ".join(target), speech


def test_an_interpretation_hears_and_speaks_through_endpoints(
    live: LiveServer, english: bytes
) -> None:
    source, target, speech = asyncio.run(interpreted(live.url, english))
    assert source.startswith("It was the best of times, it was the worst of times")
    assert target.startswith("It-es was-es the-es best-es")
    assert speech > 2 * 48_000


# ---------------------------------------------------------------- bad days
def drops(call: Call) -> None:
    call.start("audio/pcm")
    call.piece(TONE[:9_601])
    call.hang_up(reset=True)


def stalls(call: Call) -> None:
    call.start("audio/pcm")
    call.piece(TONE[:9_601])
    call.wait_until_gone()


@pytest.mark.parametrize(
    "route",
    [
        pytest.param(lambda call: call.reply(500, b"boom"), id="500"),
        pytest.param(lambda call: call.reply(429, retry_after="60"), id="429"),
        pytest.param(lambda call: call.reply(200, b"<html>", "text/html"), id="html"),
        pytest.param(lambda call: call.reply(200, b"", "audio/pcm"), id="nothing"),
        pytest.param(lambda call: call.wait_until_gone(), id="no answer"),
        pytest.param(drops, id="drops"),
        pytest.param(stalls, id="stalls"),
    ],
)
def test_a_response_that_fails_leaves_the_session_alive(
    live: LiveServer, upstream: LoopbackServer, broken: Any, route: Route
) -> None:
    speaks = upstream.routes[SPEECH]
    broken(
        SPEECH, lambda call: (route if "storm" in call.request.json()["input"] else speaks)(call)
    )
    assert asyncio.run(three(live.url)) == (["completed", "failed", "completed"], 0)
    upstream.wait(lambda each: each.open == 0)


def test_a_client_that_goes_stops_the_endpoint(
    live: LiveServer, upstream: LoopbackServer, broken: Any
) -> None:
    def endless(call: Call) -> None:
        call.start("audio/pcm")
        while True:
            call.piece(TONE)

    broken(SPEECH, endless)

    async def main() -> None:
        async with connected(live.url) as socket:
            await socket.until("session.created")
            await socket.append("It never ends.")
            await socket.commit()
            await socket.until("response.audio.delta")

    asyncio.run(main())
    upstream.wait(lambda each: each.open == 0)


def test_a_turn_that_is_not_heard_fails_and_the_next_one_is_heard(
    live: LiveServer, upstream: LoopbackServer, broken: Any, english: bytes
) -> None:
    hears = upstream.routes[HEARING]
    broken(HEARING, lambda call: call.reply(500, b"boom"))

    async def main() -> tuple[list[str], str]:
        statuses: list[str] = []
        texts: list[str] = []
        async with InterpretClient(live.url) as client:
            await client.update(target="es", source="en", text_only=True)
            await client.send_audio(english)
            async for event in client:
                match event:
                    case ResponseFinished():
                        statuses.append(event.status)
                        if len(statuses) == 1:
                            upstream.routes[HEARING] = hears
                            await client.send_audio(english)
                            await client.finish()
                    case SourceText(final=True):
                        texts.append(event.text)
        return statuses, " ".join(texts)

    statuses, text = asyncio.run(main())
    assert statuses[0] == "failed"
    assert set(statuses[1:]) == {"completed"}
    assert "it was the worst of times" in text
