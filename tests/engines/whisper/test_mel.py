"""The spectrogram is the one that Whisper was trained on."""

from __future__ import annotations

import numpy as np
import pytest

from dragoman.engines.whisper.mel import log_mel, mel_filters


@pytest.mark.parametrize("mels", [80, 128])
def test_filters_are_triangles_of_one_area(mels: int) -> None:
    filters = mel_filters(mels)
    assert filters.shape == (mels, 201)
    assert (filters >= 0).all()
    areas = filters[mels // 2 :].sum(axis=1) * 40  # Hz between two bins; low ones have few bins
    assert areas == pytest.approx(np.ones(len(areas)), rel=0.1)
    centres_hz = filters.argmax(axis=1) * 40
    assert (np.diff(centres_hz) >= 0).all()
    assert centres_hz[-1] > 7_500


def test_known_values_of_the_80_filters() -> None:
    """Those that ``whisper/assets/mel_filters.npz`` begins with."""
    filters = mel_filters(80)
    assert filters[0, 1] == pytest.approx(0.02486259, rel=1e-4)
    assert filters[1, 1] == pytest.approx(0.00199082, rel=1e-3)
    assert filters[1, 2] == pytest.approx(0.02287177, rel=1e-4)


def test_a_tone_is_loudest_where_it_is_and_the_range_is_eight_decades() -> None:
    tone = 0.5 * np.sin(2 * np.pi * 1_000 * np.arange(16_000) / 16_000)
    found = log_mel(np.concatenate((tone, np.zeros(16_000))).astype(np.float32), 80)
    assert found.shape == (80, 200)
    loudest = int(found[:, 50].argmax())
    assert abs(int(mel_filters(80)[loudest].argmax()) * 40 - 1_000) <= 40
    assert float(found.max() - found.min()) == pytest.approx(2.0)
    assert (found[:, 150] == found.min()).all()


def test_silence_is_flat() -> None:
    found = log_mel(np.zeros(1_600, np.float32), 80)
    assert found.shape == (80, 10)
    assert found == pytest.approx(np.full((80, 10), (-10 + 4) / 4))
