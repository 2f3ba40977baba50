"""Finds pitch marks, one for each period of a voice, in a stream of samples.

Scope: analysis of float samples for ``audio.prosody``. A mark depends only on the samples around
it, not on how the stream was cut.

The period is the lag of the highest normalised cross-correlation of 20 ms with what follows (as in
D. Talkin's RAPT, 1995); of lags that correlate nearly as well the shortest is taken, which avoids
octave errors. The next mark is one period later, moved to where the waveform is most like that at
the mark before. Noise and silence get marks at a fixed distance.
"""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

_LOWEST_HZ, _HIGHEST_HZ = 65, 400
_FRAME_S = 0.020
_NOISE_S = 0.006
_MIN_CORRELATION = 0.6
_NEARLY_BEST = 0.9
_SILENCE = 1e-5  # mean square (-50 dBFS); below it nothing is voiced
_MAX_SHIFT = 0.15  # of a period


class PitchMark(msgspec.Struct, frozen=True):
    """A mark at sample ``at`` of the stream; the next one is ``period`` samples later."""

    at: int
    period: int
    voiced: bool


class PitchMarker:
    """Finds the marks of one stream at ``rate_hz``; the caller keeps the samples."""

    def __init__(self, rate_hz: int) -> None:
        self._shortest = rate_hz // _HIGHEST_HZ
        self._longest = rate_hz // _LOWEST_HZ
        self._frame = round(rate_hz * _FRAME_S)
        self.noise = round(rate_hz * _NOISE_S)
        """Distance in samples between marks where nothing is voiced."""
        self._size = 1 << (self._frame + self._longest).bit_length()
        self.lookahead = self._frame + 3 * self._longest
        """Samples needed after a mark to find the next one."""
        self.reach = self._frame + 2 * self._longest
        """Largest distance in samples between marks; as many samples are needed before a mark."""
        self._was_voiced = False

    def next(self, sound: Floats, at: int) -> tuple[int, bool]:
        """The distance from the mark at index ``at`` to the next, and whether it is voiced.

        ``sound`` must hold ``reach`` samples before ``at`` and ``lookahead`` after it.
        """
        period = self._period(sound[at - self._frame // 2 :][: self._frame + self._longest])
        if not period:
            self._was_voiced = False
            return self.noise, False
        if not self._was_voiced:  # start at the peak of the period
            self._was_voiced = True
            near = sound[at + period // 2 : at + period // 2 + period]
            return period // 2 + int(np.argmax(np.abs(near))), True
        half, shift = period // 2, max(1, round(period * _MAX_SHIFT))
        here = sound[at - half : at + half]
        there = sound[at + period - half - shift : at + period + half + shift]
        return period + int(np.argmax(np.correlate(there, here))) - shift, True

    def _period(self, frame: Floats) -> int:
        """The period of the frame in samples, 0 if it is not voiced."""
        start = frame[: self._frame]
        squares = np.cumsum(np.square(frame, dtype=np.float64))
        if squares[self._frame - 1] < _SILENCE * self._frame:
            return 0
        spectrum = np.conj(np.fft.rfft(start, self._size)) * np.fft.rfft(frame, self._size)
        match = np.fft.irfft(spectrum, self._size)[self._shortest : self._longest + 1]
        lags = np.arange(self._shortest, self._longest)
        energy = squares[lags + self._frame - 1] - squares[lags - 1]
        match = match[: lags.size] / np.sqrt(energy * squares[self._frame - 1] + 1e-9)
        best = float(match.max())
        if best < _MIN_CORRELATION:
            return 0
        peaks = np.flatnonzero(
            (match[1:-1] >= match[:-2])
            & (match[1:-1] >= match[2:])
            & (match[1:-1] > _NEARLY_BEST * best)
        )
        lag = int(peaks[0]) + 1 if peaks.size else int(np.argmax(match))
        return self._shortest + lag
