"""One timer for all scheduled sends of a load.

Scope: actions run at scheduled times, and whoever measures counts from the *scheduled* time, so a
load that is late because the machine is busy does not look fast. One timer for all, because a
sleeping task for each session would make the load its own bottleneck.

The clock is ``time.monotonic``: uvloop's own stands still within an iteration and counts whole
milliseconds. So do its timers; the last half millisecond is spent in a busy wait.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable

import numpy as np

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
        """How late each action began: delay that the load generator itself added."""

    @property
    def now_s(self) -> float:
        """The clock that actions are scheduled on."""
        return time.monotonic()

    def at(self, due_s: float, action: Action) -> None:
        """Have ``action(due_s)`` called at that time, or at once when it has passed."""
        heapq.heappush(self._due, (due_s, next(self._order), action))
        self._schedule()

    def late_p99_ms(self) -> float:
        """99th percentile of the delays; at least one action must have run."""
        return float(np.quantile(self.late_s, 0.99)) * 1000

    def _schedule(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        if self._due:
            self._timer = self._loop.call_later(max(0.0, self._due[0][0] - self.now_s), self._run)

    def _run(self) -> None:
        self._timer = None
        while self._due and self._due[0][0] <= self.now_s:
            due_s, _, action = heapq.heappop(self._due)
            self.late_s.append(self.now_s - due_s)
            action(due_s)
        self._schedule()
