"""The default engines on real recordings, with floors wide enough never to flake.

Nothing is tuned to these recordings; run with ``-s`` to see the figures.
"""

from __future__ import annotations

import jiwer
import numpy as np
import pytest

from dragoman.engines.base import EngineUnavailable, Window
from dragoman.engines.moonshine.engine import Moonshine
from dragoman.engines.silero import Silero
from dragoman.speech import Hypothesis, joined_text
from tests import recordings
from tests.recordings import DICKENS, Recording, needs_pocketsphinx, needs_shared, spoken_words

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def moonshine():
    engine = Moonshine()
    try:
        engine.load()
    except EngineUnavailable as reason:
        pytest.skip(str(reason))
    yield engine
    engine.close()


def heard(engine: Moonshine, samples: np.ndarray) -> Hypothesis:
    return engine.transcribe([Window(samples.tobytes())])[0]


def error_rate(engine: Moonshine, clips: list[Recording]) -> float:
    """Word error rate over all clips together."""
    found = [spoken_words(joined_text(heard(engine, clip.samples()).words)) for clip in clips]
    rate = float(jiwer.wer([spoken_words(clip.transcript) for clip in clips], found))
    print(f"\n{len(clips)} clips, word error rate {100 * rate:.1f} %")
    return rate


@needs_shared
def test_english_recordings_are_recognised(moonshine: Moonshine) -> None:
    clips = [clip for clip in recordings.shared("en") if clip.duration_s <= 20 and clip.human]
    assert len(clips) >= 20
    assert error_rate(moonshine, clips) <= 0.15
    gate = moonshine.info.confidence_gate
    confidences = [heard(moonshine, clip.samples()).confidence for clip in clips]
    print(f"confidence {min(confidences):.2f} to {max(confidences):.2f}, gate {gate}")
    assert sum(value >= gate for value in confidences) >= 0.9 * len(clips)


@needs_shared
def test_other_languages_stay_below_the_gate(moonshine: Moonshine) -> None:
    clips = [clip for clip in recordings.shared() if clip.language != "en"]
    gate = moonshine.info.confidence_gate
    found = {clip.id: heard(moonshine, clip.samples()[: 8 * 16_000]).confidence for clip in clips}
    above = {name: round(value, 2) for name, value in found.items() if value >= gate}
    print(f"\n{len(found)} clips, confidence up to {max(found.values()):.2f}, above: {above}")
    assert len(found) >= 10
    assert len(above) <= 0.2 * len(found)


@needs_pocketsphinx
def test_debians_sentences_are_recognised(moonshine: Moonshine) -> None:
    clips = recordings.pocketsphinx()
    assert len(clips) == 5
    assert error_rate(moonshine, clips) <= 0.2


def test_the_dickens_reading_is_recognised(moonshine: Moonshine) -> None:
    found = heard(moonshine, recordings.read(recordings.two_cities())[: 27 * 16_000])
    words = spoken_words(joined_text(found.words)).split()
    expected = spoken_words(DICKENS).split()
    count = min(len(words), len(expected))
    rate = jiwer.wer(" ".join(expected[:count]), " ".join(words[:count]))
    print(f"\n{count} of {len(expected)} words, word error rate {100 * rate:.1f} %")
    assert count > 0.8 * len(expected)
    assert rate <= 0.15


def test_silero_detects_speech_and_not_noise() -> None:
    engine = Silero()
    try:
        engine.load()
    except EngineUnavailable as reason:
        pytest.skip(str(reason))
    speech = recordings.read(recordings.two_cities())[: 20 * 16_000]
    noise = np.random.default_rng(3).normal(0, 0.05, speech.size).astype(np.float32)
    shares = []
    for samples in (speech, noise):
        stream = engine.start()
        frames = samples[: samples.size // 512 * 512].reshape(-1, 512)
        shares.append(float(np.mean([stream.feed(frame) > 0.5 for frame in frames])))
    print(f"\nspeech {100 * shares[0]:.0f} %, noise {100 * shares[1]:.1f} % of frames above 0.5")
    assert shares[0] > 0.5
    assert shares[1] < 0.05
