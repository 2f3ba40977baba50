"""How often a session has its window decoded, and how long the window may be.

Law of this file: the arithmetic of sharing a recogniser. Load must make steps longer, never
queues: a queue is lag for everybody, a longer step is a word that is shown a little later. Two
things bound a step from below. One session's own decodes: a step is never shorter than 1.2 times
what the last ones took from request to answer. And everybody's: all who listen to speech now
share the recogniser, and their step decodes together may keep it busy half of the time; the other
half is for decodes that commit, which are waited for, and for the engines of the other stages.

The cost of a decode grows with the window, so under load windows become shorter, too.
"""

from __future__ import annotations

import weakref

_BUSY = 0.5
_OWN = 1.2
_SLOW_TO_FORGET = 0.3
_SHORTEST_WINDOW = 0.5


class RecognitionLag:
    """How far hearing is behind: media time that came in and was not yet decoded."""

    def __init__(self) -> None:
        self.waiting_ms = 0
        """Not looked at."""
        self.undecoded_ms = 0
        """Speech that is in the window, newer than the last answer."""

    @property
    def total_ms(self) -> int:
        """All of it."""
        return self.waiting_ms + self.undecoded_ms


class RecognizerLoad:
    """What all sessions together ask of one recogniser, which does ``capacity`` calls at once."""

    def __init__(self, capacity: int = 1) -> None:
        self._capacity = max(1, capacity)
        self._decode_ms = 0.0
        self._under_way = 0
        self._speaking: weakref.WeakSet[RecognitionLag] = weakref.WeakSet()
        self._open: weakref.WeakSet[RecognitionLag] = weakref.WeakSet()

    @property
    def lags(self) -> list[RecognitionLag]:
        """Those of all turns that are open now."""
        return list(self._open)

    @property
    def fair_step_ms(self) -> float:
        """The step at which all who listen to speech keep half of the recogniser busy."""
        return self._decode_ms * len(self._speaking) / (self._capacity * _BUSY)

    def speaks(self, turn: RecognitionLag) -> None:
        """A turn takes audio."""
        self._open.add(turn)
        self._speaking.add(turn)

    def pauses(self, turn: RecognitionLag) -> None:
        """It does not, for now."""
        self._speaking.discard(turn)

    def ended(self, turn: RecognitionLag) -> None:
        """It is over."""
        self._speaking.discard(turn)
        self._open.discard(turn)

    def began(self) -> int:
        """A decode is asked for; returns how many are under way, this one included."""
        self._under_way += 1
        return self._under_way

    def answered(self, wall_ms: float, sharing: int) -> None:
        """It took that long while so many shared the recogniser."""
        own_ms = wall_ms * min(1.0, self._capacity / sharing)
        self._decode_ms = _smooth(self._decode_ms, own_ms)

    def done(self) -> None:
        """It is no longer under way, answered or not."""
        self._under_way -= 1


class DecodeSchedule:
    """How much new audio makes a step worth decoding: fixed, or adaptive."""

    SHORTEST_MS, LONGEST_MS = 320, 1500

    def __init__(self, fixed_ms: int | None = None, load: RecognizerLoad | None = None) -> None:
        self.fixed_ms = fixed_ms
        self.load = load or RecognizerLoad()
        self._latency_ms = 0.0

    @property
    def step_ms(self) -> int:
        """Media time between two decodes."""
        if self.fixed_ms is not None:
            return self.fixed_ms
        return int(min(max(self._wanted_ms, self.SHORTEST_MS), self.LONGEST_MS))

    def window_ms(self, most_ms: int) -> int:
        """How long a window may be where ``most_ms`` is what the engine does well. With a fixed
        step always all of it: then the same speech gives the same text.
        """
        if self.fixed_ms is not None:
            return most_ms
        share = self.SHORTEST_MS / max(self._wanted_ms, self.SHORTEST_MS)
        return int(most_ms * max(share, _SHORTEST_WINDOW))

    def took(self, wall_s: float, sharing: int = 1) -> None:
        """A decode was answered after this long."""
        self._latency_ms = _smooth(self._latency_ms, wall_s * 1000)
        self.load.answered(wall_s * 1000, sharing)

    @property
    def _wanted_ms(self) -> float:
        return max(_OWN * self._latency_ms, self.load.fair_step_ms)


def _smooth(before: float, now: float) -> float:
    return now if not before else (1 - _SLOW_TO_FORGET) * before + _SLOW_TO_FORGET * now
