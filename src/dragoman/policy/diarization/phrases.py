"""The last seconds of a turn as phrases: where they begin, how much voice they hold.

Law of this file: frames in, times out; pure, and of bounded size. Silence of ``PAUSE_MS`` parts
phrases, whether it was heard or is missing.
"""

from __future__ import annotations

from collections import deque

import msgspec

PAUSE_MS = 200
EARLY_MS = 1_000
"""Voice that a first look takes."""
KEPT_MS = 12_000


class _Heard(msgspec.Struct, frozen=True):
    at_ms: int
    length_ms: int
    is_voice: bool
    level: float


class VoicedPhrases:
    """``begin_ms``, ``voiced`` (ms of voice) and ``is_seen`` are the present phrase's."""

    def __init__(self, at_ms: int) -> None:
        self.begin_ms = self.end_ms = at_ms
        self.voiced = 0
        self.is_seen = False
        self._silent_ms = PAUSE_MS  # the first voice begins a phrase
        self._frames: deque[_Heard] = deque()
        self._begun: deque[int] = deque()

    def take(self, at_ms: int, length_ms: int, *, is_voice: bool, level: float) -> bool:
        """The next frame; False for one that lies before the end."""
        if self._frames and at_ms < self.end_ms:
            return False
        self._silent_ms += max(0, at_ms - self.end_ms) if self._frames else 0
        self._frames.append(_Heard(at_ms, length_ms, is_voice, level))
        while self._frames[0].at_ms < at_ms - KEPT_MS:
            self._frames.popleft()
        while self._begun and self._begun[0] < at_ms - KEPT_MS:
            self._begun.popleft()
        self.end_ms = at_ms + length_ms
        if not is_voice:
            self._silent_ms += length_ms
            return True
        if self._silent_ms >= PAUSE_MS:
            self.begin_ms, self.voiced, self.is_seen = at_ms, 0, False
            self._begun.append(at_ms)
        self._silent_ms = 0
        self.voiced += length_ms
        return True

    def voiced_ms(self, from_ms: int, to_ms: int | None = None) -> int:
        """Voice between two moments (the end: up to now), as far as it is remembered."""
        return sum(
            frame.length_ms
            for frame in self._frames
            if frame.is_voice and from_ms <= frame.at_ms and (to_ms is None or frame.at_ms < to_ms)
        )

    def begun_between(self, after_ms: int, until_ms: int) -> list[int]:
        """Where phrases begin behind the first moment, up to the second."""
        return [at_ms for at_ms in self._begun if after_ms < at_ms <= until_ms]

    def quietest_ms(self, from_ms: int, to_ms: int, otherwise_ms: int) -> int:
        """The quietest moment (of three frames) between the two."""
        frames = list(self._frames)
        near = [
            (frames[n - 1].level + frames[n].level + frames[n + 1].level, frames[n].at_ms)
            for n in range(1, len(frames) - 1)
            if from_ms <= frames[n].at_ms < to_ms
        ]
        return min(near)[1] if near else otherwise_ms
