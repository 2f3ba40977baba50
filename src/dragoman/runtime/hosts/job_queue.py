"""What waits for an engine, in the order in which it is needed; calls leave in batches.

Scope: bookkeeping, the same for threads and for worker processes. It has no lock and no clock: the
host that owns it brings both (times are seconds of any one monotonic clock).

Order: jobs that are needed first, then those that came first. The first words for a listener go
before what another one, who has speech left to play, can wait for. No job is taken to be able to
wait longer than ``MOST_SLACK_S``, so none is overtaken for longer than that. A session has one call
at a time at an engine and asks for the next when that is answered, so this order takes the sessions
by turns: one with ten thousand sentences, or a day of speech to recognise, has one job here.

Batches: calls of one kind that stand behind each other leave together, up to ``max_batch``. While
the engine works on something else, an incomplete batch may wait up to ``max_wait_s`` for more
calls; an idle engine is given what there is at once.
"""

from __future__ import annotations

import asyncio
from bisect import insort
from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import Generic, TypeVar

import msgspec

from dragoman.engines.base import Picture
from dragoman.engines.cancellation import Cancellation
from dragoman.runtime.hosts.call_times import CallTimes
from dragoman.runtime.hosts.requests import AnyRequest, OpenStream, Outcome, StepStream

MOST_SLACK_S = 2.0
JobT = TypeVar("JobT")


class Losses:
    """How often a job lost the worker that had it: by a kill from outside at most twice (both of
    two workers may be killed at once), by a limit of time once.
    """

    __slots__ = ("_count",)
    _MOST = 2

    def __init__(self) -> None:
        self._count = 0

    def __bool__(self) -> bool:
        return self._count > 0

    def allow_another(self, *, hung: bool) -> bool:
        """One more loss; whether another worker may try."""
        self._count += self._MOST if hung else 1
        return self._count <= self._MOST


class CallJob:
    """A call, or a step of a stream, and where its outcome goes. ``cancellation`` is there for an
    engine that can end a call early.
    """

    __slots__ = ("cancellation", "future", "losses", "request", "times")

    def __init__(
        self,
        request: AnyRequest,
        future: asyncio.Future[Outcome],
        cancellation: Cancellation | None = None,
    ) -> None:
        self.request = request
        self.future = future
        self.cancellation = cancellation
        self.times = CallTimes()
        self.losses = Losses()

    def may_retry(self, *, hung: bool) -> bool:
        """Its worker was lost: whether another may try. Not what depends on the state of a stream,
        and no picture: one that takes long in one worker does so in all.
        """
        is_pure = not isinstance(self.request, OpenStream | StepStream | Picture)
        return is_pure and not self.future.done() and self.losses.allow_another(hung=hung)

    def settle(self, outcome: Outcome) -> None:
        """On the loop: the caller's answer, unless the caller left."""
        if not self.future.done():
            self.times.answer()
            self.future.set_result(outcome)

    def fail(self, reason: str) -> None:
        """The call cannot be answered; the reason is for the log."""
        self.settle(Outcome(failure=reason))
        self.cancel()

    def cancel(self) -> None:
        """Nobody waits for the answer any more."""
        if self.cancellation is not None:
            self.cancellation.cancel()


def settle_all(batch: Sequence[CallJob], outcomes: Sequence[Outcome]) -> None:
    """On the loop: give every call its outcome."""
    for job, outcome in zip(batch, outcomes, strict=True):
        job.settle(outcome)


class Batching(msgspec.Struct, frozen=True):
    """How calls of an engine are put together. ``kinds`` are the request types that its batch
    methods take; other calls go one by one.
    """

    max_batch: int = 1
    max_wait_s: float = 0.0
    kinds: frozenset[type] = frozenset()

    def size(self, request: object) -> int:
        """How many calls like this one may leave together."""
        return max(1, self.max_batch) if type(request) in self.kinds else 1


class JobQueue(Generic[JobT]):
    """Calls, and the jobs of other kinds that a host has."""

    def __init__(self, batching: Batching | None = None) -> None:
        self._batching = batching or Batching()
        self._jobs: list[tuple[float, CallJob | JobT]] = []

    def __len__(self) -> int:
        return len(self._jobs)

    def __iter__(self) -> Iterator[CallJob | JobT]:
        return (job for _, job in self._jobs)

    def add(self, job: CallJob | JobT, due_s: float) -> None:
        """Queue a job that is needed at ``due_s``."""
        insort(self._jobs, (due_s, job), key=itemgetter(0))

    def take(self, now_s: float, *, idle: bool) -> tuple[list[CallJob] | JobT | None, float | None]:
        """The next job, or a batch of calls; and, if there is none but an incomplete batch waits,
        after how many seconds to ask again. ``idle``: the engine has nothing else to do.
        """
        while self._jobs:
            due_s, first = self._jobs[0]
            if not isinstance(first, CallJob):
                del self._jobs[0]
                return first, None
            batch = self._batch(first)
            is_complete = len(batch) >= self._batching.size(first.request)
            wait_s = due_s + self._batching.max_wait_s - now_s
            if batch and not idle and not is_complete and wait_s > 0:
                return None, wait_s
            del self._jobs[: len(batch) or 1]
            if batch:
                for job in batch:
                    job.times.begin(len(batch))
                return batch, None
        return None, None

    def _batch(self, first: CallJob) -> list[CallJob]:
        """The calls that may leave with the first one, which is left out if its caller is gone."""
        if first.future.done():
            return []
        most = 1 if first.losses else self._batching.size(first.request)  # it may be at fault
        self._jobs[1:most] = [entry for entry in self._jobs[1:most] if not _is_abandoned(entry[1])]
        batch = [first]
        for _, job in self._jobs[1:most]:
            if not isinstance(job, CallJob) or type(job.request) is not type(first.request):
                break
            if job.losses:
                break
            batch.append(job)
        return batch

    def remove(self, job: CallJob | JobT) -> bool:
        """Take back a job; whether it was still there."""
        for index, (_, queued) in enumerate(self._jobs):
            if queued is job:
                del self._jobs[index]
                return True
        return False

    def drain(self) -> list[CallJob | JobT]:
        """Take all of them."""
        jobs, self._jobs = self._jobs, []
        return [job for _, job in jobs]


def _is_abandoned(job: object) -> bool:
    return isinstance(job, CallJob) and job.future.done()
