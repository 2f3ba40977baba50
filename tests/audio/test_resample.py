"""The streaming resampler: exact lengths however the input is cut, and little distortion."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman.audio.resample import Resampler

RATES = (8_000, 11_025, 16_000, 22_050, 24_000, 44_100, 48_000)


def sine(rate_hz: int, seconds: float, frequency: float = 440.0) -> np.ndarray:
    time_s = np.arange(int(rate_hz * seconds)) / rate_hz
    return (12_000 * np.sin(2 * np.pi * frequency * time_s)).astype("<i2")


def run(pcm: bytes, from_hz: int, to_hz: int, size: int) -> bytes:
    resampler = Resampler(from_hz, to_hz)
    out = [resampler.feed(pcm[i : i + size]) for i in range(0, len(pcm), size)]
    return b"".join(out) + resampler.flush()


@settings(deadline=None, max_examples=60)
@given(
    samples=st.integers(0, 5_000),
    from_hz=st.sampled_from(RATES),
    to_hz=st.sampled_from(RATES),
    size=st.integers(1, 3_000),
)
def test_lengths_are_exact(samples: int, from_hz: int, to_hz: int, size: int) -> None:
    out = run(bytes(2 * samples), from_hz, to_hz, size)
    assert len(out) == 2 * ((samples * to_hz * 2 + from_hz) // (2 * from_hz))


@pytest.mark.parametrize(
    ("from_hz", "to_hz"), [(22_050, 24_000), (24_000, 16_000), (16_000, 8_000)]
)
def test_pieces_give_the_same_as_one_call(from_hz: int, to_hz: int) -> None:
    pcm = sine(from_hz, 0.5).tobytes()
    whole = np.frombuffer(run(pcm, from_hz, to_hz, len(pcm)), "<i2").astype(int)
    for size in (1, 640, 1_001):
        pieces = np.frombuffer(run(pcm, from_hz, to_hz, size), "<i2").astype(int)
        assert np.abs(whole - pieces).max() <= 1


def test_a_tone_is_resampled_with_little_error() -> None:
    out = np.frombuffer(run(sine(22_050, 1.0).tobytes(), 22_050, 48_000, 2_646), "<i2")
    assert int(np.abs(np.fft.rfft(out.astype(float))).argmax()) == 440
    ideal = sine(48_000, 1.0).astype(float)
    error = out.astype(float)[500:-500] - ideal[500:-500]
    assert 20 * np.log10(ideal.std() / error.std()) > 40


def test_little_is_withheld_while_streaming() -> None:
    out = Resampler(22_050, 24_000).feed(sine(22_050, 0.1).tobytes())
    assert len(out) / 2 / 24 >= 97  # of 100 ms


def test_equal_rates_pass_through() -> None:
    resampler = Resampler(24_000, 24_000)
    assert resampler.feed(b"abc") == b"ab"
    assert resampler.feed(b"d") == b"cd"
    assert resampler.flush() == b""


def test_misuse_is_refused() -> None:
    with pytest.raises(ValueError):
        Resampler(0, 16_000)
    resampler = Resampler(8_000, 16_000)
    resampler.flush()
    with pytest.raises(ValueError):
        resampler.feed(b"ab")
    assert resampler.flush() == b""


@pytest.mark.live
def test_importing_is_cheap() -> None:
    code = "import sys, dragoman.audio.resample; sys.exit('av' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
