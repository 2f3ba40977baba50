"""Engines in worker processes: for what holds the GIL, may crash or hang, or is GPL.

Scope: one bounded queue; each worker has one job at a time, and a worker is free when it says so,
not when the listener has played everything. A worker that dies or overruns a limit
(``engines.base.Caps``, ``hosts.time_limit``) is replaced; other jobs go on. Its job is given to
another worker where that makes sense (``jobs``), else it fails, and so do the streams it held.
While there is no worker, calls wait for a replacement (``pool``). Idle workers are probed, so that
one that hangs is replaced before a job needs it.
Measured: a frame there and back costs about 45 µs, so a segment's first sound is the engine's own.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter, deque
from collections.abc import AsyncGenerator
from itertools import count
from typing import Any, Never

from msgspec.structs import replace

from dragoman.audio.pcm import bytes_in
from dragoman.engines.base import Info, Utterance
from dragoman.engines.remote_engine import RemoteEngine
from dragoman.runtime.hosts.host import EngineFailed, RequestHost, Vitals
from dragoman.runtime.hosts.job_queue import MOST_SLACK_S, Batching, CallJob, JobQueue, settle_all
from dragoman.runtime.hosts.process import ipc_messages as ipc
from dragoman.runtime.hosts.process.jobs import JobLimits, RunningJob, SegmentJob
from dragoman.runtime.hosts.process.pool import WorkerPool
from dragoman.runtime.hosts.process.worker_process import WorkerProcess
from dragoman.runtime.hosts.requests import AnyRequest, OpenStream, Outcome, StepStream


class ProcessHost(RequestHost):
    """An ``EngineHost`` on worker processes.

    ``limit_s`` is the longest a job may work (else: ``time_limit`` for a call, ``info.caps`` for a
    segment of speech; the CPU time of a segment is limited by the worker), ``window_ms`` how far
    speech may be ahead of its listener, ``most_waiting`` the bound of the queue, ``start_limit_s``
    how long loading may take, ``probe_every_s`` how often idle workers are probed. An engine of an
    environment is given as ``remote``.
    """

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
        probe_every_s: float = 5.0,
        remote: RemoteEngine | None = None,
    ) -> None:
        workers = max(1, workers)
        super().__init__(
            replace(info, cancellable=False), workers
        )  # workers hear nothing meanwhile
        caps = info.caps
        self._limits = JobLimits(caps.first_sound_s, limit_s or caps.wall_s, limit_s)
        self._window_ms = window_ms
        self._most_waiting = most_waiting
        self._probe_every_s = probe_every_s
        self._probing: asyncio.TimerHandle | None = None
        batching = batching or Batching()
        self.capacity = workers * batching.max_batch
        self._queue: JobQueue[SegmentJob] = JobQueue(batching)
        self._asking_again: asyncio.TimerHandle | None = None
        self._idle: deque[WorkerProcess] = deque()
        self._running: dict[WorkerProcess, RunningJob] = {}
        self._steps: dict[WorkerProcess, JobQueue[Never]] = {}  # of the streams in each worker
        self._stream_workers: dict[int, WorkerProcess] = {}
        self._job_numbers = count(1)
        self._remote = remote
        python = remote.python if remote is not None else None
        self._pool = WorkerPool(info.name, spec, workers, start_limit_s, self, python=python)

    @property
    def waiting(self) -> int:
        """Jobs queued and not begun."""
        return len(self._queue) + sum(map(len, self._steps.values()))

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers, for diagnosis."""
        return self._pool.pids

    @property
    def vitals(self) -> Vitals:
        """How the workers are."""
        return self._pool.vitals

    async def start(self) -> None:
        """Start all workers. Raises ``EngineUnavailable`` when one cannot load the engine."""
        if self._remote is not None:
            await asyncio.to_thread(self._remote.load)
        try:
            await self._pool.start()
        except BaseException:
            await self.close()
            raise
        self._probe_later()

    async def close(self) -> None:
        """As in the Protocol; no process is left when it returns."""
        reason = "the engine's host was closed"
        if self._probing is not None:
            self._probing.cancel()
        _fail_queued(reason, self._queue, *self._steps.values())
        for running in self._running.values():
            running.fail(reason)
        self._running.clear()
        self._idle.clear()
        self._steps.clear()
        self._stream_workers.clear()
        await self._pool.close()

    # ------------------------------------------------------------ ``PoolOwner``
    def on_ready(self, worker: WorkerProcess) -> None:
        """As in the Protocol."""
        self._steps[worker] = JobQueue()
        self._idle.append(worker)
        self._dispatch()

    def on_lost(self, worker: WorkerProcess, reason: str) -> bool:
        """As in the Protocol."""
        steps = self._steps.pop(worker, None)
        with contextlib.suppress(ValueError):
            self._idle.remove(worker)
        running = self._running.pop(worker, None)
        if running is not None:
            for job in running.lost(reason):
                self._queue.add(job, 0.0)  # before all others
        if worker.overran:  # what stopped it may have stopped others, too
            self._probe_idle()
        if steps is not None:
            _fail_queued(reason, steps)
        self._dispatch()
        return running is not None and bool(running.job)

    def on_down(self) -> None:
        """As in the Protocol."""
        _fail_queued(f"no worker of {self.info.name} starts", self._queue)

    def _probe_later(self) -> None:
        self._probing = asyncio.get_running_loop().call_later(self._probe_every_s, self._probe)

    def _probe(self) -> None:
        self._probe_idle()
        self._probe_later()

    def _probe_idle(self) -> None:
        """Ask the idle workers for a sign of life; they get no other job before they give it."""
        for _ in range(len(self._idle)):
            self._give(self._idle.popleft(), [])

    # ------------------------------------------------------------ calls and streams
    async def _ask(self, request: AnyRequest) -> Outcome:
        job = CallJob(request, asyncio.get_running_loop().create_future())
        if isinstance(request, OpenStream | StepStream):
            if isinstance(request, OpenStream):
                await self._pool.any_ready()
            self._steps_of(request).add(job, 0.0)
            self._dispatch()
        else:
            self._enqueue(job)
        outcome = await job.future
        job.times.report(self.info)
        if isinstance(request, StepStream) and request.item is None:  # it was finished
            self._stream_workers.pop(request.stream, None)
        return outcome

    def _steps_of(self, request: OpenStream | StepStream) -> JobQueue[Never]:
        """The steps of the worker that has the stream, for a new one of that with the fewest."""
        if isinstance(request, OpenStream):
            self._admit()
            streams = Counter(self._stream_workers.values())
            self._stream_workers[request.stream] = min(self._steps, key=streams.__getitem__)
        worker = self._stream_workers.get(request.stream)
        if worker not in self._steps:
            raise EngineFailed(f"the worker of {self.info.name} that held the stream is gone")
        return self._steps[worker]

    def _abort_stream(self, number: int) -> None:
        worker = self._stream_workers.pop(number, None)
        if worker is not None:
            worker.send(ipc.AbortStream(number))

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
            speech.stream.times.report(self.info)

    def _admit(self) -> None:
        if not self._pool.is_open:
            raise EngineFailed("the engine's host is not open")
        if self._pool.is_down:
            raise EngineFailed(f"no worker of {self.info.name} starts")
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
                worker.send(ipc.CancelSegment(running.number))
                running.limit.resume(self._CANCEL_S)

    def _credit(self, speech: SegmentJob, size: int) -> None:
        if not size or speech.stream.ended:
            return
        for worker, running in self._running.items():
            if running.job is speech:
                worker.send(ipc.GrantCredit(running.number, size))
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
        now_s = time.monotonic()
        for worker in list(self._idle):
            step, _ = self._steps[worker].take(now_s, idle=True)
            if step is not None:
                self._idle.remove(worker)
                self._give(worker, step)
        while self._idle:
            job, wait_s = self._queue.take(now_s, idle=not self._running)
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
        if isinstance(job, SegmentJob):
            job.stream.times.begin()
        number, stint = next(self._job_numbers), self.work.stint()
        running = RunningJob(number, job, worker, self._limits, stint)
        self._running[worker] = running
        try:
            worker.send(running.begin())
        except ValueError as error:  # longer than a frame may be: it was not sent
            del self._running[worker]
            running.fail(str(error))
            self._idle.append(worker)

    def on_frame(self, worker: WorkerProcess, frame: ipc.IpcMessage) -> None:
        """As in the Protocol."""
        running = self._running.get(worker)
        if running is None:
            return
        match frame, running.job:
            case ipc.AudioPiece(pcm=pcm), SegmentJob() as speech:
                if not speech.abandoned:
                    if not speech.received_bytes:
                        running.sounded()
                    speech.received(pcm)
                    if speech.stalled:
                        running.limit.pause()
                        self._widen_stalled()
            case ipc.SegmentFinished(failure=failure, refusal=refusal), SegmentJob() as job:
                job.stream.end(failure, refusal)
                self._free(worker, running, frame.cpu_s, failed=failure is not None)
            case ipc.CallResults(outcomes=outcomes), list() as calls:
                settle_all(calls, outcomes)
                failed = all(outcome.failure is not None for outcome in outcomes)
                self._free(worker, running, frame.cpu_s, failed=failed)
            case _:
                worker.kill(f"sent a {type(frame).__name__} out of order")

    def _free(
        self, worker: WorkerProcess, running: RunningJob, cpu_s: float, *, failed: bool
    ) -> None:
        running.limit.pause()
        del self._running[worker]
        if running.job:
            self._measure(running, cpu_s, failed=failed)
            self._pool.works()
        self._idle.append(worker)
        self._dispatch()

    def _measure(self, running: RunningJob, cpu_s: float, *, failed: bool) -> None:
        job, own_s = running.job, running.limit.stint.own_s
        if failed:
            self.work.failed(own_s)
        elif isinstance(job, SegmentJob):
            self.work.spoke(job.received_bytes / bytes_in(1000, job.rate_hz), own_s, cpu_s)
        else:
            self.work.answered([call.request for call in job], own_s, cpu_s)


def _fail_queued(reason: str, *queues: JobQueue[Any]) -> None:
    for queue in queues:
        for job in queue.drain():
            job.fail(reason)
