"""Mel filter banks the way Kaldi makes them: what speaker models were trained on.

Scope: numpy and arithmetic, no state. The model gets only these numbers, so they have to be
computed as for its training: frames of 25 ms every 10 ms, whole frames only, each without its
mean, pre-emphasis 0.97, Hamming window, 512-point power spectrum, 80 triangles on the mel scale
(1127 ln(1 + f/700)) from 20 Hz to 8 kHz, natural logarithm with a floor at float32's epsilon.
Samples are taken in the range of 16-bit integers. https://kaldi-asr.org/doc/feat.html
"""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt

from dragoman.speech import HEARING_RATE_HZ

Floats = npt.NDArray[np.float32]

FRAME = HEARING_RATE_HZ * 25 // 1000
SHIFT = HEARING_RATE_HZ * 10 // 1000
BINS = 80
_FFT = 512
_LOW_HZ = 20.0
_PRE_EMPHASIS = np.float32(0.97)
_FULL_SCALE = np.float32(32_768)
_FLOOR = np.float32(np.finfo(np.float32).eps)


def fbank(samples: Floats) -> tuple[Floats, Floats]:
    """Log mel energies, shape (frames, 80), and the level of each frame in dBFS, shape (frames,).

    ``samples`` are float32 in -1..1 at 16 kHz; less than 25 ms of them make no frame at all.
    """
    if samples.size < FRAME:
        return np.zeros((0, BINS), np.float32), np.zeros(0, np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(samples, FRAME)[::SHIFT] * _FULL_SCALE
    frames -= frames.mean(axis=1, keepdims=True)
    power = np.square(frames).mean(axis=1) / _FULL_SCALE**2
    levels: Floats = 10 * np.log10(np.maximum(power, np.float32(1e-12)))
    emphasized = np.empty_like(frames)
    emphasized[:, 1:] = frames[:, 1:] - _PRE_EMPHASIS * frames[:, :-1]
    emphasized[:, 0] = frames[:, 0] * (1 - _PRE_EMPHASIS)
    emphasized *= _window()
    spectrum = np.fft.rfft(emphasized, _FFT).astype(np.complex64)
    energies = np.square(spectrum.real) + np.square(spectrum.imag)
    logs: Floats = np.log(np.maximum(energies @ _triangles(), _FLOOR))
    return logs, levels


@functools.cache
def _window() -> Floats:
    return np.hamming(FRAME).astype(np.float32)


@functools.cache
def _triangles() -> Floats:
    """The filters, shape (257, 80): equally wide on the mel scale, each to its neighbours' tips."""
    tips = np.linspace(_mel(_LOW_HZ), _mel(HEARING_RATE_HZ / 2), BINS + 2)
    mels = _mel(np.arange(_FFT // 2 + 1) * HEARING_RATE_HZ / _FFT)[:, None]
    left, tip, right = tips[:-2], tips[1:-1], tips[2:]
    rising, falling = (mels - left) / (tip - left), (right - mels) / (right - tip)
    return np.maximum(0.0, np.minimum(rising, falling)).astype(np.float32)


def _mel(hz: float | npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(1127.0 * np.log1p(np.asarray(hz, np.float64) / 700.0))
