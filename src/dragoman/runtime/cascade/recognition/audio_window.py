"""The audio that a window decoder keeps: a buffer that grows, so that a frame is copied once.

Scope: samples in the order in which they came. ``samples`` is a view: it holds until the next call
of another method.
"""

from __future__ import annotations

import numpy as np

from dragoman.engines.base import Samples
from dragoman.speech import HEARING_RATE_HZ

_FIRST_SAMPLES = 32_000
_QUIET = 120 * HEARING_RATE_HZ // 1000


class AudioWindow:
    """16 kHz audio."""

    def __init__(self) -> None:
        self._buffer: Samples = np.empty(_FIRST_SAMPLES, np.float32)
        self._size = 0

    def __len__(self) -> int:
        return self._size

    @property
    def samples(self) -> Samples:
        """All of it."""
        return self._buffer[: self._size]

    def append(self, samples: Samples) -> None:
        """More audio; the buffer doubles when it is full."""
        end = self._size + len(samples)
        if end > len(self._buffer):
            grown = np.empty(max(end, 2 * len(self._buffer)), np.float32)
            grown[: self._size] = self.samples
            self._buffer = grown
        self._buffer[self._size : end] = samples
        self._size = end

    def drop(self, count: int) -> None:
        """Forget the first ``count`` samples."""
        rest = self._buffer[count : self._size]
        self._buffer[: len(rest)] = rest
        self._size = len(rest)

    def take(self) -> Samples:
        """All of it, as an array of its own; nothing is left."""
        samples = self.samples.copy()
        self.clear()
        return samples

    def clear(self) -> None:
        """Forget all of it."""
        self._size = 0


def quietest(samples: Samples, first: int, last: int) -> int:
    """The middle of the quietest 120 ms that begin between two positions (in samples)."""
    last = max(first, last)
    energy = np.concatenate((np.zeros(1), np.cumsum(samples.astype(np.float64) ** 2)))
    starts = np.arange(first, last + 1, _QUIET // 4)
    ends = np.minimum(starts + _QUIET, len(samples))
    best = int(starts[np.argmin(energy[ends] - energy[np.minimum(starts, len(samples))])])
    return min(best + _QUIET // 2, len(samples))
