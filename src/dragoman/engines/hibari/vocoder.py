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
_BLOCK = 128  # frames, 1.6 s
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
    *parts, f0_hz = outputs
    own = _pulses(f0_hz)
    other = _pulses(f0_hz * np.float32(pitch)) if abs(pitch - 1) > _SAME else None
    sound = np.zeros((f0_hz.size + _OVERLAP - 1, HOP), np.float32)
    for start in range(0, f0_hz.size, _BLOCK):  # in blocks, so that a long piece takes no more
        end = min(start + _BLOCK, f0_hz.size)
        harmonic, turn, noise, free, phase = (part[:, start:end] for part in parts)
        filtered = _polar(harmonic, np.tanh(turn) * np.float32(np.pi))
        spectrum = _spectra(own, start, end) * filtered + _polar(free, phase)
        if other is not None:
            pulses = _spectra(other, start, end)
            _revoice(spectrum, filtered, f0_hz[start:end], pulses, _noise(start, end))
        spectrum += _noise(start, end) * _magnitude(noise)
        _add(sound[start : end + _OVERLAP - 1], spectrum)
    return _leveled(sound, f0_hz.size)


def _revoice(
    spectrum: Spectrum, filtered: Spectrum, f0_hz: Frames, pulses: Spectrum, noise: Spectrum
) -> None:
    """Give the voiced frames other pulses, with the formants where they were.

    The envelope of a voiced frame is what its harmonics reach, because between them there is
    nothing to be measured; the free part holds harmonics as well, so it may not stay. Low
    frequencies get pulses of the new pitch, high ones mostly noise, as in real voices.
    """
    voiced = np.flatnonzero(f0_hz > _VOICED_HZ)
    level = np.log(np.abs(spectrum[:, voiced]) + np.float32(1e-6))
    level[1:-1] = np.maximum(np.maximum(level[:-2], level[2:]), level[1:-1])
    envelope = np.empty_like(level)
    for at, f0 in enumerate(f0_hz[voiced]):
        peaks = np.arange(1, _HIGHEST_HZ / f0) * (f0 / _BIN_HZ)
        heights = level[np.rint(peaks).astype(int), at]
        envelope[:, at] = np.interp(np.arange(_BINS), peaks, heights)
    turns = filtered[:, voiced]
    periodic = pulses[:, voiced] * turns / np.maximum(np.abs(turns), np.float32(1e-9))
    share = _PERIODIC[:, None]
    mixed = share * periodic + _NOISE_LEVEL * np.sqrt(1 - share**2) * noise[:, voiced]
    spectrum[:, voiced] = mixed * _magnitude(envelope)


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
def _noise_blocks() -> Spectrum:
    values = np.random.default_rng(0).standard_normal((_BINS, 4 * _BLOCK, 2), np.float32)
    found: Spectrum = values.view(np.complex64)[..., 0]
    return found


def _noise(start: int, end: int) -> Spectrum:
    """The same 6.4 s of noise again and again."""
    blocks = _noise_blocks()
    begin = start % blocks.shape[1]
    return blocks[:, begin : begin + end - start]


def _pulses(f0_hz: Frames) -> Frames:
    """Every harmonic of F0 up to ``_HIGHEST_HZ``, each with amplitude 1; silence where unvoiced.
    Half a window longer at both ends.

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
    found = np.where(voiced, np.where(is_peak, order, sums), 0).astype(np.float32)
    return np.pad(found, _WINDOW // 2, mode="reflect")


def _spectra(samples: Frames, start: int, end: int) -> Spectrum:
    """Short-time spectra of the windows around these frames; a cosine of amplitude 1 peaks at 1."""
    windows = np.lib.stride_tricks.sliding_window_view(samples, _WINDOW)[
        start * HOP : end * HOP : HOP
    ]
    found = np.fft.rfft(windows * (_HANN / np.float32(HOP)), axis=1).T
    return np.ascontiguousarray(found, dtype=np.complex64)


def _add(sound: Frames, spectrum: Spectrum) -> None:
    """Overlap and add the sound of these frames."""
    count = spectrum.shape[1]
    parts = np.fft.irfft(spectrum.T, _WINDOW, axis=1).astype(np.float32) * _HANN
    parts = parts.reshape(count, _OVERLAP, HOP)
    for part in range(_OVERLAP):
        sound[part : part + count] += parts[:, part]


def _leveled(sound: Frames, count: int) -> Frames:
    """Divided by the sum of the squared windows, without the half windows at the ends."""
    squares = np.square(_HANN).reshape(_OVERLAP, HOP)
    weight = np.zeros_like(sound)
    for part in range(_OVERLAP):
        weight[part : part + count] += squares[part]
    sound /= np.maximum(weight, np.float32(1e-9))
    start = _WINDOW // 2
    return sound.reshape(-1)[start : start + count * HOP]
