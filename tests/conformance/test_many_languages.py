"""Speech of several languages through a real server, with Moonshine and Whisper as recognisers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import numpy as np
import pytest

from dragoman.client.events import SourceText, TranslatedText
from dragoman.client.interpretation import InterpretClient
from dragoman.engines.whisper.model import model_folder
from dragoman.testing.live_server import LiveServer, serve
from dragoman.testing.validators.interpretation import validate_interpretation
from tests.recordings import needs_shared, shared, spoken_words

pytestmark = pytest.mark.engine

MODEL = "qwen3.5-livetranslate-flash-realtime"
ENGINES = "embedded,asr=moonshine,whisper,ocr=,speaker=,tts=espeak"
PAUSE = np.zeros(2 * 16_000, np.float32)


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    model_folder("base")
    with serve(engines=ENGINES) as server:
        yield server


def decodes(server: LiveServer) -> dict[str, float]:
    """How long each recogniser has worked so far."""
    lines = server.get("/metrics")[1].decode().splitlines()
    found = {}
    for name in ("moonshine", "whisper"):
        rows = [row for row in lines if row.startswith("dragoman_engine_busy_seconds_total")]
        found[name] = sum(float(row.rpartition(" ")[2]) for row in rows if f'"{name}"' in row)
    return found


def interpreted(
    server: LiveServer,
    *speech: np.ndarray,
    target: str,
    source: str | None = None,
    failures: bool = False,
) -> tuple[list[str], list[str]]:
    """Final source and target texts of a session that is sent this speech, with pauses."""
    log: list[tuple[str, dict]] = []
    samples = np.concatenate([part for one in speech for part in (one, PAUSE)])
    pcm = (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()

    async def main() -> tuple[list[str], list[str]]:
        heard: list[str] = []
        said: list[str] = []

        def tap(way: str, raw: dict) -> None:
            log.append((">" if way == "out" else "<", raw))

        async with InterpretClient(server.url, model=MODEL, tap=tap) as client:
            await client.update(target=target, source=source, text_only=True)

            async def send() -> None:
                for at in range(0, len(pcm), 6_400):
                    await client.send_audio(pcm[at : at + 6_400])
                await client.finish()

            sending = asyncio.create_task(send())
            async for event in client:
                if isinstance(event, SourceText | TranslatedText) and event.final:
                    (heard if isinstance(event, SourceText) else said).append(event.text)
            await sending
        return heard, said

    found = asyncio.run(main())
    validate_interpretation(log, model=MODEL, failures=failures)
    return found


def clip(name: str) -> np.ndarray:
    return next(one for one in shared() if one.id == name).samples()


@needs_shared
def test_languages_are_found_and_english_is_moonshines(server: LiveServer) -> None:
    """One session: Spanish, then English, and nothing declared."""
    before = decodes(server)
    spanish, english = clip("es_pico_leopard"), clip("en_jfk")
    heard, said = interpreted(server, spanish, english, target="en")
    text = spoken_words(" ".join(heard))
    assert "las arenas son" in text
    assert "fellow americans ask not" in text
    assert len(heard) >= 2
    assert "sand" in spoken_words(" ".join(said)), "the Spanish part is translated"
    assert "fellow americans ask not" in spoken_words(" ".join(said)), "the English part is passed"
    after = decodes(server)
    assert after["moonshine"] > before["moonshine"]
    assert after["whisper"] > before["whisper"]


@needs_shared
@pytest.mark.parametrize("source", ["en", "es"])
def test_a_declared_language_goes_to_the_first_that_covers_it(
    server: LiveServer, source: str
) -> None:
    before = decodes(server)
    name = {"en": "en_LJ001_0010", "es": "es_cv_19759842"}[source]
    heard, _ = interpreted(server, clip(name), target="en", source=source)
    assert heard
    after = decodes(server)
    worked = {name for name in after if after[name] > before[name]}
    assert worked == {"moonshine" if source == "en" else "whisper"}


@needs_shared
@pytest.mark.parametrize("source", ["de", None])
def test_german_comes_out_as_english_by_whispers_own_translation(
    server: LiveServer, source: str | None
) -> None:
    heard, said = interpreted(server, clip("de_thorsten_03"), target="en", source=source)
    assert "europa und asien" in spoken_words(" ".join(heard))
    assert "europe and asia" in spoken_words(" ".join(said))


@needs_shared
def test_translators_that_hear_live_in_the_engine_process_as_well() -> None:
    with serve(engines=ENGINES, workers=2) as server:
        _, said = interpreted(server, clip("de_thorsten_03"), target="en", source="de")
    assert "europe and asia" in spoken_words(" ".join(said))


@needs_shared
def test_what_nobody_translates_is_written_and_fails_its_turn_only(server: LiveServer) -> None:
    """Japanese into English: the words come, no translation does, and the session goes on."""
    japanese, spanish = clip("ja_pico_leopard"), clip("es_pico_leopard")
    heard, said = interpreted(server, japanese, spanish, target="en", failures=True)
    assert "知識" in "".join(heard)
    assert "sand" in spoken_words(" ".join(said))
