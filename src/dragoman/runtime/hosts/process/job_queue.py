"""What a process host has queued or running: segments of speech and stateless calls.

Law of this file: bookkeeping on the loop thread; sockets and processes are elsewhere.

Flow control of speech: the worker may be ``window`` bytes ahead of the listener, then it waits
for credit. A waiting worker serves nobody, so while other jobs queue up its window is widened,
up to ``MOST_WINDOWS`` times: a slow reader must not hold up the others, and a segment rarely is
longer than that. The time limit of a job does not run while the worker waits for its listener.

Order: the first words of one listener go before what another, who has speech left to hear, can
wait for; ``JobQueue`` is sorted by when each job is needed. Nothing is taken to be able to wait
longer than ``MOST_SLACK_S``, so nothing is overtaken for longer than that.
"""

from __future__ import annotations

import asyncio
from bisect import insort
from collections.abc import Callable
from operator import itemgetter

from dragoman.engines.base import Utterance
from dragoman.runtime.hosts.batch_calls import CallOutcome, Request
from dragoman.runtime.hosts.pcm_stream import PcmStream

MOST_WINDOWS = 4
MOST_SLACK_S = 2.0
MOST_LOSSES = 2
PendingCall = tuple[Request, "asyncio.Future[CallOutcome]"]


class SegmentJob:
    """One segment on its way from a worker to its listener."""

    def __init__(self, utterance: Utterance, rate_hz: int, window: int) -> None:
        self.utterance = utterance
        self.rate_hz = rate_hz
        self.stream = PcmStream()
        self.abandoned = False
        self.window = window
        self._widest = window * MOST_WINDOWS
        self._step = window
        self._ahead = 0  # received and not yet credited
        self._owed = 0  # taken by the listener and not yet credited
        self._begun = False
        self._losses = 0

    def again(self) -> bool:
        """Its worker was lost; whether another may try, as nobody has heard anything yet."""
        self._losses += 1
        return not (self._begun or self.abandoned) and self._losses <= MOST_LOSSES

    @property
    def stalled(self) -> bool:
        """Whether the worker has used up its window and waits."""
        return self._ahead >= self.window

    def received(self, pcm: bytes) -> None:
        """The worker sent more."""
        self._begun = True
        self._ahead += len(pcm)
        self.stream.push(pcm)

    def taken(self, size: int) -> int:
        """The listener took ``size`` bytes; the credit to send now, often 0 to save frames."""
        self._owed += size
        if self._owed * 4 < self._step:
            return 0
        credit, self._owed = self._owed, 0
        self._ahead -= credit
        return credit

    def widen(self) -> int:
        """Give a stalled worker another window; the credit to send, 0 when that is enough."""
        if not self.stalled or self.window >= self._widest:
            return 0
        self.window += self._step
        return self._step


class JobQueue:
    """Jobs not begun yet: those first that are needed first, then those that came first."""

    def __init__(self) -> None:
        self._jobs: list[tuple[float, SegmentJob | PendingCall]] = []

    def __len__(self) -> int:
        return len(self._jobs)

    def add(self, job: SegmentJob | PendingCall, due: float) -> None:
        """Queue a job that is needed at ``due``, in seconds of any one clock."""
        insort(self._jobs, (due, job), key=itemgetter(0))

    def first(self) -> SegmentJob | PendingCall:
        """The next job; there must be one."""
        return self._jobs[0][1]

    def pop(self) -> SegmentJob | PendingCall:
        """Take the next job; there must be one."""
        return self._jobs.pop(0)[1]

    def remove(self, job: SegmentJob | PendingCall) -> bool:
        """Take back a job; whether it was still there."""
        for index, (_, queued) in enumerate(self._jobs):
            if queued is job:
                del self._jobs[index]
                return True
        return False

    def drain(self) -> list[SegmentJob | PendingCall]:
        """Take all of them."""
        jobs, self._jobs = self._jobs, []
        return [job for _, job in jobs]


class TimeLimit:
    """A wall clock limit that can be held. Calls ``over`` once when it is used up."""

    def __init__(self, limit_s: float, over: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._over = over
        self._left_s = limit_s
        self._since = self._loop.time()
        self._timer: asyncio.TimerHandle | None = self._loop.call_later(limit_s, over)

    def hold(self) -> None:
        """Stop the clock; twice is harmless."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._left_s -= self._loop.time() - self._since

    def go_on(self, most_s: float | None = None) -> None:
        """Start the clock again, with at most ``most_s`` left; twice is harmless."""
        if most_s is not None:
            self.hold()
            self._left_s = min(self._left_s, most_s)
        if self._timer is None:
            self._since = self._loop.time()
            self._timer = self._loop.call_later(max(0.0, self._left_s), self._over)


class RunningJob:
    """What a worker does now."""

    def __init__(self, number: int, job: SegmentJob | list[PendingCall], limit: TimeLimit) -> None:
        self.number = number
        self.job = job
        self.limit = limit

    def fail(self, reason: str) -> None:
        """The worker cannot finish it."""
        self.limit.hold()
        if isinstance(self.job, SegmentJob):
            self.job.stream.end(reason)
            return
        for _, future in self.job:
            if not future.done():
                future.set_result(CallOutcome(failure=reason))
