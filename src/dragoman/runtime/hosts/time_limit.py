"""Limits on how long an engine may take, measured in time in which it could have worked.

Scope: clocks and figures, for worker processes and threads alike. What a busy machine takes away
is not held against an engine: the time in which its thread waited for a core (the kernel counts
it, ``/proc/PID/schedstat``, Linux), and a timer that came late because the event loop was busy.
So a hung engine is found after its limit, and an overloaded one is left alone.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from dragoman.engines.base import Picture, Translation, Window
from dragoman.runtime.hosts.engine_work import Stint
from dragoman.runtime.hosts.requests import EncodeVoice, StepStream

CALL_S: Mapping[type, float] = {
    Picture: 3.0,
    EncodeVoice: 5.0,
    Window: 10.0,
    Translation: 10.0,
    StepStream: 10.0,
}
"""The longest that one request of a kind may take; ``OTHER_CALL_S`` for the others, which load."""
OTHER_CALL_S = 30.0
PROBE_S = 2.0
"""An idle worker answers a probe within this."""

_STARVED_S = 0.02
_LATE_S = 0.1


def core_wait_s(pid: int, thread: int | None = None) -> float:
    """Seconds in which the threads of a process, or one of them, have waited for a core; 0.0 where
    the kernel does not say.
    """
    counts = Path(f"/proc/{pid}/task").glob(f"{thread or '*'}/schedstat")
    try:
        return sum(int(path.read_bytes().split()[1]) for path in counts) / 1e9
    except (OSError, ValueError, IndexError):  # a thread has just ended, or another format
        return 0.0


class TimeLimit:
    """A limit that can be paused and raised. Calls ``over`` once when it is used up. ``stint``
    measures the work and pauses with it. ``pid``: the process that works.
    """

    def __init__(
        self, limit_s: float, over: Callable[[], None], stint: Stint, pid: int | None = None
    ) -> None:
        self.stint = stint
        self._loop = asyncio.get_running_loop()
        self._over = over
        self._pid = os.getpid() if pid is None else pid
        self._core_wait_s = core_wait_s(self._pid)
        self._left_s = limit_s
        self._since = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self.resume()

    def pause(self) -> None:
        """Stop the clock; twice is harmless."""
        self.stint.pause()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._left_s -= self._loop.time() - self._since

    def resume(self, most_s: float | None = None) -> None:
        """Start the clock again, with at most ``most_s`` left; twice is harmless."""
        if most_s is not None:
            self.pause()
            self._left_s = min(self._left_s, most_s)
        if self._timer is None:
            self.stint.resume()
            self._since = self._loop.time()
            self._timer = self._loop.call_later(max(0.0, self._left_s), self._expire)

    def extend(self, more_s: float) -> None:
        """Give so many more seconds, and start the clock again."""
        self.pause()
        self._left_s += more_s
        self.resume()

    def _expire(self) -> None:
        self.pause()
        late_s = -self._left_s
        starved_s = core_wait_s(self._pid) - self._core_wait_s
        self._core_wait_s += starved_s  # less than before where a thread has ended
        if starved_s > _STARVED_S or late_s > _LATE_S:
            self._left_s = max(starved_s, late_s)
            self.resume()
        else:
            self._over()
