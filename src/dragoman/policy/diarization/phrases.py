"""The last seconds of a turn as phrases: where they begin, how much voice they have.

Scope: frames in, times out; pure, of bounded size. A silence of ``PAUSE_MS`` separates phrases;
gaps between frames count as silence.
"""

from __future__ import annotations

from collections import deque

import msgspec

PAUSE_MS = 200
EARLY_MS = 1_000
"""Voice that a first check needs."""
KEPT_MS = 12_000


class _Frame(msgspec.Struct, frozen=True):
    at_ms: int
    length_ms: int
    is_voice: bool
    level: float


class VoicedPhrases:
    """``begin_ms``, ``voiced`` (ms of voice) and ``is_checked`` are those of the present phrase."""

    def __init__(self, at_ms: int) -> None:
        self.begin_ms = self.end_ms = at_ms
        self.voiced = 0
        self.is_checked = False
        self._silent_ms = PAUSE_MS  # the first voice begins a phrase
        self._frames: deque[_Frame] = deque()
        self._begins: deque[int] = deque()

    def add(self, at_ms: int, length_ms: int, *, is_voice: bool, level: float) -> bool:
        """Add the next frame; False for one before the end, which is skipped."""
        if self._frames and at_ms < self.end_ms:
            return False
        self._silent_ms += max(0, at_ms - self.end_ms) if self._frames else 0
        self._frames.append(_Frame(at_ms, length_ms, is_voice, level))
        while self._frames[0].at_ms < at_ms - KEPT_MS:
            self._frames.popleft()
        while self._begins and self._begins[0] < at_ms - KEPT_MS:
            self._begins.popleft()
        self.end_ms = at_ms + length_ms
        if not is_voice:
            self._silent_ms += length_ms
            return True
        if self._silent_ms >= PAUSE_MS:
            self.begin_ms, self.voiced, self.is_checked = at_ms, 0, False
            self._begins.append(at_ms)
        self._silent_ms = 0
        self.voiced += length_ms
        return True

    def voiced_ms(self, from_ms: int, to_ms: int | None = None) -> int:
        """Voice between two times (without ``to_ms``: up to now), of the frames that are kept."""
        return sum(
            frame.length_ms
            for frame in self._frames
            if frame.is_voice and from_ms <= frame.at_ms and (to_ms is None or frame.at_ms < to_ms)
        )

    def begins_between(self, after_ms: int, until_ms: int) -> list[int]:
        """Where phrases begin after the first time, up to the second."""
        return [at_ms for at_ms in self._begins if after_ms < at_ms <= until_ms]

    def quietest_ms(self, from_ms: int, to_ms: int, otherwise_ms: int) -> int:
        """The quietest time (of three frames) between the two."""
        frames = list(self._frames)
        near = [
            (frames[n - 1].level + frames[n].level + frames[n + 1].level, frames[n].at_ms)
            for n in range(1, len(frames) - 1)
            if from_ms <= frames[n].at_ms < to_ms
        ]
        return min(near)[1] if near else otherwise_ms
