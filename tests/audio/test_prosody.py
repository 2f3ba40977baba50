"""Rate and pitch: exact lengths, the requested pitch, formants and loudness kept."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman.audio.prosody import Prosody
from tests.audio.sounds import Samples, level_db, pcm_of, samples_of, speechlike, vowel

RATE_HZ = 16_000
FACTORS = [0.5, 0.75, 1.3, 1.5, 2.0]


def changed(
    pcm: bytes,
    *,
    rate: float = 1.0,
    pitch: float = 1.0,
    hz: int = RATE_HZ,
    cuts: list[int] = [],  # noqa: B006  # never written to
) -> bytes:
    prosody = Prosody(hz, rate=rate, pitch=pitch)
    edges = [0, *sorted(2 * min(cut, len(pcm) // 2) for cut in cuts), len(pcm)]
    pieces = [prosody.feed(pcm[a:b]) for a, b in itertools.pairwise(edges)]
    return b"".join(pieces) + prosody.finish()


def pitch_hz(samples: Samples, rate_hz: int) -> float:
    """The fundamental, by the distance of the peaks of the autocorrelation."""
    middle = samples[samples.size // 4 : samples.size * 3 // 4]
    power = np.abs(np.fft.rfft(middle, 1 << (2 * middle.size).bit_length())) ** 2
    match = np.fft.irfft(power)
    first, last = rate_hz // 450, rate_hz // 50
    return rate_hz / (first + int(np.argmax(match[first:last])))


def formant_hz(samples: Samples, rate_hz: int) -> float:
    """The centre of gravity of the power below 2 kHz."""
    power = np.abs(np.fft.rfft(samples * np.hanning(samples.size))) ** 2
    frequencies = np.arange(power.size) * rate_hz / samples.size
    low = (frequencies > 300) & (frequencies < 2_000)
    return float((power * frequencies)[low].sum() / power[low].sum())


@settings(deadline=None, max_examples=20)
@given(
    samples=st.integers(0, 6_000),
    rate=st.floats(0.5, 2.0),
    pitch=st.floats(0.5, 2.0),
    cuts=st.lists(st.integers(0, 6_000), max_size=8),
)
def test_lengths_are_exact_and_cutting_changes_nothing(
    samples: int, rate: float, pitch: float, cuts: list[int]
) -> None:
    pcm = vowel(RATE_HZ, 130, 0.2)[:samples] + speechlike(RATE_HZ, 0.2)[:samples]
    whole = changed(pcm, rate=rate, pitch=pitch)
    assert len(whole) == 2 * round(len(pcm) // 2 / rate)
    assert changed(pcm, rate=rate, pitch=pitch, cuts=cuts) == whole


@pytest.mark.parametrize("hz", [16_000, 22_050, 24_000])
@pytest.mark.parametrize("factor", FACTORS)
def test_rate_changes_neither_pitch_nor_formants_nor_loudness(factor: float, hz: int) -> None:
    pcm = vowel(hz, 140, 0.8)
    out = samples_of(changed(pcm, rate=factor, hz=hz))
    assert pitch_hz(out, hz) == pytest.approx(140, rel=0.02)
    assert formant_hz(out, hz) == pytest.approx(formant_hz(samples_of(pcm), hz), rel=0.06)
    assert level_db(out) == pytest.approx(level_db(samples_of(pcm)), abs=1.0)


@pytest.mark.parametrize("hz", [16_000, 22_050, 24_000])
@pytest.mark.parametrize("factor", FACTORS)
def test_pitch_changes_and_formants_stay(factor: float, hz: int) -> None:
    pcm = vowel(hz, 140, 0.8)
    out = samples_of(changed(pcm, pitch=factor, hz=hz))
    assert pitch_hz(out, hz) == pytest.approx(140 * factor, rel=0.03)
    assert formant_hz(out, hz) == pytest.approx(formant_hz(samples_of(pcm), hz), rel=0.12)
    assert level_db(out) == pytest.approx(level_db(samples_of(pcm)), abs=2.6)


@pytest.mark.parametrize("factor", FACTORS)
def test_noise_stays_noise(factor: float) -> None:
    """Its level is kept, and repeated grains do not hum: the spectrum has no peak."""
    noise = np.random.default_rng(1).standard_normal(RATE_HZ) * 0.1
    out = samples_of(changed(pcm_of(np.clip(noise, -1, 1)), rate=factor))
    assert level_db(out) == pytest.approx(level_db(noise), abs=2.0)
    blocks = out[: out.size // 1024 * 1024].reshape(-1, 1024) * np.hanning(1024)
    power = (np.abs(np.fft.rfft(blocks)) ** 2).mean(axis=0)[8:-8]
    assert power.max() < 8 * np.median(power)


def test_silence_stays_silence() -> None:
    assert changed(bytes(8_000), rate=1.5, pitch=0.7) == bytes(2 * round(4_000 / 1.5))


def test_at_most_140_ms_are_held_back() -> None:
    prosody = Prosody(RATE_HZ, pitch=1.3)
    pcm, given = vowel(RATE_HZ, 120, 1.0), 0
    for at in range(0, len(pcm), 640):
        given += len(prosody.feed(pcm[at : at + 640]))
        assert at + 640 - given <= 2 * RATE_HZ * 140 // 1000


@pytest.mark.parametrize("factor", [0.0, -1.0])
def test_factors_must_be_above_zero(factor: float) -> None:
    with pytest.raises(ValueError, match="factor"):
        Prosody(RATE_HZ, rate=factor)
    with pytest.raises(ValueError, match="factor"):
        Prosody(RATE_HZ, pitch=factor)
