"""Whole servers whose engines are other servers: what clients see is what they see directly."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import pairwise

import pytest

from dragoman.client.events import (
    Event,
    Problem,
    ResponseFinished,
    SessionEnded,
    SourceText,
    SpeechAudio,
    TranslatedText,
)
from dragoman.client.interpretation import InterpretClient
from dragoman.client.synthesis import SpeechClient
from dragoman.testing import LiveServer, serve
from tests.endpoints.realtime_asr import Fault, serving
from tests.engines.contract import sounds

pytestmark = pytest.mark.live
MODELS = ["qwen3.5-livetranslate-flash-realtime", "qwen3.8-livetranslate-flash-realtime"]
TALK = [(sounds(4) * 32_767).astype("<i2").tobytes(), bytes(96_000)]


async def interpret(url: str, model: str, *, turns: int = 1, **settings: object) -> list[Event]:
    """A talk of some turns; the next begins when the one before is answered."""
    events: list[Event] = []
    async with InterpretClient(url, model=model) as client:
        await client.update(target="es", source="en", **settings)
        for number in range(1, turns + 1):
            for sound in TALK:
                for at in range(0, len(sound), 3200):
                    await client.send_audio(sound[at : at + 3200])
            if settings.get("manual"):
                await client.commit()
            while sum(isinstance(event, ResponseFinished) for event in events) < number:
                events.append(await anext(client))
        await client.finish()
        events += [event async for event in client]
    return events


def finals(events: list[Event]) -> list[tuple[str, str]]:
    return [
        (type(event).__name__, event.text)
        for event in events
        if isinstance(event, SourceText | TranslatedText) and event.final
    ]


def sound(events: list[Event]) -> int:
    return sum(len(event.data) for event in events if isinstance(event, SpeechAudio))


# ---------------------------------------------------------------- the cloud as an engine
@pytest.fixture(scope="module", params=MODELS)
def gateway(request: pytest.FixtureRequest, scripted_server: LiveServer) -> Iterator[LiveServer]:
    """A server that has everything done by another one, in one generation."""
    url = scripted_server.url
    engines = (
        f"scripted,interpreter=dashscope-livetranslate?url={url}&model={request.param},"
        f"tts=dashscope-tts?url={url}"
    )
    with serve(engines=engines) as server:
        yield server


@pytest.mark.parametrize("model", MODELS)
def test_an_interpretation_is_that_of_the_upstream(
    gateway: LiveServer, scripted_server: LiveServer, model: str
) -> None:
    direct = asyncio.run(interpret(scripted_server.url, model, turns=2))
    through = asyncio.run(interpret(gateway.url, model, turns=2))
    assert not [event for event in through if isinstance(event, Problem)]
    assert isinstance(through[-1], SessionEnded)
    assert finals(through) == finals(direct)
    assert len(finals(direct)) == 4
    assert sound(through) == sound(direct) > 48_000


def test_turns_that_the_client_ends_are_answered_without_more_audio(gateway: LiveServer) -> None:
    events = asyncio.run(interpret(gateway.url, MODELS[0], turns=2, manual=True))
    assert [e.status for e in events if isinstance(e, ResponseFinished)] == ["completed"] * 2
    assert len(finals(events)) == 4


def test_text_grows_while_the_speaker_talks(gateway: LiveServer) -> None:
    events = asyncio.run(interpret(gateway.url, MODELS[0]))
    texts = [event.text for event in events if isinstance(event, SourceText)]
    assert len(set(texts)) >= 2
    assert all(later.startswith(earlier) for earlier, later in pairwise(texts))


async def say(url: str, text: str) -> bytes:
    async with SpeechClient(url) as client:
        return b"".join([piece async for piece in client.speak(text)])


def test_speech_is_that_of_the_upstream(gateway: LiveServer, scripted_server: LiveServer) -> None:
    text = "One two three. Four five six seven! Eight?"
    direct = asyncio.run(say(scripted_server.url, text))
    assert len(asyncio.run(say(gateway.url, text))) == pytest.approx(len(direct), rel=0.02)


# ---------------------------------------------------------------- recognition over a WebSocket
@pytest.mark.parametrize("shape", ["openai", "deepgram"])
def test_a_recogniser_behind_a_websocket(shape: str) -> None:
    with (
        serving(shape) as asr,
        serve(engines=f"scripted,asr=realtime-asr?url={asr.url}&shape={shape}&model=m") as server,
    ):
        events = asyncio.run(interpret(server.url, MODELS[0], turns=2))
        assert not [event for event in events if isinstance(event, Problem)]
        heard, translated = finals(events)[:2]
        assert heard[1].startswith("One two three four")
        assert translated[1].startswith("One-es two-es three-es four-es")
        assert asr.wait_for_none_open()


def test_the_next_recogniser_goes_on_where_nobody_listens() -> None:
    with serve(engines="scripted,asr=realtime-asr?url=ws://127.0.0.1:9,scripted-asr") as server:
        events = asyncio.run(interpret(server.url, MODELS[0]))
        assert [e.status for e in events if isinstance(e, ResponseFinished)] == ["completed"]
        assert finals(events)[0][1].startswith("One two three four")


def test_a_recogniser_that_breaks_off_fails_its_turn_only() -> None:
    with (
        serving("openai", Fault(close_after=5)) as asr,
        serve(engines=f"scripted,asr=realtime-asr?url={asr.url}") as server,
    ):

        async def talk() -> list[str]:
            states = []
            async with InterpretClient(server.url, model=MODELS[0]) as client:
                await client.update(target="es", source="en", manual=True)
                for number in range(2):
                    for at in range(0, len(TALK[0]), 3200):
                        await client.send_audio(TALK[0][at : at + 3200])
                    await client.commit()
                    async for event in client:
                        if isinstance(event, ResponseFinished):
                            states.append(event.status)
                            break
                    asr.fault = Fault()
                    assert number < 2
            return states

        assert asyncio.run(talk()) == ["failed", "completed"]
