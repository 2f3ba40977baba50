"""One pacing wheel for all sessions of a load.

Law of this file: things happen at scheduled times, and whoever measures counts from the
*scheduled* time: a load that is late because the machine is busy must not look fast. One timer
for all: a sleeping task for each session would make the load its own bottleneck.

The clock is ``time.monotonic``: uvloop's own stands still within an iteration and counts whole
milliseconds. Its timers do so too, so the last half of one is spent asking again.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable

Action = Callable[[float], None]
"""Gets the time for which it was scheduled, in seconds of ``time.monotonic``."""


class Pacer:
    """Runs actions at their times, on the running loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._due: list[tuple[float, int, Action]] = []
        self._order = itertools.count()
        self._timer: asyncio.TimerHandle | None = None
        self.late_s: list[float] = []
        """How late each action was begun: what the load generator itself added."""

    @property
    def now_s(self) -> float:
        """The clock of the wheel."""
        return time.monotonic()

    def at(self, due_s: float, action: Action) -> None:
        """Have ``action(due_s)`` called at that time, or at once when it has passed."""
        heapq.heappush(self._due, (due_s, next(self._order), action))
        self._wind()

    def _wind(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        if self._due:
            self._timer = self._loop.call_later(max(0.0, self._due[0][0] - self.now_s), self._turn)

    def _turn(self) -> None:
        self._timer = None
        while self._due and self._due[0][0] <= self.now_s:
            due_s, _, action = heapq.heappop(self._due)
            self.late_s.append(self.now_s - due_s)
            action(due_s)
        self._wind()
