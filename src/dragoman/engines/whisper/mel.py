"""Log-mel spectrogram as Whisper's encoder takes it.

Scope: arithmetic on numpy. Windows of 25 ms every 10 ms at 16 kHz, triangular filters on the Slaney
mel scale, decimal logarithm, 8 decades below the loudest, shifted to about -1..1. Source: Radford
et al. 2022, section 2.2, and ``whisper/audio.py`` of openai/whisper; the filters are those of
``librosa.filters.mel`` with its defaults.
"""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt

from dragoman.engines.base import Samples
from dragoman.speech import HEARING_RATE_HZ

FFT = 400
HOP = 160
_LINEAR_HZ_PER_MEL = 200 / 3
_LOG_FROM_HZ = 1_000.0
_LOG_STEP = np.log(6.4) / 27
_LEAST_POWER = 1e-10
_RANGE = 8.0

Floats = npt.NDArray[np.float32]


def log_mel(samples: Samples, mels: int) -> Floats:
    """Shape (mels, samples / 160). ``samples`` are 16 kHz, at least 201 of them."""
    padded = np.pad(samples.astype(np.float32, copy=False), FFT // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, FFT)[::HOP][: len(samples) // HOP]
    spectrum = np.fft.rfft(frames * _hann())
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
    decades = np.log10(np.maximum(mel_filters(mels) @ power.T, _LEAST_POWER))
    decades = np.maximum(decades, decades.max() - _RANGE)
    spectrogram: Floats = ((decades + 4) / 4).astype(np.float32)
    return spectrogram


@functools.lru_cache(maxsize=1)
def _hann() -> Floats:
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FFT) / FFT)).astype(np.float32)


@functools.lru_cache(maxsize=4)
def mel_filters(mels: int) -> Floats:
    """Triangles of equal area between 0 Hz and 8 kHz; shape (mels, 201)."""
    bins_hz = np.fft.rfftfreq(FFT, 1 / HEARING_RATE_HZ)
    top = _LOG_FROM_HZ / _LINEAR_HZ_PER_MEL + np.log(8_000 / _LOG_FROM_HZ) / _LOG_STEP
    edges = np.linspace(0, top, mels + 2)
    bend = _LOG_FROM_HZ / _LINEAR_HZ_PER_MEL
    edges_hz = np.where(
        edges < bend,
        edges * _LINEAR_HZ_PER_MEL,
        _LOG_FROM_HZ * np.exp((edges - bend) * _LOG_STEP),
    )
    slopes = edges_hz[:, None] - bins_hz
    widths = np.diff(edges_hz)[:, None]
    rising, falling = -slopes[:-2] / widths[:-1], slopes[2:] / widths[1:]
    area = 2 / (edges_hz[2:] - edges_hz[:-2])
    triangles: Floats = (np.maximum(0, np.minimum(rising, falling)) * area[:, None]).astype("f4")
    return triangles
