"""The last audio of a session, for translators that hear what they translate.

Scope: a bounded store by media time. Nothing is kept before somebody wants it. Recognition puts in
what it listens to, translation takes out the piece in which some words were said. Samples are kept
as 16-bit integers: ``KEPT_MS`` take 1.4 MB.
"""

from __future__ import annotations

from collections import deque

import numpy as np
import numpy.typing as npt

from dragoman.engines.base import Samples
from dragoman.speech import HEARING_RATE_HZ

LONGEST_MS = 28_000
"""The longest piece: what fits into Whisper, and longer than nearly every sentence."""
KEPT_MS = 45_000
"""A longest piece, and 17 s for words that are not committed or translated yet."""
_PER_MS = HEARING_RATE_HZ // 1000
_SCALE = 32_768.0


class RecentAudio:
    """One session's audio, 16 kHz."""

    def __init__(self) -> None:
        self._frames: deque[tuple[int, npt.NDArray[np.int16]]] = deque()
        self._samples = 0
        self.is_wanted = False
        """Whether a translator may ask for it. Once it is, it stays so: an open turn keeps the
        settings that it began with.
        """

    @property
    def kept_ms(self) -> int:
        """How much is kept."""
        return self._samples // _PER_MS

    def append(self, at_ms: int, samples: Samples) -> None:
        """The audio from ``at_ms`` on; it comes in the order of time."""
        if not self.is_wanted:
            return
        pcm = np.clip(samples * _SCALE, -_SCALE, _SCALE - 1).astype(np.int16)
        self._frames.append((at_ms, pcm))
        self._samples += len(pcm)
        while self._samples > KEPT_MS * _PER_MS:
            self._samples -= len(self._frames.popleft()[1])

    def piece(self, begin_ms: int, end_ms: int) -> bytes:
        """The audio between two times, float32; none if it is longer than ``LONGEST_MS`` or its
        begin is gone. What nobody listened to in between is silence.
        """
        is_gone = not self._frames or self._frames[0][0] > begin_ms
        if is_gone or not 0 < end_ms - begin_ms <= LONGEST_MS:
            return b""
        found = np.zeros((end_ms - begin_ms) * _PER_MS, np.float32)
        for at_ms, pcm in self._frames:
            at = (at_ms - begin_ms) * _PER_MS
            if at >= len(found):
                break
            first, last = max(0, -at), min(len(pcm), len(found) - at)
            if first < last:
                found[at + first : at + last] = pcm[first:last] / np.float32(_SCALE)
        return found.tobytes()
