"""Sounds that are not speech, for hearing tests: mono float32 at 16 kHz, made from a seed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from dragoman.engines.base import Samples

RATE = 16_000
Rng = np.random.Generator
Wave = npt.NDArray[np.float64]


def _coloured(seconds: float, rng: Rng, power: float) -> Wave:
    """Noise whose level falls with the frequency to this power."""
    spectrum = np.fft.rfft(rng.normal(0, 1, int(seconds * RATE)))
    fall = np.maximum(1, np.arange(len(spectrum))) ** power
    return np.fft.irfft(spectrum / fall, int(seconds * RATE))


def _time(seconds: float) -> Wave:
    return np.arange(int(seconds * RATE)) / RATE


def _note(hz: float, seconds: float, overtones: int = 6) -> Wave:
    """A plucked string."""
    time = _time(seconds)
    tones = [np.sin(2 * np.pi * hz * n * time) / n**1.5 for n in range(1, overtones + 1)]
    soft = np.minimum(1, np.minimum(time, seconds - time) / 0.008)
    return np.sum(tones, axis=0) * np.exp(-2 * time) * soft


_SCALE = 220 * 2 ** (np.array([0, 2, 4, 5, 7, 9, 11]) / 12)


def chords(seconds: float, rng: Rng) -> Wave:
    """A triad a second."""
    bars = [
        np.sum([_note(_SCALE[(root + step) % 7], 1.0) for step in (0, 2, 4)], axis=0)
        for root in rng.integers(0, 7, int(seconds))
    ]
    return np.concatenate(bars)


def arpeggio(seconds: float, rng: Rng) -> Wave:
    """Single notes, four and a half a second: what detectors of speech like best."""
    count = int(seconds / 0.22)
    return np.concatenate(
        [
            _note(_SCALE[n] * octave, 0.22)
            for n, octave in zip(rng.integers(0, 7, count), rng.integers(1, 3, count), strict=True)
        ]
    )


def keys(seconds: float, rng: Rng) -> Wave:
    """Somebody dials."""
    pieces = []
    for _ in range(int(seconds / 0.23)):
        low, high = rng.choice([697, 770, 852, 941]), rng.choice([1209, 1336, 1477])
        time = _time(0.15)
        pieces += [np.sin(2 * np.pi * low * time) + np.sin(2 * np.pi * high * time), np.zeros(1280)]
    return np.concatenate(pieces)


def clicks(seconds: float, rng: Rng) -> Wave:
    """Keyboards and cutlery."""
    found = np.zeros(int(seconds * RATE))
    for at in rng.integers(0, len(found) - 200, int(seconds * 6)):
        found[at : at + 160] += rng.normal(0, 1, 160) * np.exp(-np.arange(160) / 30)
    return found


def breath(seconds: float, rng: Rng) -> Wave:
    """Bursts of soft noise with silence between them."""
    pieces = []
    for _ in range(int(seconds / 1.2)):
        burst = _coloured(0.6, rng, 0.3)
        pieces += [burst / np.std(burst) * np.hanning(len(burst)), np.zeros(int(0.6 * RATE))]
    return np.concatenate(pieces)


def hum(seconds: float, rng: Rng) -> Wave:
    """Mains and its overtones."""
    phases = rng.uniform(0, 6, 8)
    time = _time(seconds)
    return np.sum(
        [np.sin(2 * np.pi * 50 * n * time + phases[n - 1]) / n for n in range(1, 9)], axis=0
    )


KINDS: dict[str, Callable[[float, Rng], Wave]] = {
    "white": lambda seconds, rng: _coloured(seconds, rng, 0.0),
    "pink": lambda seconds, rng: _coloured(seconds, rng, 0.5),
    "hum": hum,
    "tone": lambda seconds, _rng: np.sin(2 * np.pi * 440 * _time(seconds)),
    "clicks": clicks,
    "keys": keys,
    "chords": chords,
    "arpeggio": arpeggio,
    "breath": breath,
}


def noise(kind: str, seconds: float, level_dbfs: float, seed: int) -> Samples:
    """A sound of this kind and loudness."""
    wave = KINDS[kind](seconds, np.random.default_rng(seed))
    loud = wave / np.sqrt(np.mean(wave**2)) * 10 ** (level_dbfs / 20)
    return np.clip(loud, -1, 1).astype(np.float32)
