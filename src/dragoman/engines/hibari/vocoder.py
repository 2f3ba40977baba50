"""From the spectra that the model predicts to a waveform; pitch and formants are changed here.

Scope: signal arithmetic on arrays of shape (601 bins, frames), a frame of 12.5 ms at 24 kHz. The
spectrum of a frame is the sum of three parts: pulses of the pitch, filtered (harmonics), shaped
noise, and a part whose phase the model gives. One inverse Fourier transform with overlapping
windows makes the sound.

The pulses are made at any pitch, and the envelopes are stretched along the frequencies, so another
pitch leaves the formants where they are, and another vocal tract leaves the pitch. The noise is
the same every time: the same text gives the same samples.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

RATE_HZ = 24_000
HOP = 300
_WINDOW = 1200
_BINS = _WINDOW // 2 + 1
_OVERLAP = _WINDOW // HOP
_VOICED_HZ = 40.0
_HIGHEST_HZ = 11_000.0
_LOUDEST = 7.0  # of a log magnitude: above it a frame is broken

Frames = npt.NDArray[np.float32]
_HANN = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_WINDOW) / _WINDOW)).astype(np.float32)


def waveform(outputs: Sequence[Frames], *, pitch: float, size: float) -> Frames:
    """Samples in about -1..1 for the six outputs of the model (without the batch axis): harmonic
    log magnitude and phase, noise log magnitude, log magnitude and phase of the free part, and F0
    in Hz. ``pitch`` is a factor on F0, ``size`` on the length of the vocal tract.
    """
    bins = np.minimum(np.arange(_BINS) * size, _BINS - 1)
    harmonic, turn, noise, free, phase = (
        _stretched(part, bins, smooth=number in (0, 2, 3)) if size != 1.0 else part
        for number, part in enumerate(outputs[:5])
    )
    count = harmonic.shape[1]
    spectrum = _spectra(_pulses(outputs[5] * np.float32(pitch)), count)
    spectrum *= _polar(harmonic, np.tanh(turn) * np.float32(np.pi))
    spectrum += _noise(count) * _magnitude(noise)
    spectrum += _polar(free, phase)
    return _overlapped(spectrum)


def _stretched(part: Frames, bins: npt.NDArray[np.float64], *, smooth: bool) -> Frames:
    """The bins at fractional places; phases cannot be averaged, so those take the nearest bin."""
    if not smooth:
        return part[np.rint(bins).astype(int)]
    low = np.minimum(bins.astype(int), _BINS - 2)
    share = (bins - low).astype(np.float32)[:, None]
    found: Frames = part[low] * (1 - share) + part[low + 1] * share
    return found


def _magnitude(log: Frames) -> Frames:
    found: Frames = np.exp(np.minimum(log, np.float32(_LOUDEST)))
    return found


def _polar(log: Frames, angle: Frames) -> npt.NDArray[np.complex64]:
    found = np.empty(log.shape, np.complex64)
    magnitude = _magnitude(log)
    np.multiply(magnitude, np.cos(angle), out=found.real)
    np.multiply(magnitude, np.sin(angle), out=found.imag)
    return found


@functools.lru_cache(maxsize=4)
def _endless_noise(blocks: int) -> npt.NDArray[np.complex64]:
    values = np.random.default_rng(0).standard_normal((_BINS, 512 * blocks, 2), np.float32)
    found: npt.NDArray[np.complex64] = values.view(np.complex64)[..., 0]
    return found


def _noise(count: int) -> npt.NDArray[np.complex64]:
    return _endless_noise(-(-count // 512))[:, :count]


def _pulses(f0_hz: Frames) -> Frames:
    """Every harmonic of F0 up to ``_HIGHEST_HZ``, each with amplitude 1; silence where unvoiced.

    The sum of cos(kx) for k = 1..n is sin((n + 1/2) x) / (2 sin(x / 2)) - 1/2 (Dirichlet kernel).
    """
    places = (np.arange(f0_hz.size * HOP) + 0.5) / HOP - 0.5
    pitch = np.interp(places, np.arange(f0_hz.size), f0_hz)
    voiced = pitch > _VOICED_HZ
    pitch = np.maximum(pitch, _VOICED_HZ)
    cycles = np.cumsum(pitch / RATE_HZ)
    half = (np.pi * (cycles - np.floor(cycles))).astype(np.float32)
    order = np.floor(_HIGHEST_HZ / pitch).astype(np.float32)
    below = 2 * np.sin(half)
    is_peak = np.abs(below) < 2e-3
    kernel = np.sin((2 * order + 1) * half) / np.where(is_peak, np.float32(1), below) - np.float32(
        0.5
    )
    kernel = np.where(is_peak, order, kernel)
    return np.where(voiced, kernel, np.float32(0)).astype(np.float32)


def _spectra(samples: Frames, count: int) -> npt.NDArray[np.complex64]:
    """Short-time spectra of centred windows; a cosine of amplitude 1 peaks at 1."""
    padded = np.pad(samples, _WINDOW // 2, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::HOP][:count]
    found = np.fft.rfft(windows * (_HANN / np.float32(HOP)), axis=1).T
    return np.ascontiguousarray(found, dtype=np.complex64)


def _overlapped(spectrum: npt.NDArray[np.complex64]) -> Frames:
    """The inverse of ``_spectra`` with synthesis windows, divided by the sum of their squares."""
    count = spectrum.shape[1]
    parts = np.fft.irfft(spectrum.T, _WINDOW, axis=1).astype(np.float32) * _HANN
    parts = parts.reshape(count, _OVERLAP, HOP)
    squares = np.square(_HANN).reshape(_OVERLAP, HOP)
    sound = np.zeros((count + _OVERLAP - 1, HOP), np.float32)
    weight = np.zeros_like(sound)
    for part in range(_OVERLAP):
        sound[part : part + count] += parts[:, part]
        weight[part : part + count] += squares[part]
    start = _WINDOW // 2
    found: Frames = (sound / np.maximum(weight, 1e-9)).reshape(-1)[start : start + count * HOP]
    return found
