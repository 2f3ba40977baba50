"""Engines in worker processes: for what holds the GIL, may crash or hang, or is GPL.

Scope: one bounded queue; each worker has one job at a time, and a worker is free when it says so,
not when the listener has heard everything. A worker that dies or overruns a limit
(``engines.base.Caps``) fails the job it had and the streams it held, and is replaced; other jobs
go on. If it was killed from outside before its segment was heard, another worker tries. While there
is no worker and replacements keep dying (``worker_pool``), calls fail at once.
Measured: a frame there and back costs about 45 µs, so a segment's first sound is the engine's own.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncGenerator
from functools import partial
from typing import cast

from dragoman.audio.pcm import bytes_in
from dragoman.engines.base import Info, Utterance
from dragoman.runtime.hosts.host import EngineFailed, HostStream, answer_of
from dragoman.runtime.hosts.job_queue import (
    MOST_SLACK_S,
    Batching,
    CallJob,
    JobQueue,
    settle_all,
)
from dragoman.runtime.hosts.process import ipc_messages
from dragoman.runtime.hosts.process.worker_jobs import (
    RunningJob,
    SegmentJob,
    TimeLimit,
    WorkerStreams,
)
from dragoman.runtime.hosts.process.worker_pool import WorkerPool
from dragoman.runtime.hosts.process.worker_process import WorkerProcess
from dragoman.runtime.hosts.requests import (
    Answer,
    OpenStream,
    Outcome,
    Request,
    StartRequest,
    StepStream,
    StreamAnswer,
    StreamItem,
)

_CLOSED = "the engine's host is not open"


class ProcessHost:
    """An ``EngineHost`` on worker processes.

    ``limit_s`` is the longest a job may work (else: 30 s for a call, ``info.caps`` for a segment
    of speech; the CPU time of a segment is limited by the worker), ``window_ms`` how far speech
    may be ahead of its listener, ``most_waiting`` the bound of the queue, ``start_limit_s`` how
    long loading may take.
    """

    _CALL_S = 30.0
    _CANCEL_S = 5.0  # a cancelled job's worker must be free by then

    def __init__(
        self,
        info: Info,
        *,
        spec: str,
        workers: int,
        batching: Batching | None = None,
        limit_s: float | None = None,
        window_ms: int = 10_000,
        most_waiting: int = 1024,
        start_limit_s: float = 120.0,
    ) -> None:
        self.info = info
        self._count = max(1, workers)
        self._segment_s = info.caps.wall_s if limit_s is None else limit_s
        self._call_s = self._CALL_S if limit_s is None else limit_s
        self._window_ms = window_ms
        self._most_waiting = most_waiting
        batching = batching or Batching()
        self.capacity = self._count * batching.max_batch
        self._queue: JobQueue[SegmentJob] = JobQueue(batching)
        self._asking_again: asyncio.TimerHandle | None = None
        self._idle: deque[WorkerProcess] = deque()
        self._running: dict[WorkerProcess, RunningJob] = {}
        self._ready: dict[WorkerProcess, WorkerStreams] = {}
        self._numbers = 0
        self._pool = WorkerPool(info.name, spec, self._count, start_limit_s, self)

    @property
    def waiting(self) -> int:
        """Jobs queued and not begun."""
        return len(self._queue) + sum(len(streams.steps) for streams in self._ready.values())

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers, for diagnosis."""
        return self._pool.pids

    async def start(self) -> None:
        """Start all workers. Raises ``EngineUnavailable`` when one cannot load the engine."""
        if self._pool.is_open:
            return
        try:
            await self._pool.start()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """As in the Protocol; no process is left when it returns."""
        reason = "the engine's host was closed"
        self._fail_queued(reason)
        for running in self._running.values():
            running.fail(reason)
        for streams in self._ready.values():
            streams.fail(reason)
        self._running.clear()
        self._idle.clear()
        self._ready.clear()
        await self._pool.close()

    # ------------------------------------------------------------ ``PoolOwner``
    def on_ready(self, worker: WorkerProcess) -> None:
        """As in the Protocol."""
        self._ready[worker] = WorkerStreams()
        self._idle.append(worker)
        self._dispatch()

    def on_lost(self, worker: WorkerProcess, reason: str) -> None:
        """As in the Protocol."""
        streams = self._ready.pop(worker, None)
        with contextlib.suppress(ValueError):
            self._idle.remove(worker)
        running = self._running.pop(worker, None)
        if running is not None and not (worker.was_killed and self._requeue(running)):
            running.fail(reason)
        if streams is not None:
            streams.fail(reason)
        self._dispatch()

    def on_down(self) -> None:
        """As in the Protocol."""
        self._fail_queued(f"the workers of {self.info.name} keep dying")

    def _requeue(self, running: RunningJob) -> bool:
        """Give the job to another worker, before all others; whether that could be done."""
        job = running.job
        if not self._pool.is_open or not isinstance(job, SegmentJob) or not job.may_retry():
            return False
        running.limit.pause()
        self._queue.add(job, 0.0)
        return True

    def _fail_queued(self, reason: str) -> None:
        for job in self._queue.drain():
            if isinstance(job, SegmentJob):
                job.stream.end(reason)
            else:
                job.settle(Outcome(failure=reason))

    # ------------------------------------------------------------ calls and streams
    async def call(self, request: Request) -> Answer:
        """As in the Protocol."""
        job = CallJob(request, asyncio.get_running_loop().create_future())
        self._enqueue(job)
        return cast("Answer", answer_of(await job.future, self.info))

    async def open(self, request: StartRequest) -> HostStream:
        """As in the Protocol; the stream lives in one worker and ends with it."""
        self._admit()
        if not self._ready:
            raise EngineFailed(f"no worker of {self.info.name} is ready")
        worker = min(self._ready, key=lambda worker: self._ready[worker].open)
        self._numbers += 1
        number = self._numbers
        self._ready[worker].open += 1
        stream = HostStream(
            partial(self._step, worker, number), partial(self._abort, worker, number)
        )
        try:
            await self._do(worker, OpenStream(number, request))
        except BaseException:
            stream.abort()
            raise
        return stream

    async def _step(
        self, worker: WorkerProcess, number: int, item: StreamItem | None
    ) -> StreamAnswer:
        answer = await self._do(worker, StepStream(number, item))
        if item is None:
            self._forget_stream(worker)
        return answer

    async def _do(self, worker: WorkerProcess, request: OpenStream | StepStream) -> StreamAnswer:
        streams = self._ready.get(worker)
        if streams is None:
            raise EngineFailed(f"the worker of {self.info.name} that held the stream is gone")
        job = CallJob(request, asyncio.get_running_loop().create_future())
        streams.steps.append(job)
        self._dispatch()
        return cast("StreamAnswer", answer_of(await job.future, self.info))

    def _abort(self, worker: WorkerProcess, number: int) -> None:
        worker.send(ipc_messages.AbortStream(number))
        self._forget_stream(worker)

    def _forget_stream(self, worker: WorkerProcess) -> None:
        if worker in self._ready:
            self._ready[worker].open -= 1

    # ------------------------------------------------------------ speech
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

    def _admit(self) -> None:
        if not self._pool.is_open:
            raise EngineFailed(_CLOSED)
        if self._pool.is_down:
            raise EngineFailed(f"the workers of {self.info.name} keep dying")
        if self.waiting >= self._most_waiting:
            raise EngineFailed(f"too many calls wait for {self.info.name}")

    def _enqueue(self, job: SegmentJob | CallJob, slack_s: float = 0.0) -> None:
        self._admit()
        self._queue.add(job, time.monotonic() + min(slack_s, MOST_SLACK_S))
        self._dispatch()
        self._widen_stalled()

    def _leave(self, speech: SegmentJob) -> None:
        """The listener ends, with the segment or before it."""
        speech.abandoned = True
        if speech.stream.ended or self._queue.remove(speech):
            return
        for worker, running in self._running.items():
            if running.job is speech:
                worker.send(ipc_messages.CancelSegment(running.number))
                running.limit.resume(self._CANCEL_S)

    def _credit(self, speech: SegmentJob, size: int) -> None:
        if not size or speech.stream.ended:
            return
        for worker, running in self._running.items():
            if running.job is speech:
                worker.send(ipc_messages.GrantCredit(running.number, size))
                if not speech.stalled:
                    running.limit.resume()

    def _widen_stalled(self) -> None:
        """While jobs are queued, let workers continue that wait for slow listeners."""
        if not len(self._queue):
            return
        for running in self._running.values():
            if isinstance(running.job, SegmentJob) and not running.job.abandoned:
                self._credit(running.job, running.job.widen())

    # ------------------------------------------------------------ workers and jobs
    def _dispatch(self) -> None:
        """Give the idle workers what there is to do: steps of their own streams first."""
        for worker in [idle for idle in self._idle if self._ready[idle].steps]:
            step = self._ready[worker].next_step()
            if step is not None:
                self._idle.remove(worker)
                self._give(worker, [step])
        while self._idle:
            job, wait_s = self._queue.take(time.monotonic(), idle=not self._running)
            if job is None:
                self._ask_again(wait_s)
                return
            self._give(self._idle.popleft(), job)

    def _ask_again(self, wait_s: float | None) -> None:
        """Come back when the oldest incomplete batch has waited long enough."""
        if self._asking_again is not None:
            self._asking_again.cancel()
            self._asking_again = None
        if wait_s is not None:
            loop = asyncio.get_running_loop()
            self._asking_again = loop.call_later(wait_s, self._dispatch)

    def _give(self, worker: WorkerProcess, job: SegmentJob | list[CallJob]) -> None:
        self._numbers += 1
        number = self._numbers
        limit_s = self._segment_s if isinstance(job, SegmentJob) else self._call_s
        limit = TimeLimit(limit_s, lambda: worker.overrun(f"the time limit of {limit_s:g} s"))
        running = RunningJob(number, job, limit)
        self._running[worker] = running
        try:
            worker.send(_begin(number, job))
        except ValueError as error:  # longer than a frame may be; the worker knows nothing of it
            del self._running[worker]
            running.fail(str(error))
            self._idle.append(worker)

    def on_frame(self, worker: WorkerProcess, frame: ipc_messages.IpcMessage) -> None:
        """As in the Protocol."""
        running = self._running.get(worker)
        if running is None:
            return
        match frame, running.job:
            case ipc_messages.AudioPiece(pcm=pcm), SegmentJob() as speech:
                if not speech.abandoned:
                    speech.received(pcm)
                    if speech.stalled:
                        running.limit.pause()
                        self._widen_stalled()
            case ipc_messages.SegmentFinished(
                failure=failure, refusal=refusal
            ), SegmentJob() as job:
                job.stream.end(failure, refusal)
                self._free(worker, running)
            case ipc_messages.CallResults(outcomes=outcomes), list() as calls:
                if len(outcomes) == len(calls):
                    settle_all(calls, outcomes)
                else:
                    running.fail("the worker left a call unanswered")
                self._free(worker, running)
            case _:
                worker.kill(f"sent a {type(frame).__name__} out of order")

    def _free(self, worker: WorkerProcess, running: RunningJob) -> None:
        running.limit.pause()
        del self._running[worker]
        self._pool.works()
        self._idle.append(worker)
        self._dispatch()


def _begin(number: int, job: SegmentJob | list[CallJob]) -> ipc_messages.IpcMessage:
    if isinstance(job, SegmentJob):
        return ipc_messages.BeginSegment(number, job.utterance, job.rate_hz, job.window)
    return ipc_messages.CallBatch(number, tuple(call.request for call in job))
