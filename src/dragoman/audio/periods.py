"""The periods of a voice: where each begins, found while the sound streams in.

Law of this file: analysis only, on float samples; what is found depends on the sound around a mark
and on nothing else, least of all on how it was cut. Used by ``audio.prosody``.

The length of a period comes from the normalised cross-correlation of 20 ms with what follows
(as in D. Talkin's RAPT, 1995); among lags that correlate nearly as well the shortest is taken,
against octave errors. Marks then follow each other by that length, each moved to where the
waveform looks most like it did at the mark before. Noise and silence get marks at a fixed pace.
"""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

_LOWEST_HZ, _HIGHEST_HZ = 65, 400
_FRAME_S = 0.020
_NOISE_S = 0.006
_VOICED = 0.6
_NEARLY = 0.9
_FLOOR = 1e-5  # mean square below which nothing has a voice (-50 dBFS)
_SHIFT = 0.15


class PitchMark(msgspec.Struct, frozen=True):
    """A point in the sound (in samples from its start) with the distance to the next one."""

    at: int
    period: int
    voiced: bool


class PeriodFinder:
    """Finds the marks of one sound at ``rate_hz``; the sound itself is kept by the caller."""

    def __init__(self, rate_hz: int) -> None:
        self._shortest = rate_hz // _HIGHEST_HZ
        self._longest = rate_hz // _LOWEST_HZ
        self._frame = round(rate_hz * _FRAME_S)
        self.noise = round(rate_hz * _NOISE_S)
        """The distance of marks where there is no voice."""
        self._size = 1 << (self._frame + self._longest).bit_length()
        self.lookahead = self._frame + 3 * self._longest
        """How many samples behind a mark have to be there for the next one to be found."""
        self.reach = self._frame + 2 * self._longest
        """No mark is farther from the next; as much sound is needed before a mark."""
        self._was_voiced = False

    def next(self, sound: Floats, at: int) -> tuple[int, bool]:
        """The distance from the mark at index ``at`` of ``sound`` to the next, and whether there
        is a voice. ``sound`` holds ``reach`` samples before and ``lookahead`` behind it.
        """
        period = self._period(sound[at - self._frame // 2 :][: self._frame + self._longest])
        if not period:
            self._was_voiced = False
            return self.noise, False
        if not self._was_voiced:  # begin where the period is strongest
            self._was_voiced = True
            near = sound[at + period // 2 : at + period // 2 + period]
            return period // 2 + int(np.argmax(np.abs(near))), True
        half, reach = period // 2, max(1, round(period * _SHIFT))
        here = sound[at - half : at + half]
        there = sound[at + period - half - reach : at + period + half + reach]
        return period + int(np.argmax(np.correlate(there, here))) - reach, True

    def _period(self, frame: Floats) -> int:
        """The period of the frame in samples, 0 where there is none."""
        first = frame[: self._frame]
        squares = np.cumsum(np.square(frame, dtype=np.float64))
        if squares[self._frame - 1] < _FLOOR * self._frame:
            return 0
        spectrum = np.conj(np.fft.rfft(first, self._size)) * np.fft.rfft(frame, self._size)
        match = np.fft.irfft(spectrum, self._size)[self._shortest : self._longest + 1]
        starts = np.arange(self._shortest, self._longest)
        energy = squares[starts + self._frame - 1] - squares[starts - 1]
        match = match[: starts.size] / np.sqrt(energy * squares[self._frame - 1] + 1e-9)
        best = float(match.max())
        if best < _VOICED:
            return 0
        peaks = np.flatnonzero(
            (match[1:-1] >= match[:-2])
            & (match[1:-1] >= match[2:])
            & (match[1:-1] > _NEARLY * best)
        )
        place = int(peaks[0]) + 1 if peaks.size else int(np.argmax(match))
        return self._shortest + place
