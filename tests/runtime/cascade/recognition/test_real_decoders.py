"""The recognition stage on the embedded detector and recogniser: speech, and what is none.

Nothing here is tuned to these recordings; the floors are wide enough never to flake.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import jiwer
import numpy as np
import pytest

from dragoman.audio.resample import Resampler
from dragoman.engines.base import EngineUnavailable, Samples
from dragoman.engines.registry import parse_choice
from dragoman.runtime.capacity import Speaker
from dragoman.runtime.cascade.image_reader import ImageReader
from dragoman.runtime.cascade.recognition.stage import RecognitionStage
from dragoman.runtime.cascade.recognition.turn import TurnPublisher
from dragoman.runtime.cascade.word_mailbox import WordMailbox
from dragoman.runtime.driver.inbox import Inbox
from dragoman.runtime.engine_set import EngineSet
from dragoman.speech import Audio, Heard, Interpret, InterpretationOptions, Result
from tests.recordings import DICKENS, read, spoken_words, two_cities
from tests.runtime.cascade.fake_cascade import Events, pcm
from tests.runtime.cascade.recognition.noise_signals import KINDS, noise

pytestmark = pytest.mark.engine

STEPS = Interpret(target="en", source="en", conduct=InterpretationOptions(step_ms=480))
SILENCE = np.zeros(24_000, np.float32)


class RealEngines:
    """Loaded engines, and the loop they live on."""

    def __init__(self) -> None:
        self.runner = asyncio.Runner()
        self.engines = self.runner.run(self._load())

    async def _load(self) -> EngineSet:
        engines = EngineSet(parse_choice("scripted,vad=silero,asr=moonshine"), warm=())
        await engines.load()
        return engines

    def close(self) -> None:
        self.runner.run(self.engines.close())
        self.runner.close()

    def heard(
        self, data: bytes, task: Interpret = STEPS, size: int = 3200, pace: float = 0.0
    ) -> list[Heard]:
        """What is heard of this PCM, which comes in pieces of so many bytes."""
        return self.runner.run(self._hear(data, task, size, pace))

    async def _hear(self, data: bytes, task: Interpret, size: int, pace: float) -> list[Heard]:
        inbox, words, facts = Inbox(320_000), WordMailbox(), []

        async def emit(fact: Result) -> None:
            facts.append(fact)

        async def take() -> None:
            while await words.get() is not None:
                pass

        async def send() -> None:
            for at in range(0, len(data), size):
                await inbox.room()
                inbox.put(Audio(data[at : at + size]))
                await asyncio.sleep(size / 2 / task.rate_in * pace)
            inbox.end()

        publisher = TurnPublisher(emit, words, Events(), time.monotonic, lambda: inbox.arrived_s)
        images = ImageReader(None, Events(), time.monotonic)
        recognition = RecognitionStage(task, self.engines, publisher, images, Speaker())
        await asyncio.wait_for(asyncio.gather(recognition.run(inbox), take(), send()), 120)
        return [fact for fact in facts if isinstance(fact, Heard)]


@pytest.fixture(scope="module")
def engines() -> Iterator[RealEngines]:
    try:
        found = RealEngines()
    except EngineUnavailable as reason:
        pytest.skip(str(reason))
    yield found
    found.close()


def finals(heard: list[Heard]) -> list[str]:
    return [fact.text for fact in heard if fact.final and fact.text]


def reading() -> Samples:
    """The first part of the Dickens reading: two long sentences, some 11 s."""
    return np.concatenate((read(two_cities())[: 11 * 16_000], SILENCE))


def errors(heard: list[Heard]) -> float:
    words = spoken_words(" ".join(finals(heard))).split()
    expected = spoken_words(DICKENS).split()[: len(words)]
    assert len(words) >= 15
    return float(jiwer.wer(" ".join(expected), " ".join(words)))


@pytest.mark.parametrize("kind", KINDS)
def test_noise_gives_no_words(engines: RealEngines, kind: str) -> None:
    parts = [SILENCE]
    for seed, level_dbfs in enumerate((-50, -35, -20, -10)):
        parts += [noise(kind, 6.0, level_dbfs, seed), SILENCE]
    heard = engines.heard(pcm(np.concatenate(parts)))
    assert finals(heard) == []
    assert {fact.stash for fact in heard} <= {""}


def test_a_fixed_step_gives_the_same_text_whatever_the_chunks_and_the_pace(
    engines: RealEngines,
) -> None:
    data = pcm(reading())
    expected = [fact.text for fact in engines.heard(data) if fact.final]
    assert len(" ".join(expected).split()) > 20
    for size, pace in ((640, 0.0), (64_000, 0.0), (22_222, 0.2)):  # 20 ms, 2 s, neither frames
        assert [fact.text for fact in engines.heard(data, size=size, pace=pace) if fact.final] == (
            expected
        )


def test_the_adaptive_step_is_as_accurate_at_any_pace(engines: RealEngines) -> None:
    adaptive = Interpret(target="en", source="en")
    for pace in (0.0, 0.15):
        assert errors(engines.heard(pcm(reading()), adaptive, pace=pace)) <= 0.15


def test_quiet_noisy_and_narrow_speech_is_understood(engines: RealEngines) -> None:
    clean = reading()
    assert errors(engines.heard(pcm(clean * np.float32(10 ** (-30 / 20))))) <= 0.2
    hiss = np.random.default_rng(5).normal(0, 1, len(clean)) * np.sqrt(np.mean(clean**2) / 10)
    assert errors(engines.heard(pcm((clean + hiss).astype(np.float32)))) <= 0.35
    telephone = Interpret(target="en", source="en", rate_in=8000, conduct=STEPS.conduct)
    down = Resampler(16_000, 8000)
    assert errors(engines.heard(down.feed(pcm(clean)) + down.flush(), telephone)) <= 0.2
