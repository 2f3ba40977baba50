"""The threads of a ``ThreadHost``, and what each of them works on.

Scope: a thread that is free takes the next job (or batch of calls) itself. The threads are daemons:
an engine that never returns must not keep the server from ending.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

from dragoman.runtime.hosts.job_queue import MOST_SLACK_S, CallJob, JobQueue
from dragoman.runtime.hosts.thread_segment import ThreadSegment
from dragoman.runtime.hosts.time_limit import core_wait_s

Work = Callable[[], None]
"""A job that must not raise."""
ThreadJob = list[CallJob] | ThreadSegment | Work


class _Watched:
    """What a thread does now. The clock starts when it is first looked at: hardly any job is long
    enough for that, and so they cost nothing. Waiting for a core does not count.
    """

    def __init__(self, job: ThreadJob) -> None:
        self.job = job
        self._thread = threading.get_native_id()
        self._began_s: float | None = None

    def engine_s(self) -> float:
        clock_s = time.monotonic() - core_wait_s(os.getpid(), self._thread)
        if self._began_s is None:
            self._began_s = clock_s
        return clock_s - self._began_s


class EngineThreads:
    """Threads that take jobs from one queue; ``answer`` works on a batch of calls."""

    def __init__(
        self,
        count: int,
        name: str,
        queue: JobQueue[ThreadSegment | Work],
        answer: Callable[[list[CallJob]], None],
    ) -> None:
        self._queue = queue
        self._answer = answer
        self._changed = threading.Condition()
        self._working: set[_Watched] = set()
        self._closing = False
        self._threads = [
            threading.Thread(target=self._run, name=f"{name}-{index}", daemon=True)
            for index in range(count)
        ]
        for thread in self._threads:
            thread.start()

    def add(self, job: CallJob | ThreadSegment | Work, slack_s: float = 0.0) -> bool:
        """Have the job done, as if it had come ``slack_s`` later; False behind ``close``."""
        with self._changed:
            if self._closing:
                return False
            self._queue.add(job, time.monotonic() + min(slack_s, MOST_SLACK_S))
            self._changed.notify()
            return True

    def overdue(self, limit_s: Callable[[ThreadJob], float]) -> list[ThreadJob]:
        """The jobs that take longer than their limits, one for each thread that is stuck."""
        with self._changed:
            working = list(self._working)
        return [watched.job for watched in working if watched.engine_s() > limit_s(watched.job)]

    def queued(self) -> list[CallJob | ThreadSegment | Work]:
        """What no thread has begun, or none goes on with now."""
        with self._changed:
            return list(self._queue)

    def close(self, last: Work) -> None:
        """Let the threads end behind what is queued and ``last``; the calls are dropped."""
        with self._changed:
            for job in self._queue.drain():
                if not isinstance(job, CallJob):
                    self._queue.add(job, 0.0)
            self._queue.add(last, 1.0)
            self._closing = True
            self._changed.notify_all()

    def join(self, limit_s: float) -> None:
        """Wait for the threads, each at most that long."""
        for thread in self._threads:
            thread.join(limit_s)

    def _run(self) -> None:
        while (watched := self._take()) is not None:
            job = watched.job
            if isinstance(job, list):
                self._answer(job)
            elif isinstance(job, ThreadSegment):
                job.run()
            else:
                job()
            with self._changed:
                self._working.discard(watched)
            del job, watched  # what they hold must not live until the next one comes

    def _take(self) -> _Watched | None:
        with self._changed:
            while True:
                job, wait_s = self._queue.take(time.monotonic(), idle=not self._working)
                if job is not None:
                    watched = _Watched(job)
                    self._working.add(watched)
                    return watched
                if self._closing:
                    return None
                self._changed.wait(wait_s)
