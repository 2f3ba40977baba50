"""The typed clients and their commands against a real server with scripted engines."""

from __future__ import annotations

import asyncio
import wave
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from dragoman.cli.say import say
from dragoman.cli.translate import translate
from dragoman.client.errors import ServerError
from dragoman.client.events import (
    Event,
    Problem,
    ResponseFinished,
    SessionChanged,
    SessionEnded,
    SourceText,
    SpeechAudio,
    TranslatedText,
)
from dragoman.client.interpretation import InterpretClient
from dragoman.client.media import MediaFile, SoundChunk
from dragoman.client.synthesis import SpeechClient
from dragoman.testing.live_server import LiveServer
from tests.client.fake_server import FLAT, NESTED, OLDEST
from tests.client.media_files import make_media

# Commands run in this process, which saves a start of Python each.
SAY, TRANSLATE = typer.Typer(), typer.Typer()
SAY.command()(say)
TRANSLATE.command()(translate)


async def interpret(url: str, model: str, path: Path) -> list[Event]:
    async with (
        InterpretClient(url, model=model) as client,
        MediaFile(path) as media,
        asyncio.TaskGroup() as tasks,
    ):

        async def send() -> None:
            async for piece in media:
                if isinstance(piece, SoundChunk):
                    await client.send_audio(piece.pcm)
            await client.finish()

        await client.update(target="es", source="en")
        tasks.create_task(send())
        return [event async for event in client]


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    return make_media(
        tmp_path / "talk.wav", seconds=5, codec="pcm_s16le", rate_hz=16_000, channels=1
    )


@pytest.mark.parametrize("model", [OLDEST, FLAT, NESTED])
def test_a_session_of_every_generation(scripted_server: LiveServer, talk: Path, model: str) -> None:
    events = asyncio.run(interpret(scripted_server.url, model, talk))
    assert not [event for event in events if isinstance(event, Problem)]
    assert isinstance(events[-1], SessionEnded)
    changed = [event for event in events if isinstance(event, SessionChanged)]
    assert changed[0].session["translation"]["language"] == "es"
    recognised = [event.text for event in events if isinstance(event, SourceText) and event.final]
    translated = [
        event.text for event in events if isinstance(event, TranslatedText) and event.final
    ]
    assert recognised
    assert len(recognised) == len(translated)
    for source, target in zip(recognised, translated, strict=True):
        assert len(source.split()) == len(target.split())
        assert all("-es" in word for word in target.split())
    assert sum(len(event.data) for event in events if isinstance(event, SpeechAudio)) > 24_000
    turns = [event for event in events if isinstance(event, ResponseFinished)]
    assert [turn.status for turn in turns] == ["completed"] * len(translated)
    assert all(turn.usage and turn.usage.total_tokens > 0 for turn in turns)


@pytest.mark.parametrize("model", [FLAT, NESTED])
def test_committed_text_only_grows(scripted_server: LiveServer, talk: Path, model: str) -> None:
    events = asyncio.run(interpret(scripted_server.url, model, talk))
    shown: dict[str, str] = {}
    for event in events:
        if isinstance(event, TranslatedText):
            before = shown.get(event.response_id, "")
            assert event.text.startswith(before)
            shown[event.response_id] = event.text


def test_speech_in_both_modes(scripted_server: LiveServer) -> None:
    async def run(mode: str) -> bytes:
        async with SpeechClient(scripted_server.url) as client:
            await client.update(mode=mode, sample_rate=16_000)
            return b"".join([data async for data in client.speak("One two. Three four.")])

    by_server, by_hand = (asyncio.run(run(mode)) for mode in ("server_commit", "commit"))
    assert any(by_server)
    assert len(by_server) == pytest.approx(len(by_hand), rel=0.2)


def test_an_unknown_model_is_an_error_with_its_name(scripted_server: LiveServer) -> None:
    async def run() -> None:
        async with SpeechClient(scripted_server.url, model="nonsense-model") as client:
            async for _ in client.speak("Hello."):
                pass

    with pytest.raises(ServerError, match="nonsense-model") as failed:
        asyncio.run(run())
    assert failed.value.code == "ModelNotFound"


def test_the_session_stays_open_during_a_second_without_text(scripted_server: LiveServer) -> None:
    async def run() -> list[type]:
        async with SpeechClient(scripted_server.url) as client:
            await client.append("One two. ")
            await client.commit()
            kinds: list[type] = []
            async for event in client:
                kinds.append(type(event))
                if isinstance(event, ResponseFinished):
                    await client.append("Three.")
                    await client.finish()
            return kinds

    kinds = asyncio.run(run())
    assert kinds.count(ResponseFinished) == 2
    assert kinds[-1] is SessionEnded


def test_say_against_the_server(scripted_server: LiveServer, tmp_path: Path) -> None:
    out = tmp_path / "out.wav"
    args = ["One two three.", "-o", str(out), "--url", scripted_server.url, "--sample-rate"]
    result = CliRunner().invoke(SAY, [*args, "16000"])
    assert result.exit_code == 0, result.output
    with wave.open(str(out)) as found:
        assert found.getframerate() == 16_000
        assert any(found.readframes(found.getnframes()))


def test_translate_against_the_server(
    scripted_server: LiveServer, talk: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.wav"
    args = [str(talk), "--to", "es", "--fast", "-o", str(out), "--url", scripted_server.url]
    result = CliRunner().invoke(TRANSLATE, args)
    assert result.exit_code == 0, result.output
    assert "-es" in result.stdout
    assert out.stat().st_size > 24_000
    result = CliRunner().invoke(TRANSLATE, [*args, "--source", "tlh"])
    assert result.exit_code == 1
    assert "tlh" in result.stderr
