"""Slides through a real server: names that are said and shown come out, others never do."""

from __future__ import annotations

import asyncio
import re

import pytest

from dragoman.client.events import SourceText, TranslatedText
from dragoman.client.interpretation import InterpretClient
from dragoman.testing.live_server import LiveServer
from tests.engines.flite_speech import flite_pcm
from tests.slides import slide

pytest.importorskip("rapidocr")

SENTENCE = "Our partner is the company Veltrano in Milan."
SHOWN = slide("Group structure", "Veltrano, Bergamo", "and Nordhaven")
ELSE = slide("Quarterly results", "Okonkwo, Haversham", "and Thornbury of Leeds")


@pytest.fixture(scope="module")
def spoken() -> bytes:
    return flite_pcm(SENTENCE) + bytes(48_000)


def readings(server: LiveServer) -> int:
    page = server.get("/metrics")[1].decode()
    found = re.findall(r'dragoman_work_total\{name="pictures_(?:read|failed)"\} (\d+)', page)
    return sum(map(int, found))


async def interpreted(server: LiveServer, pcm: bytes, picture: bytes) -> tuple[str, str]:
    """The source and target text; the picture has been read before anything is said."""
    heard, translated = [], []
    model = "qwen3.5-livetranslate-flash-realtime"
    async with InterpretClient(server.url, model=model) as client:
        await client.update(target="es", source="en", text_only=True)
        await client.send_audio(bytes(3200))  # a picture needs audio before it
        if picture:
            before = readings(server)
            await client.send_image(picture)
            async with asyncio.timeout(60):
                while readings(server) == before:
                    await asyncio.sleep(0.05)
        await client.send_audio(pcm)
        await client.finish()
        async for event in client:
            if isinstance(event, SourceText) and event.final:
                heard.append(event.text)
            elif isinstance(event, TranslatedText) and event.final:
                translated.append(event.text)
    return " ".join(heard), " ".join(translated)


def test_a_name_that_is_shown_and_said_and_names_that_are_only_shown(
    embedded_server: LiveServer, spoken: bytes
) -> None:
    plain, _ = asyncio.run(interpreted(embedded_server, spoken, b""))
    assert "partner" in plain
    assert "Veltrano" not in plain, "then this sentence proves nothing"
    heard, translated = asyncio.run(interpreted(embedded_server, spoken, SHOWN))
    assert "Veltrano" in heard
    assert "Veltrano" in translated
    assert not re.search("Bergamo|Nordhaven|structure", heard)
    heard, _ = asyncio.run(interpreted(embedded_server, spoken, ELSE))
    assert not re.search("Okonkwo|Haversham|Thornbury|Leeds|Quarterly", heard)
    assert "partner" in heard


def test_pictures_that_cannot_be_read_change_nothing(
    embedded_server: LiveServer, spoken: bytes
) -> None:
    broken = SHOWN[: len(SHOWN) // 8]  # headers that look right, and then nothing
    heard, translated = asyncio.run(interpreted(embedded_server, spoken, broken))
    assert "partner" in heard
    assert re.search("socio|compañero", translated)
