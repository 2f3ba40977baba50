"""Pitch marks: one for each period of a voice, none voiced in noise and silence."""

from __future__ import annotations

import numpy as np
import pytest

from dragoman.audio.pcm import to_float
from dragoman.audio.pitch_marks import PitchMarker
from tests.audio.sounds import vowel

RATE_HZ = 16_000


def marks(sound: np.ndarray, rate_hz: int = RATE_HZ) -> list[tuple[int, int, bool]]:
    marker = PitchMarker(rate_hz)
    padded = np.pad(sound.astype(np.float32), (marker.reach, marker.lookahead))
    found, at = [], 0
    while at < sound.size:
        period, voiced = marker.next(padded, at + marker.reach)
        assert 0 < period <= marker.reach
        found.append((at, period, voiced))
        at += period
    return found


@pytest.mark.parametrize("rate_hz", [16_000, 22_050, 48_000])
@pytest.mark.parametrize("hz", [80.0, 120.0, 210.0, 330.0])
def test_a_voice_has_a_mark_for_every_period(hz: float, rate_hz: int) -> None:
    found = marks(to_float(vowel(rate_hz, hz, 0.5)), rate_hz)[2:-8]
    assert all(voiced for _, _, voiced in found)
    periods = [period for _, period, _ in found[2:]]
    assert np.mean(periods) == pytest.approx(rate_hz / hz, rel=0.01)
    assert max(periods) - min(periods) <= 2 + rate_hz // 16_000


def test_noise_and_silence_have_no_voice() -> None:
    noise = np.random.default_rng(3).standard_normal(RATE_HZ // 2) * 0.1
    assert np.mean([voiced for _, _, voiced in marks(noise)]) < 0.1
    assert not any(voiced for _, _, voiced in marks(np.zeros(RATE_HZ // 2)))
