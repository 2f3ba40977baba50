"""A glossary from the wire to the transcript and the translation, with real engines."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from dragoman.client.events import Problem, ResponseFinished, SourceText, TranslatedText
from dragoman.client.interpretation import InterpretClient
from dragoman.policy.glossary.terms import Glossary
from dragoman.testing.live_server import LiveServer
from tests import recordings
from tests.engines.installed import needs_apertium

PHRASES = {
    "Kubernetes": "Kubernetes",
    "zebrafish": "pez cebra",
    "edge case": "caso límite",
    "Thessaloniki": "Tesalónica",
    "Reykjavik": "Reikiavik",
    "oscilloscope": "osciloscopio digital",
}
SPOKEN = (
    "We deploy everything on Kubernetes in Reykjavik.",
    "The zebrafish is under the oscilloscope.",
    "An edge case was found in Thessaloniki.",
)
QUIET = bytes(2 * 16_000 * 2)


@pytest.fixture(scope="module")
def speech() -> bytes:
    """Spoken by a process of its own, as the server does: in one in which many other engines ran
    before, flite was seen to make no sound.
    """
    code = "import sys; from tests.engines.flite_speech import flite_pcm as speak; "
    code += "sys.stdout.buffer.write(speak(sys.argv[1]))"
    root = Path(__file__).resolve().parents[2]
    spoken = [
        subprocess.run(
            [sys.executable, "-c", code, text], stdout=subprocess.PIPE, check=True, cwd=root
        ).stdout
        for text in SPOKEN
    ]
    assert all(len(pcm) > 32_000 for pcm in spoken)
    return b"".join(pcm + QUIET for pcm in spoken)


async def interpreted(url: str, pcms: Sequence[bytes], **settings: object) -> tuple[str, str]:
    """Source and target text of a session that is sent these pieces of speech."""
    source: list[str] = []
    target: list[str] = []
    async with InterpretClient(url) as client:
        await client.update(target="es", source="en", text_only=True, **settings)

        async def send() -> None:
            for pcm in pcms:
                await client.send_audio(pcm)
            await client.finish()

        sending = asyncio.create_task(send())
        async for event in client:
            assert not isinstance(event, Problem), event
            if isinstance(event, SourceText | TranslatedText) and event.final:
                (source if isinstance(event, SourceText) else target).append(event.text)
        await sending
    return " ".join(source), " ".join(target)


def count_terms(source: str, target: str, phrases: dict[str, str]) -> tuple[int, int]:
    """How many terms are in the transcript, and of how many of these the translation has the
    glossary's word.
    """
    in_source = Glossary(phrases, "en").matches(source)
    in_target = [m for m in in_source if m.term.value.casefold() in target.casefold()]
    return len(in_source), len(in_target)


@needs_apertium
def test_spoken_terms_with_and_without_a_glossary(
    embedded_server: LiveServer, speech: bytes
) -> None:
    async def main() -> None:
        plain_source, plain_target = await interpreted(embedded_server.url, [speech])
        source, target = await interpreted(embedded_server.url, [speech], phrases=PHRASES)
        in_source, in_target = count_terms(source, target, PHRASES)
        plain = count_terms(plain_source, plain_target, PHRASES)
        assert source, embedded_server.log()[-3000:]
        assert in_target == in_source, (source, target)  # recall
        assert in_source > plain[0], (plain_source, source)
        assert in_target > plain[1]
        assert not re.search("Robert|Gilbert|Alan|Edwin|Victor", target)

    asyncio.run(asyncio.wait_for(main(), 120))


@needs_apertium
def test_a_new_glossary_holds_from_the_next_turn_on(embedded_server: LiveServer) -> None:
    """On a reading that is always understood: it was the best of times."""
    reading = recordings.read(recordings.two_cities())[: 9 * 16_000]
    speech = (reading * 32_767).astype(np.int16).tobytes()

    async def main() -> None:
        texts: list[str] = []
        async with InterpretClient(embedded_server.url) as client:
            await client.update(target="es", source="en", text_only=True, manual=True)
            for phrases in ({}, {"times": "caso uno"}, {"times": "caso dos"}):
                await client.update(phrases=phrases)
                await client.send_audio(speech)
                await client.commit()
                async for event in client:
                    if isinstance(event, TranslatedText) and event.final:
                        texts.append(event.text)
                    if isinstance(event, ResponseFinished):
                        break
        assert ["uno" in text for text in texts] == [False, True, False]
        assert ["dos" in text for text in texts] == [False, False, True]

    asyncio.run(asyncio.wait_for(main(), 120))


@needs_apertium
@recordings.needs_shared
def test_recordings_with_the_words_they_hold(embedded_server: LiveServer) -> None:
    """The glossary's word for every third long word of what was in_source, in every translation."""
    manifest = json.loads((recordings.SHARED / "manifest.json").read_text("utf-8"))
    names = sorted(path.name for path in recordings.SHARED.glob("en_LJ001_000[1-3].flac"))
    assert manifest
    pcms = [
        (recordings.read(recordings.SHARED / name) * 32_767).astype(np.int16).tobytes() + QUIET
        for name in names
    ]

    async def main() -> None:
        source, _ = await interpreted(embedded_server.url, pcms)
        long_words = sorted({w.lower() for w in re.findall(r"[A-Za-z]{7,}", source)})[::3]
        phrases = {word: f"término{n}" for n, word in enumerate(long_words)}
        source, target = await interpreted(embedded_server.url, pcms, phrases=phrases)
        in_source, in_target = count_terms(source, target, phrases)
        assert in_source >= len(phrases) - 1
        assert in_target == in_source, (source, target)

    asyncio.run(asyncio.wait_for(main(), 120))
