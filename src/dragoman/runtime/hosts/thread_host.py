"""Engines in threads of the server process, for those that release the GIL while they work.

Scope: a fixed number of threads and one queue. A thread that is free takes the next job (or batch
of calls) itself; results come back to the loop with ``call_soon_threadsafe``. The threads are
daemons: an engine that never returns must not keep the server from ending. Whatever an engine
raises, ``SystemExit`` included, fails its call and neither a thread nor the loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncGenerator, Callable
from functools import partial

from dragoman.audio.pcm import bytes_in
from dragoman.engines.base import Engine, EngineUnavailable, Synthesizer, Utterance
from dragoman.runtime.hosts.engine_calls import RequestServer, batching_of
from dragoman.runtime.hosts.host import EngineFailed, RequestHost
from dragoman.runtime.hosts.job_queue import MOST_SLACK_S, Batching, CallJob, JobQueue, settle_all
from dragoman.runtime.hosts.requests import AnyRequest, Outcome
from dragoman.runtime.hosts.thread_segment import ThreadSegment

Work = Callable[[], None]
"""A job that must not raise."""


class EngineThreads:
    """Threads that take jobs from one queue; ``answer`` works on a batch of calls."""

    def __init__(
        self, count: int, name: str, queue: JobQueue[Work], answer: Callable[[list[CallJob]], None]
    ) -> None:
        self._queue = queue
        self._answer = answer
        self._changed = threading.Condition()
        self._busy = 0
        self._closing = False
        self._threads = [
            threading.Thread(target=self._run, name=f"{name}-{index}", daemon=True)
            for index in range(count)
        ]
        for thread in self._threads:
            thread.start()

    def add(self, job: CallJob | Work, slack_s: float = 0.0) -> None:
        """Have the job done, as if it had come ``slack_s`` later."""
        with self._changed:
            self._queue.add(job, time.monotonic() + min(slack_s, MOST_SLACK_S))
            self._changed.notify()

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
        while (job := self._take()) is not None:
            if isinstance(job, list):
                self._answer(job)
            else:
                job()
            del job  # what it holds must not live until the next one comes
            with self._changed:
                self._busy -= 1

    def _take(self) -> list[CallJob] | Work | None:
        with self._changed:
            while True:
                job, wait_s = self._queue.take(time.monotonic(), idle=not self._busy)
                if job is not None:
                    self._busy += 1
                    return job
                if self._closing:
                    return None
                self._changed.wait(wait_s)


class ThreadHost(RequestHost):
    """An ``EngineHost`` on threads. ``threads`` is how many calls run at the same time,
    ``window_ms`` how far speech may be ahead of its listener.
    """

    _CLOSE_S = 2.0

    def __init__(
        self,
        engine: Engine,
        *,
        threads: int,
        batching: Batching | None = None,
        most_waiting: int = 4096,
        window_ms: int = 10_000,
    ) -> None:
        self._count = max(1, threads)
        super().__init__(engine.info, self._count)
        self._engine = engine
        self._server = RequestServer(engine)
        self._most_waiting = most_waiting
        self._window_ms = window_ms
        batching = batching or batching_of(engine)
        self.capacity = self._count * batching.max_batch
        self._queue: JobQueue[Work] = JobQueue(batching)
        self._threads: EngineThreads | None = None
        self._loaded: asyncio.Future[Exception | None] | None = None
        self._calls: set[CallJob] = set()
        self._segments: set[ThreadSegment] = set()

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
        if self._loaded is not None:
            _settle(self._loaded, EngineFailed(reason))
        for job in self._calls:
            job.settle(Outcome(failure=reason))
        threads.close(self._close_engine)
        await asyncio.to_thread(threads.join, self._CLOSE_S)

    def _close_engine(self) -> None:
        with contextlib.suppress(Exception):
            self._engine.close()

    def _admit(self) -> EngineThreads:
        if self._threads is None:
            raise EngineFailed(f"the host of {self.info.name} is not open")
        if len(self._queue) >= self._most_waiting:
            raise EngineFailed(f"too many calls wait for {self.info.name}")
        return self._threads

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
        job = CallJob(request, self._loop.create_future())
        self._calls.add(job)
        threads.add(job)
        try:
            outcome = await job.future
        finally:
            self._calls.discard(job)
        job.times.report(self.info)
        return outcome

    def _call(self, batch: list[CallJob]) -> None:
        """On a thread."""
        requests = [job.request for job in batch]
        with self.work.stint() as stint:
            try:
                outcomes = self._server.answer(requests)
            except BaseException as error:  # noqa: BLE001 - it fails its call only
                outcomes = [Outcome(failure=repr(error)) for _ in batch]
        self.work.answered(requests, stint.own_s)
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

        def resume(work: Work, bytes_left: int) -> None:
            if self._threads is not None:
                self._threads.add(work, bytes_left / bytes_in(1000, rate_hz))

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
        threads.add(segment.run, slack_s)
        try:
            while (pcm := await segment.stream.next()) is not None:
                segment.taken(len(pcm))
                yield pcm
        finally:
            segment.leave()
            self._segments.discard(segment)
            segment.stream.times.report(self.info)


def _settle(future: asyncio.Future[Exception | None], result: Exception | None) -> None:
    if not future.done():
        future.set_result(result)
