"""Real speech through a real server: floors wide enough never to flake, tuned to nothing.

The recordings are those beside the checkout, or else those that come with dependencies. Word
error rates and chrF of every recording are printed by ``make bench``; here stand only the limits
whose breach means that something is broken.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import jiwer
import numpy as np
import pytest
import sacrebleu

from dragoman.client.events import SourceText, SpeechAudio, TranslatedText
from dragoman.client.interpretation import InterpretClient
from dragoman.engines import registry
from dragoman.engines.base import Translation
from dragoman.runtime.engine_set import EngineSet
from dragoman.testing.live_server import LiveServer, serve
from dragoman.testing.validators.interpretation import validate_interpretation
from tests.recordings import (
    Recording,
    needs_shared,
    pocketsphinx,
    read,
    shared,
    spoken_words,
    two_cities,
)

MAX_WER = 0.20
MIN_AGREEMENT = 60.0
FOREIGN = ("de", "zh", "ja", "ko", "fr")
A3 = "qwen3.5-livetranslate-flash-realtime"
B = "qwen3.8-livetranslate-flash-realtime"


class Heard:
    """What one session gave: final texts, speech, and every event."""

    def __init__(self, model: str) -> None:
        self.model = model
        self.source: list[str] = []
        self.target: list[str] = []
        self.speech = 0
        self.log: list[tuple[str, dict]] = []

    def tap(self, way: str, raw: dict) -> None:
        self.log.append((">" if way == "out" else "<", raw))


async def interpret(
    server: LiveServer,
    samples: np.ndarray,
    *,
    model: str = A3,
    chunk_ms: int = 100,
    realtime: bool = False,
) -> Heard:
    """Into Spanish, as fast as the server takes it or at microphone pace."""
    heard = Heard(model)
    pcm = (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()
    size = chunk_ms * 32
    async with InterpretClient(server.url, model=model, tap=heard.tap) as client:

        async def send() -> None:
            await client.update(target="es")
            began_s = asyncio.get_running_loop().time()
            for number, at in enumerate(range(0, len(pcm), size), 1):
                if realtime:
                    due_s = began_s + number * chunk_ms / 1000
                    await asyncio.sleep(due_s - asyncio.get_running_loop().time())
                await client.send_audio(pcm[at : at + size])
            await client.finish()

        sending = asyncio.create_task(send())
        async for event in client:
            match event:
                case SourceText(final=True, text=text):
                    heard.source.append(text)
                case TranslatedText(final=True, text=text):
                    heard.target.append(text)
                case SpeechAudio(data=voice):
                    heard.speech += len(voice)
        await sending
    return heard


def english() -> list[Recording]:
    return [r for r in shared("en") if r.human and r.duration_s < 16] or pocketsphinx()


async def translated_whole(texts: list[str]) -> list[str]:
    """Each text at once, by the translators of the preset."""
    mt = ",".join(registry.PRESETS["embedded"].mt)
    choice = registry.parse_choice(f"vad=energy,asr=scripted-asr,mt={mt},tts=scripted-tts")
    engines = EngineSet(choice, warm=())
    await engines.load()
    try:
        host = engines.translator("en", "es")
        return [str(await host.call(Translation(text, source="en", target="es"))) for text in texts]
    finally:
        await engines.close()


@pytest.mark.timeout(400)
def test_english_is_recognised_and_translated(embedded_server: LiveServer) -> None:
    recordings = english()
    assert recordings

    async def main() -> list[Heard]:
        return [await interpret(embedded_server, r.samples()) for r in recordings]

    sessions = asyncio.run(main())
    for session in sessions:
        validate_interpretation(session.log, model=A3)
    sources = [" ".join(session.source) for session in sessions]
    targets = [" ".join(session.target) for session in sessions]
    wer = jiwer.wer([spoken_words(r.transcript) for r in recordings], [*map(spoken_words, sources)])
    assert wer <= MAX_WER
    # The clause units say nearly what the same engines say of the whole text at once.
    agreement = sacrebleu.corpus_chrf(targets, [asyncio.run(translated_whole(sources))])
    assert agreement.score >= MIN_AGREEMENT
    assert all(
        session.speech > 24_000 for session, text in zip(sessions, targets, strict=False) if text
    )


@pytest.mark.parametrize("chunk_ms", [20, 2000])
def test_chunks_of_any_size_are_heard(embedded_server: LiveServer, chunk_ms: int) -> None:
    recording = english()[0]
    heard = asyncio.run(interpret(embedded_server, recording.samples(), model=B, chunk_ms=chunk_ms))
    validate_interpretation(heard.log, model=heard.model)
    assert jiwer.wer(spoken_words(recording.transcript), spoken_words(" ".join(heard.source))) < 0.4


def test_silence_and_noise_say_nothing(embedded_server: LiveServer) -> None:
    noise = np.random.default_rng(3).normal(0, 0.01, 16_000 * 6).astype(np.float32)
    heard = asyncio.run(interpret(embedded_server, np.concatenate((noise, np.zeros(48_000)))))
    validate_interpretation(heard.log, model=heard.model)
    assert "".join(heard.source + heard.target) == ""
    assert heard.speech == 0


@pytest.fixture
def english_server() -> Iterator[LiveServer]:
    """One whose only recogniser is English."""
    with serve(engines="embedded,asr=moonshine,ocr=,speaker=") as server:
        yield server


@needs_shared
@pytest.mark.engine
@pytest.mark.timeout(300)
def test_foreign_speech_gives_no_invented_english(english_server: LiveServer) -> None:
    recordings = [r for r in shared(*FOREIGN) if r.duration_s < 10]

    async def main() -> list[Heard]:
        return [await interpret(english_server, r.samples()) for r in recordings]

    sessions = asyncio.run(main())
    for session in sessions:
        validate_interpretation(session.log, model=A3)
    quiet = [r.id for r, s in zip(recordings, sessions, strict=False) if not "".join(s.source)]
    assert len(quiet) >= 0.7 * len(recordings), {r.id for r in recordings} - set(quiet)


@pytest.mark.timeout(120)
def test_nothing_of_a_reading_is_lost_at_microphone_pace(embedded_server: LiveServer) -> None:
    """Windows, pauses and prefixes work together here as they only do in real time."""
    samples = read(two_cities())[: 18 * 16_000]
    heard = asyncio.run(interpret(embedded_server, samples, realtime=True))
    validate_interpretation(heard.log, model=A3)
    said = spoken_words(" ".join(heard.source))
    for word in ("wisdom", "foolishness", "belief", "incredulity", "light", "darkness"):
        assert word in said
