"""The interpretation client: settings and events of three generations."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest

from dragoman.client.errors import CannotConnect, ServerError
from dragoman.client.events import (
    Event,
    ResponseFinished,
    SessionEnded,
    SourceSpeechStarted,
    SourceSpeechStopped,
    SourceText,
    SpeechAudio,
    TranslatedText,
)
from dragoman.client.interpretation import InterpretClient, InterpretSettings, session_object
from tests.client.fake_server import (
    FLAT,
    NESTED,
    OLDEST,
    ServerSide,
    fake_server,
    interpreting,
    opening,
    tone,
)


async def interpret(url: str, model: str, pcm: bytes, **settings: Any) -> list[Event]:
    async with InterpretClient(url, model=model) as client:
        await client.update(**settings)
        await client.send_audio(pcm)
        await client.finish()
        return [event async for event in client]


@pytest.mark.parametrize("model", [OLDEST, FLAT, NESTED])
def test_all_generations_give_the_same_events(model: str) -> None:
    pcm = tone(200, 16_000)
    with fake_server(interpreting(model, turns=2)) as fake:
        events = asyncio.run(interpret(fake.url, model, pcm, target="es"))
    assert fake.pcm() == pcm
    finals = [(e.item_id, e.text) for e in events if isinstance(e, SourceText) and e.final]
    assert finals == [("item_s1", "It was the best."), ("item_s2", "It was the best.")]
    said = [(e.response_id, e.text) for e in events if isinstance(e, TranslatedText) and e.final]
    assert said == [("resp_1", "Era el mejor."), ("resp_2", "Era el mejor.")]
    growing = [
        e.text for e in events if isinstance(e, TranslatedText) and e.response_id == "resp_1"
    ]
    assert growing == ["Era", "Era el mejor", "Era el mejor."]
    assert sum(len(e.data) for e in events if isinstance(e, SpeechAudio)) == 2 * 500 * 48
    assert [e.status for e in events if isinstance(e, ResponseFinished)] == [
        "completed",
        "completed",
    ]
    starts = [e.audio_start_ms for e in events if isinstance(e, SourceSpeechStarted)]
    stops = [e.audio_end_ms for e in events if isinstance(e, SourceSpeechStopped)]
    assert len(starts) == 2
    assert stops == [900, 900]
    assert isinstance(events[-1], SessionEnded)


def test_only_snapshots_have_a_stash() -> None:
    for model, expected in ((FLAT, {" the west", "It was", ""}), (NESTED, {""})):
        with fake_server(interpreting(model)) as fake:
            events = asyncio.run(interpret(fake.url, model, tone(100, 16_000), target="es"))
        assert {e.stash for e in events if isinstance(e, SourceText)} == expected


def test_flat_settings() -> None:
    settings = InterpretSettings(target="es", source="en", voice="Tina", phrases={"Dover": "Dover"})
    assert session_object(settings, FLAT) == {
        "modalities": ["text", "audio"],
        "input_audio_format": "pcm",
        "output_audio_format": "pcm",
        "input_audio_transcription": {"model": "qwen3-asr-flash-realtime", "language": "en"},
        "voice": "Tina",
        "translation": {"language": "es", "corpus": {"phrases": {"Dover": "Dover"}}},
    }
    oldest = session_object(
        InterpretSettings(target="es", text_only=True, transcript=False), OLDEST
    )
    assert oldest == {
        "modalities": ["text"],
        "input_audio_format": "pcm16",
        "output_audio_format": "pcm24",
        "input_audio_transcription": None,
        "translation": {"language": "es"},
    }


def test_nested_settings() -> None:
    detection = {"type": "server_vad", "silence_duration_ms": 600}
    settings = InterpretSettings(target="es", source="en", turn_detection=detection, more={"x": 1})
    assert session_object(settings, NESTED) == {
        "output_modalities": ["text", "audio"],
        "audio": {
            "input": {
                "format": {"type": "pcm", "sample_rate": 16_000},
                "turn_detection": detection,
            },
            "output": {"format": {"type": "pcm", "sample_rate": 24_000}, "voice": "Tina"},
        },
        "translation": {"language": "es"},
        "input_audio_transcription": {"language": "en"},
        "x": 1,
    }


@pytest.mark.parametrize("model", [OLDEST, FLAT, NESTED])
def test_manual_mode_sends_null_as_turn_detection(model: str) -> None:
    session = session_object(InterpretSettings(target="es", manual=True), model)
    place = session["audio"]["input"] if model == NESTED else session
    assert place["turn_detection"] is None


def test_a_later_update_repeats_earlier_settings() -> None:
    async def script(server: ServerSide) -> None:
        await opening(server, NESTED)
        await server.receive_until("input_audio_buffer.commit")
        await server.receive_until("input_audio_buffer.clear")
        await server.receive_until("session.finish")
        await server.send("session.finished")

    async def run(url: str) -> None:
        async with InterpretClient(url, model=NESTED) as client:
            await client.update(target="es", voice="Ethan")
            await client.update(voice="Cindy")
            await client.send_image(b"\xff\xd8jpeg")
            await client.commit()
            await client.clear()
            await client.finish()
            assert [type(event) async for event in client] == [SessionEnded]

    with fake_server(script) as fake:
        asyncio.run(run(fake.url))
    first, second = (event["session"] for event in fake.sent("session.update"))
    assert first["translation"] == second["translation"] == {"language": "es"}
    assert second["audio"]["output"]["voice"] == "Cindy"
    (image,) = fake.sent("input_image_buffer.append")
    assert base64.b64decode(image["image"]) == b"\xff\xd8jpeg"


def test_an_unknown_setting_raises_type_error() -> None:
    async def run(url: str) -> None:
        async with InterpretClient(url) as client:
            await client.update(langauge="es")

    with fake_server(interpreting()) as fake, pytest.raises(TypeError):
        asyncio.run(run(fake.url))


def test_long_audio_is_sent_in_moderate_frames() -> None:
    pcm = tone(30_000, 16_000)
    with fake_server(interpreting()) as fake:
        asyncio.run(interpret(fake.url, FLAT, pcm, target="es"))
    assert fake.pcm() == pcm
    sizes = [len(event["audio"]) for event in fake.sent("input_audio_buffer.append")]
    assert len(sizes) > 1
    assert max(sizes) < 400_000


def test_a_model_that_does_not_exist() -> None:
    async def script(server: ServerSide) -> None:
        await opening(server, "nonsense")
        await server.error("ModelNotFound", "Model not found (nonsense)!", "invalid_request_error")
        await server.socket.close(1007, "Model not found (nonsense)!")

    async def run(url: str) -> None:
        async with InterpretClient(url, model="nonsense") as client:
            async for _ in client:
                pass

    with fake_server(script) as fake, pytest.raises(ServerError, match="nonsense"):
        asyncio.run(run(fake.url))


def test_a_server_that_opens_no_session() -> None:
    async def script(server: ServerSide) -> None:
        await server.wait_for_close()

    async def run(url: str) -> None:
        async with InterpretClient(url, open_timeout_s=0.3):
            pass

    with fake_server(script) as fake, pytest.raises(CannotConnect, match="no session"):
        asyncio.run(run(fake.url))


def test_it_must_be_entered_before_use() -> None:
    with pytest.raises(Exception, match="async with"):
        asyncio.run(InterpretClient("ws://127.0.0.1:1/").finish())
