"""Engines in threads of the server process, for those that release the GIL while they work.

Scope: a fixed number of threads (``engine_threads``) and one queue; results come back to the loop
with ``call_soon_threadsafe``. Whatever an engine raises, ``SystemExit`` included, fails its call
and neither a thread nor the loop. A call whose caller is gone, or that is beyond its limit of time,
is cancelled in an engine that can end calls early. Nothing can end another one that never returns:
what it was asked fails at the limit of time, and its thread does not count as a worker until it
comes back. While no thread is left, all calls fail at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Callable
from functools import partial
from math import inf

from dragoman.audio.pcm import bytes_in
from dragoman.engines.base import Caps, Engine, EngineUnavailable, Synthesizer, Utterance
from dragoman.engines.cancellation import Cancellation
from dragoman.runtime.hosts.engine_calls import RequestServer, batching_of
from dragoman.runtime.hosts.engine_threads import EngineThreads, ThreadJob, Work
from dragoman.runtime.hosts.host import EngineFailed, RequestHost, Vitals
from dragoman.runtime.hosts.job_queue import Batching, CallJob, JobQueue, settle_all
from dragoman.runtime.hosts.requests import AnyRequest, Outcome
from dragoman.runtime.hosts.thread_segment import ThreadSegment
from dragoman.runtime.hosts.time_limit import OTHER_CALL_S

_NO_ANSWER = f"no answer in {OTHER_CALL_S:g} s"


class ThreadHost(RequestHost):
    """An ``EngineHost`` on threads. ``threads`` is how many calls run at the same time,
    ``window_ms`` how far speech may be ahead of its listener, ``caps`` stands for the engine's own.
    """

    _CLOSE_S = 2.0
    _WATCH_S = 0.5

    def __init__(
        self,
        engine: Engine,
        *,
        threads: int,
        batching: Batching | None = None,
        most_waiting: int = 4096,
        window_ms: int = 10_000,
        caps: Caps | None = None,
    ) -> None:
        self._count = max(1, threads)
        super().__init__(engine.info, self._count)
        self._caps = caps or engine.info.caps
        self._engine = engine
        self._server = RequestServer(engine)
        self._most_waiting = most_waiting
        self._window_ms = window_ms
        batching = batching or batching_of(engine)
        self.capacity = self._count * batching.max_batch
        self._queue: JobQueue[ThreadSegment | Work] = JobQueue(batching)
        self._threads: EngineThreads | None = None
        self._loaded: asyncio.Future[Exception | None] | None = None
        self._calls: set[CallJob] = set()
        self._segments: set[ThreadSegment] = set()
        self._watching: asyncio.TimerHandle | None = None
        self._stuck = 0

    @property
    def vitals(self) -> Vitals:
        """How many threads are there and not stuck."""
        return Vitals(0 if self._threads is None else self._count - self._stuck)

    @property
    def waiting(self) -> int:
        """Calls queued and not begun."""
        return len(self._queue)

    async def start(self) -> None:
        """Start the threads and load the engine in one. Raises ``EngineUnavailable``."""
        self._loop = asyncio.get_running_loop()
        self._threads = EngineThreads(self._count, self.info.name, self._queue, self._call)
        self._loaded = self._loop.create_future()
        self._threads.add(partial(self._load, self._loaded))
        try:
            error = await self._loaded
            if error is not None:
                raise error
        except BaseException:
            await self.close()
            raise

    def _load(self, loaded: asyncio.Future[Exception | None]) -> None:
        """On a thread."""
        failure: Exception | None = None
        try:
            self._engine.load()
        except EngineUnavailable as error:
            failure = error
        except BaseException as error:  # noqa: BLE001 - an engine may raise anything
            failure = EngineFailed(f"{self.info.name}: {error!r}")
            failure.__cause__ = error
        self._post(_settle, loaded, failure)

    async def close(self) -> None:
        """As in the Protocol; waits briefly for calls that are inside the engine."""
        threads = self._threads
        if threads is None:
            return
        reason = "the engine's host was closed"
        for segment in self._segments:
            segment.leave()
            segment.stream.end(reason)
        self._threads = None
        if self._watching is not None:
            self._watching.cancel()
        if self._loaded is not None:
            _settle(self._loaded, EngineFailed(reason))
        for job in self._calls:
            job.fail(reason)
        threads.close(self._close_engine)
        await asyncio.to_thread(threads.join, self._CLOSE_S)

    def _close_engine(self) -> None:
        with contextlib.suppress(Exception):
            self._engine.close()

    def _admit(self) -> EngineThreads:
        if self._threads is None:
            raise EngineFailed(f"the host of {self.info.name} is not open")
        if self._stuck == self._count:
            raise EngineFailed(self._all_stuck)
        if len(self._queue) >= self._most_waiting:
            raise EngineFailed(f"too many calls wait for {self.info.name}")
        return self._threads

    def _watch(self) -> None:
        """From time to time, while there is work: fail what is beyond its limit."""
        self._watching = None
        if self._threads is None:
            return
        overdue = self._threads.overdue(self._limit_s)
        self._stuck = len(overdue)
        silent = f"{self.info.name} made no sound in {self._caps.first_sound_s:g} s"
        for job in overdue:
            _fail(job, silent if isinstance(job, ThreadSegment) else _NO_ANSWER)
        if self._stuck == self._count:
            for queued in self._threads.queued():
                _fail(queued, self._all_stuck)
        if self._stuck or self._calls or self._segments:
            self._watch_later()

    @property
    def _all_stuck(self) -> str:
        return f"every thread of {self.info.name} is stuck"

    def _watch_later(self) -> None:
        if self._watching is None:
            period_s = min(self._WATCH_S, self._caps.first_sound_s / 4)
            self._watching = self._loop.call_later(period_s, self._watch)

    def _limit_s(self, job: list[CallJob] | ThreadSegment | Work) -> float:
        """How long a job may take as it is now."""
        if isinstance(job, ThreadSegment):
            return inf if job.sounds else self._caps.first_sound_s
        return OTHER_CALL_S if isinstance(job, list) else inf

    def _post(self, function: Callable[..., None], *args: object) -> bool:
        """From an engine thread: have the function called on the loop; False if that is closed."""
        try:
            self._loop.call_soon_threadsafe(function, *args)
        except RuntimeError:
            return False
        return True

    # ------------------------------------------------------------ calls and streams
    async def _ask(self, request: AnyRequest) -> Outcome:
        threads = self._admit()
        cancellation = Cancellation() if self.info.cancellable else None
        job = CallJob(request, self._loop.create_future(), cancellation)
        self._calls.add(job)
        threads.add(job)
        self._watch_later()
        try:
            outcome = await job.future
        except asyncio.CancelledError:
            job.cancel()
            raise
        finally:
            self._calls.discard(job)
        job.times.report(self.info)
        return outcome

    def _call(self, batch: list[CallJob]) -> None:
        """On a thread."""
        requests, cpu_before_s = [job.request for job in batch], time.thread_time()
        with self.work.stint() as stint:
            try:
                outcomes = self._server.answer(requests, batch[0].cancellation)
            except BaseException as error:  # noqa: BLE001 - it fails its call only
                outcomes = [Outcome(failure=repr(error)) for _ in batch]
        cpu_s = None if self.info.own_threads else time.thread_time() - cpu_before_s
        if all(outcome.failure is not None for outcome in outcomes):
            self.work.failed(stint.own_s)
        else:
            self.work.answered(requests, stint.own_s, cpu_s)
        self._post(settle_all, batch, outcomes)

    def _abort_stream(self, number: int) -> None:
        if self._threads is not None:
            self._threads.add(partial(self._server.abort, number))

    # ------------------------------------------------------------ speech
    async def speak(
        self, utterance: Utterance, rate_hz: int, *, slack_s: float = 0.0
    ) -> AsyncGenerator[bytes, None]:
        """As in the Protocol."""
        threads = self._admit()
        if not isinstance(self._engine, Synthesizer):
            raise EngineFailed(f"{self.info.name} ({self.info.role}) does not speak")

        def resume(segment: ThreadSegment, bytes_left: int) -> bool:
            return threads.add(segment, bytes_left / bytes_in(1000, rate_hz))

        segment = ThreadSegment(
            self._engine,
            utterance,
            rate_hz,
            window_bytes=bytes_in(self._window_ms, rate_hz),
            requeue=resume,
            others_wait=lambda: len(self._queue) > 0,
            post=self._post,
            work=self.work,
        )
        self._segments.add(segment)
        threads.add(segment, slack_s)
        self._watch_later()
        try:
            while (pcm := await segment.stream.next()) is not None:
                segment.taken(len(pcm))
                yield pcm
        finally:
            segment.leave()
            self._segments.discard(segment)
            segment.stream.times.report(self.info)


def _fail(job: ThreadJob | CallJob, reason: str) -> None:
    if isinstance(job, ThreadSegment):
        job.leave()
        job.stream.end(reason)
    elif not callable(job):
        for call in job if isinstance(job, list) else [job]:
            call.fail(reason)


def _settle(future: asyncio.Future[Exception | None], result: Exception | None) -> None:
    if not future.done():
        future.set_result(result)
