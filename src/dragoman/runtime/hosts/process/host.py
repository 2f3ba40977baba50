"""Engines in worker processes: for what holds the GIL, may crash or hang, or is GPL.

Law of this file: one bounded queue, first in, first out; each worker has one job at a time, and a
worker is free when it says so, not when the listener has heard everything. A worker that dies or
overruns a limit (``engines.base.Caps``) fails the job it had and is replaced; other jobs go on.
If somebody killed it before its segment was heard, the segment was not at fault: another tries.
When workers keep dying, replacements come after growing pauses, and while there is none, calls
fail at once. A worker that was ended at a limit counts as alive there: its text was at fault.
Measured: a frame there and back costs about 45 µs, so a segment's first sound is the engine's own.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncGenerator, Callable
from typing import Any, TypeVar

from dragoman.audio.pcm import bytes_in
from dragoman.engines.base import (
    EngineUnavailable,
    Info,
    Picture,
    Translation,
    Utterance,
    Window,
)
from dragoman.runtime.hosts.batch_calls import Answer, CallOutcome, Request
from dragoman.runtime.hosts.host import EngineFailed
from dragoman.runtime.hosts.process import ipc_messages
from dragoman.runtime.hosts.process.job_queue import (
    MOST_SLACK_S,
    JobQueue,
    PendingCall,
    RunningJob,
    SegmentJob,
    TimeLimit,
)
from dragoman.runtime.hosts.process.worker_process import WorkerProcess

log = logging.getLogger(__name__)
T = TypeVar("T")

_CLOSED = "the engine's host is not open"


class ProcessHost:
    """An ``EngineHost`` on worker processes.

    ``limit_s`` is the longest a job may work (else: 30 s for a call, ``info.caps`` for a segment
    of speech; the CPU time of a segment is the worker's to watch), ``window_ms`` how far speech
    may be ahead of its listener, ``most_waiting`` the bound of the queue, ``start_limit_s`` how
    long loading may take.
    """

    _CALL_S = 30.0
    _CANCEL_S = 5.0  # a cancelled job's worker must be free by then
    _CRASHES_MEAN_DOWN = 3
    _LONGEST_PAUSE_S = 5.0

    def __init__(
        self,
        info: Info,
        *,
        spec: str,
        workers: int,
        limit_s: float | None = None,
        window_ms: int = 10_000,
        most_waiting: int = 1024,
        start_limit_s: float = 120.0,
    ) -> None:
        self.info = info
        self._spec = spec
        self._count = max(1, workers)
        self._segment_s = info.caps.wall_s if limit_s is None else limit_s
        self._call_s = self._CALL_S if limit_s is None else limit_s
        self._window_ms = window_ms
        self._most_waiting = most_waiting
        self._start_limit_s = start_limit_s
        self._open = False
        self._queue = JobQueue()
        self._idle: deque[WorkerProcess] = deque()
        self._running: dict[WorkerProcess, RunningJob] = {}
        self._workers: set[WorkerProcess] = set()  # every process that is not yet gone
        self._ready: set[WorkerProcess] = set()
        self._replacing: set[asyncio.Task[None]] = set()
        self._numbers = 0
        self._crashes = 0  # since a job last came to its end

    @property
    def waiting(self) -> int:
        """Jobs queued and not begun."""
        return len(self._queue)

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers, for diagnosis."""
        return [worker.pid for worker in self._workers if worker.pid is not None]

    # ------------------------------------------------------------ life
    async def start(self) -> None:
        """Start all workers. Raises ``EngineUnavailable`` when one cannot load the engine."""
        if self._open:
            return
        self._open = True
        try:
            await asyncio.gather(*(self._add_worker() for _ in range(self._count)))
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """As in the Protocol; no process is left when it returns."""
        self._open = False
        for task in self._replacing:
            task.cancel()
        self._fail_queued("the engine's host was closed")
        for running in self._running.values():
            running.fail("the engine's host was closed")
        self._running.clear()
        self._idle.clear()
        self._ready.clear()
        await asyncio.gather(*(worker.close() for worker in list(self._workers)))
        await asyncio.gather(*self._replacing, return_exceptions=True)

    async def _add_worker(self) -> None:
        worker = WorkerProcess(self._spec, self._on_frame, self._on_gone)
        self._workers.add(worker)
        try:
            await worker.open(self._start_limit_s)
        except EngineUnavailable:
            if worker.pid is None:  # there is no process that could go
                self._workers.discard(worker)
            raise
        if not self._open:
            return
        self._ready.add(worker)
        self._idle.append(worker)
        self._dispatch()

    async def _replace(self) -> None:
        while self._open:
            doublings = self._crashes - 2
            if doublings >= 0:  # the first replacement comes at once
                await asyncio.sleep(min(self._LONGEST_PAUSE_S, 0.1 * 2**doublings))
            try:
                await self._add_worker()
            except EngineUnavailable as error:
                self._crashes += 1
                log.warning("cannot replace a worker of %s: %s", self.info.name, error)
                self._fail_if_down()
            else:
                return

    def _on_gone(self, worker: WorkerProcess, reason: str) -> None:
        self._workers.discard(worker)
        was_ready = worker in self._ready
        self._ready.discard(worker)
        with contextlib.suppress(ValueError):
            self._idle.remove(worker)
        running = self._running.pop(worker, None)
        if running is not None and not (worker.was_killed and self._requeue(running)):
            running.fail(reason)
        if self._open and was_ready:  # one that never got ready is dealt with by its starter
            self._crashes += not worker.overran
            log.warning("%s; %d crashes in a row", reason, self._crashes)
            task = asyncio.get_running_loop().create_task(self._replace())
            self._replacing.add(task)
            task.add_done_callback(self._replacing.discard)
            self._fail_if_down()
            self._dispatch()

    def _requeue(self, running: RunningJob) -> bool:
        """Give the job to another worker, before all others; whether that could be done."""
        job = running.job
        if not self._open or not isinstance(job, SegmentJob) or not job.again():
            return False
        running.limit.hold()
        self._queue.add(job, 0.0)
        return True

    def _down(self) -> bool:
        return not self._ready and self._crashes >= self._CRASHES_MEAN_DOWN

    def _fail_if_down(self) -> None:
        if self._down():
            self._fail_queued(f"the workers of {self.info.name} keep dying")

    def _fail_queued(self, reason: str) -> None:
        for job in self._queue.drain():
            if isinstance(job, SegmentJob):
                job.stream.end(reason)
            elif not job[1].done():
                job[1].set_result(CallOutcome(failure=reason))

    # ------------------------------------------------------------ calls
    async def run(self, function: Callable[..., T], *args: Any) -> T:
        """Not here: the engine object lives in another process. Raises ``EngineFailed``."""
        raise EngineFailed(f"{self.info.name} runs in worker processes: only calls reach it")

    async def call(self, request: Request) -> Answer:
        """As in the Protocol."""
        future: asyncio.Future[CallOutcome] = asyncio.get_running_loop().create_future()
        self._enqueue((request, future))
        outcome = await future
        answer = outcome.answer
        if answer is None:
            raise EngineFailed(f"{self.info.name}: {outcome.failure}")
        return answer

    async def speak(
        self, utterance: Utterance, rate_hz: int, *, slack_s: float = 0.0
    ) -> AsyncGenerator[bytes, None]:
        """As in the Protocol."""
        speech = SegmentJob(utterance, rate_hz, bytes_in(self._window_ms, rate_hz))
        self._enqueue(speech, slack_s)
        try:
            while (pcm := await speech.stream.next()) is not None:
                self._credit(speech, speech.taken(len(pcm)))
                yield pcm
        finally:
            self._leave(speech)

    def _enqueue(self, job: SegmentJob | PendingCall, slack_s: float = 0.0) -> None:
        if not self._open:
            raise EngineFailed(_CLOSED)
        if self._down():
            raise EngineFailed(f"the workers of {self.info.name} keep dying")
        if len(self._queue) >= self._most_waiting:
            raise EngineFailed(f"too many calls wait for {self.info.name}")
        self._queue.add(job, asyncio.get_running_loop().time() + min(slack_s, MOST_SLACK_S))
        self._dispatch()
        self._relieve()

    def _leave(self, speech: SegmentJob) -> None:
        """The listener goes, at the end or before it."""
        speech.abandoned = True
        if speech.stream.ended:
            return
        if self._queue.remove(speech):
            return
        for worker, running in self._running.items():
            if running.job is speech:
                worker.send(ipc_messages.CancelSegment(running.number))
                running.limit.go_on(self._CANCEL_S)

    def _credit(self, speech: SegmentJob, size: int) -> None:
        if not size or speech.stream.ended:
            return
        for worker, running in self._running.items():
            if running.job is speech:
                worker.send(ipc_messages.GrantCredit(running.number, size))
                if not speech.stalled:
                    running.limit.go_on()

    def _relieve(self) -> None:
        """While jobs wait, let workers go on that wait for their listeners."""
        if not self._queue:
            return
        for running in self._running.values():
            if isinstance(running.job, SegmentJob) and not running.job.abandoned:
                self._credit(running.job, running.job.widen())

    # ------------------------------------------------------------ workers and jobs
    def _dispatch(self) -> None:
        while self._queue and self._idle:
            job = self._next_job()
            if job:
                self._give(self._idle.popleft(), job)

    def _next_job(self) -> SegmentJob | list[PendingCall]:
        """The oldest job; windows right behind a window come along, as far as one batch goes."""
        first = self._queue.pop()
        if isinstance(first, SegmentJob):
            return first
        asks = [] if first[1].done() else [first]
        while asks and len(asks) < self.info.max_batch and self._queue:
            behind = self._queue.first()
            if isinstance(behind, SegmentJob) or not _are_windows(first[0], behind[0]):
                break
            self._queue.pop()
            if not behind[1].done():
                asks.append(behind)
        return asks

    def _give(self, worker: WorkerProcess, job: SegmentJob | list[PendingCall]) -> None:
        self._numbers += 1
        number = self._numbers
        limit_s = self._segment_s if isinstance(job, SegmentJob) else self._call_s
        limit = TimeLimit(limit_s, lambda: worker.overrun(f"the time limit of {limit_s:g} s"))
        running = RunningJob(number, job, limit)
        self._running[worker] = running
        try:
            worker.send(_opening(number, job))
        except ValueError as error:  # longer than a frame may be; the worker knows nothing of it
            del self._running[worker]
            running.fail(str(error))
            self._idle.append(worker)

    def _on_frame(self, worker: WorkerProcess, frame: ipc_messages.IpcMessage) -> None:
        running = self._running.get(worker)
        if running is None:
            return
        match frame, running.job:
            case ipc_messages.AudioPiece(pcm=pcm), SegmentJob() as speech:
                if not speech.abandoned:
                    speech.received(pcm)
                    if speech.stalled:
                        running.limit.hold()
                        self._relieve()
            case ipc_messages.SegmentFinished(
                failure=failure, refusal=refusal
            ), SegmentJob() as speech:
                speech.stream.end(failure, refusal)
                self._free(worker, running)
            case ipc_messages.CallResults(outcomes=outcomes), list() as asks:
                for (_, future), outcome in zip(asks, outcomes, strict=False):
                    if not future.done():
                        future.set_result(outcome)
                running.fail("the worker left this call unanswered")  # for those beyond the zip
                self._free(worker, running)
            case _:
                worker.kill(f"sent a {type(frame).__name__} out of order")

    def _free(self, worker: WorkerProcess, running: RunningJob) -> None:
        running.limit.hold()
        del self._running[worker]
        self._crashes = 0
        self._idle.append(worker)
        self._dispatch()


def _opening(number: int, job: SegmentJob | list[PendingCall]) -> ipc_messages.IpcMessage:
    if isinstance(job, SegmentJob):
        return ipc_messages.BeginSegment(number, job.utterance, job.rate_hz, job.window)
    requests = [request for request, _ in job]
    return ipc_messages.CallBatch(
        number,
        windows=tuple(request for request in requests if isinstance(request, Window)),
        translations=tuple(request for request in requests if isinstance(request, Translation)),
        pictures=tuple(request for request in requests if isinstance(request, Picture)),
    )


def _are_windows(first: Request, second: Request) -> bool:
    return isinstance(first, Window) and isinstance(second, Window)
