"""How often a session has its window decoded, and how long the window may be.

Scope: the arithmetic of sharing a recogniser. Load must make steps longer, never queues: a queue
delays everybody, a longer step shows a word a little later. Three bounds hold for a step. It is at
least 1.2 times as long as the session's last decodes took from request to answer. The step decodes
of all sessions with speech together may keep the recogniser busy half of the time; the other half
is for decodes that commit, which are waited for, and for the engines of other stages. And one
session alone does not keep a core busy with a slow model only because it is idle otherwise. A
fourth bound comes from ``policy.load_shedding``, when all stages together have too much to do.

The cost of a decode grows with the window, so load also makes windows shorter.
"""

from __future__ import annotations

from collections.abc import Callable

from dragoman.runtime.capacity import Speaker
from dragoman.runtime.hosts.load import RecognizerLoad, smooth

_LATENCY_FACTOR = 1.2
_LONE_SHARE = 0.4
"""How much of a core the steps of one session may take, however idle it is."""
_SHORTEST_WINDOW = 0.5


class DecodeSchedule:
    """How much new audio makes a step worth decoding: fixed, or adaptive."""

    SHORTEST_MS, LONGEST_MS = 320, 1500

    def __init__(
        self,
        fixed_ms: int | None = None,
        load: RecognizerLoad | None = None,
        speaker: Speaker | None = None,
        cpu_share: Callable[[], float] = lambda: 1.0,
    ) -> None:
        """``cpu_share``: how much of a decode's time is spent on the cores here."""
        self.fixed_ms = fixed_ms
        self._speaker = speaker or Speaker()
        self.load = load or RecognizerLoad()
        self._cpu_share = cpu_share
        self._latency_ms = 0.0

    @property
    def step_ms(self) -> int:
        """Media time between two decodes."""
        if self.fixed_ms is not None:
            return self.fixed_ms
        return int(min(max(self._wanted_ms, self._shortest_ms), self.LONGEST_MS))

    def window_ms(self, most_ms: int) -> int:
        """How long a window may be if the engine does up to ``most_ms`` well. With a fixed step
        always all of it: then the same speech gives the same text.
        """
        if self.fixed_ms is not None:
            return most_ms
        share = self._shortest_ms / max(self._wanted_ms, self._shortest_ms)
        return int(most_ms * max(share, _SHORTEST_WINDOW))

    def skips_steps(self, queued_ms: int) -> bool:
        """Whether step decodes are left out: who is behind would show words that are old already,
        and make everybody later by it. Decodes that commit are made all the same.
        """
        return self.fixed_ms is None and queued_ms > self.LONGEST_MS

    def decode_took(self, wall_s: float, sharing: int = 1) -> None:
        """A decode was answered after ``wall_s``, while ``sharing`` were in flight."""
        self._latency_ms = smooth(self._latency_ms, wall_s * 1000)
        self.load.decode_answered(wall_s * 1000, sharing)

    @property
    def _shortest_ms(self) -> float:
        """The step without any load."""
        own_ms = min(self._latency_ms, self.load.decode_ms)  # that of short windows is less
        alone_ms = own_ms * self._cpu_share() / _LONE_SHARE
        return min(max(alone_ms, self.SHORTEST_MS), self.LONGEST_MS)

    @property
    def _wanted_ms(self) -> float:
        shed_ms = self._speaker.shedding.step_ms
        return max(_LATENCY_FACTOR * self._latency_ms, self.load.fair_step_ms, shed_ms)
