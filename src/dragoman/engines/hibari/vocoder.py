"""From the spectra that the model predicts to a waveform, at any pitch.

Scope: signal arithmetic on arrays of shape (601 bins, frames), a frame of 12.5 ms at 24 kHz. The
spectrum of a frame is the sum of three parts: pulses of the pitch, filtered (harmonics), shaped
noise, and a part whose phase the model gives. One inverse Fourier transform with overlapping
windows makes the sound.

The noise is the same every time: the same text gives the same samples.
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
_SAME = 0.01  # difference of pitch that is not worth the change
_LOUDEST = 7.0  # of a log magnitude: above it a frame is broken

Frames = npt.NDArray[np.float32]
Spectrum = npt.NDArray[np.complex64]
_BIN_HZ = RATE_HZ / _WINDOW
_PERIODIC = np.clip((5000 - np.arange(_BINS) * _BIN_HZ) / 1500, 0, 1).astype(np.float32)
"""Share of pulses, against noise, in the bins of a voiced frame."""
_NOISE_LEVEL = 0.35  # as strong as pulses, which are 1 at each harmonic and less between
_HANN = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_WINDOW) / _WINDOW)).astype(np.float32)


def waveform(outputs: Sequence[Frames], *, pitch: float) -> Frames:
    """Samples in about -1..1 for the six outputs of the model (without the batch axis): harmonic
    log magnitude and phase, noise log magnitude, log magnitude and phase of the free part, and F0
    in Hz. ``pitch`` is a factor on F0.
    """
    harmonic, turn, noise, free, phase, f0_hz = outputs
    count = f0_hz.size
    filtered = _polar(harmonic, np.tanh(turn) * np.float32(np.pi))
    spectrum = _spectra(_pulses(f0_hz), count) * filtered + _polar(free, phase)
    if abs(pitch - 1) > _SAME:
        spectrum = _at_pitch(spectrum, filtered, f0_hz, pitch)
    return _overlapped(spectrum + _noise(count) * _magnitude(noise))


def _at_pitch(own: Spectrum, filtered: Spectrum, f0_hz: Frames, pitch: float) -> Spectrum:
    """The same spectra at another pitch, with the formants where they were.

    The envelope of a voiced frame is what its harmonics reach, because between them there is
    nothing to be measured; the free part holds harmonics as well, so it may not stay. Low
    frequencies get pulses of the new pitch, high ones mostly noise, as in real voices.
    """
    voiced = np.flatnonzero(f0_hz > _VOICED_HZ)
    level = np.log(np.abs(own[:, voiced]) + np.float32(1e-6))
    level[1:-1] = np.maximum(np.maximum(level[:-2], level[2:]), level[1:-1])
    envelope = np.empty_like(level)
    for at, f0 in enumerate(f0_hz[voiced]):
        peaks = np.arange(1, _HIGHEST_HZ / f0) * (f0 / _BIN_HZ)
        heights = level[np.rint(peaks).astype(int), at]
        envelope[:, at] = np.interp(np.arange(_BINS), peaks, heights)
    turns = filtered[:, voiced]
    pulses = _spectra(_pulses(f0_hz * np.float32(pitch)), f0_hz.size)[:, voiced]
    pulses *= _PERIODIC[:, None] * turns / np.maximum(np.abs(turns), 1e-9)
    pulses += (_NOISE_LEVEL * np.sqrt(1 - _PERIODIC**2))[:, None] * _noise(f0_hz.size)[:, voiced]
    moved = own.copy()
    moved[:, voiced] = pulses * _magnitude(envelope)
    return moved


def _magnitude(log: Frames) -> Frames:
    found: Frames = np.exp(np.minimum(log, np.float32(_LOUDEST)))
    return found


def _polar(log: Frames, angle: Frames) -> Spectrum:
    found = np.empty(log.shape, np.complex64)
    magnitude = _magnitude(log)
    np.multiply(magnitude, np.cos(angle), out=found.real)
    np.multiply(magnitude, np.sin(angle), out=found.imag)
    return found


@functools.cache
def _noise_block() -> Spectrum:
    values = np.random.default_rng(0).standard_normal((_BINS, 512, 2), np.float32)
    found: Spectrum = values.view(np.complex64)[..., 0]
    return found


def _noise(count: int) -> Spectrum:
    """The same 6.4 s of noise again and again."""
    block = _noise_block()
    return block[:, np.arange(count) % block.shape[1]]


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
    sums = np.sin((2 * order + 1) * half) / np.where(is_peak, 1, below) - 0.5
    return np.where(voiced, np.where(is_peak, order, sums), 0).astype(np.float32)


def _spectra(samples: Frames, count: int) -> Spectrum:
    """Short-time spectra of centred windows; a cosine of amplitude 1 peaks at 1."""
    padded = np.pad(samples, _WINDOW // 2, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::HOP][:count]
    found = np.fft.rfft(windows * (_HANN / np.float32(HOP)), axis=1).T
    return np.ascontiguousarray(found, dtype=np.complex64)


def _overlapped(spectrum: Spectrum) -> Frames:
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
