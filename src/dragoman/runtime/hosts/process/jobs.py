"""What a worker process has to do: segments of speech and batches of calls.

Scope: bookkeeping on the loop thread; sockets and processes are elsewhere.

Back-pressure of speech: the worker may be ``window`` bytes ahead of the listener, then it waits
for credit. A waiting worker does no other job, so its window is widened while jobs are queued, up
to ``MOST_WINDOWS`` times: few segments are longer than that. The time limit of a job does not run
while the worker waits for its listener.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from dragoman.engines.base import Utterance
from dragoman.runtime.hosts.engine_work import Stint
from dragoman.runtime.hosts.job_queue import CallJob
from dragoman.runtime.hosts.pcm_stream import PcmStream

MOST_WINDOWS = 4
MOST_LOSSES = 2


class SegmentJob:
    """One segment on its way from a worker to its listener."""

    def __init__(self, utterance: Utterance, rate_hz: int, window: int) -> None:
        self.utterance = utterance
        self.rate_hz = rate_hz
        self.stream = PcmStream(rate_hz)
        self.abandoned = False
        self.window = window
        self._widest = window * MOST_WINDOWS
        self._step = window
        self._not_taken = 0  # received and not yet credited
        self.received_bytes = 0
        self._owed = 0  # taken by the listener and not yet credited
        self._losses = 0

    def fail(self, reason: str) -> None:
        """The segment cannot be spoken; the reason is for the log."""
        self.stream.end(reason)

    def may_retry(self) -> bool:
        """Its worker was lost: whether another may try, as nothing has been sent yet."""
        self._losses += 1
        return not (self.received_bytes or self.abandoned) and self._losses <= MOST_LOSSES

    @property
    def stalled(self) -> bool:
        """Whether the worker has used up its window and waits."""
        return self._not_taken >= self.window

    def received(self, pcm: bytes) -> None:
        """The worker sent more."""
        self.received_bytes += len(pcm)
        self._not_taken += len(pcm)
        self.stream.push(pcm)

    def taken(self, size: int) -> int:
        """The listener took ``size`` bytes; the credit to send now, often 0 to save frames."""
        self._owed += size
        if self._owed * 4 < self._step:
            return 0
        credit, self._owed = self._owed, 0
        self._not_taken -= credit
        return credit

    def widen(self) -> int:
        """Give a stalled worker another window; the credit to send, 0 when that is enough."""
        if not self.stalled or self.window >= self._widest:
            return 0
        self.window += self._step
        return self._step


class TimeLimit:
    """A wall clock limit that can be paused. Calls ``over`` once when it is used up. ``stint``
    measures the work and pauses with it.
    """

    def __init__(self, limit_s: float, over: Callable[[], None], stint: Stint) -> None:
        self.stint = stint
        stint.resume()
        self._loop = asyncio.get_running_loop()
        self._over = over
        self._left_s = limit_s
        self._since = self._loop.time()
        self._timer: asyncio.TimerHandle | None = self._loop.call_later(limit_s, over)

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
            self._timer = self._loop.call_later(max(0.0, self._left_s), self._over)


class RunningJob:
    """What a worker does now."""

    def __init__(self, number: int, job: SegmentJob | list[CallJob], limit: TimeLimit) -> None:
        self.number = number
        self.job = job
        self.limit = limit

    def fail(self, reason: str) -> None:
        """The worker cannot finish it."""
        self.limit.pause()
        for job in self.job if isinstance(self.job, list) else [self.job]:
            job.fail(reason)
