"""What a worker process has to do, and for how long: segments of speech and batches of calls.

Scope: bookkeeping on the loop thread; sockets and processes are elsewhere.

Back-pressure of speech: the worker may be ``window`` bytes ahead of the listener, then it waits
for credit. A waiting worker does no other job, so its window is widened while jobs are queued, up
to ``MOST_WINDOWS`` times: few segments are longer than that. The time limit of a job does not run
while the worker waits for its listener.

Retries: a job that hangs before its first sound, or whose worker is killed from outside, is given
to another worker. A worker that hangs twice with the same job shows that the job is at fault.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from dragoman.engines.base import Utterance
from dragoman.runtime.hosts.engine_work import Stint
from dragoman.runtime.hosts.job_queue import CallJob, Losses
from dragoman.runtime.hosts.pcm_stream import PcmStream
from dragoman.runtime.hosts.process import ipc_messages as ipc
from dragoman.runtime.hosts.process.worker_process import WorkerProcess
from dragoman.runtime.hosts.time_limit import CALL_S, OTHER_CALL_S, PROBE_S, TimeLimit

MOST_WINDOWS = 4


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
        self._losses = Losses()

    def fail(self, reason: str) -> None:
        """The segment cannot be spoken; the reason is for the log."""
        self.stream.end(reason)

    def may_retry(self, *, hung: bool) -> bool:
        """Its worker was lost: whether another may try, as nothing has been sent yet."""
        return not (self.received_bytes or self.abandoned) and self._losses.allow_another(hung=hung)

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


class JobLimits(msgspec.Struct, frozen=True):
    """How long jobs may take, in seconds. ``call_s``: every call, whatever its kind."""

    first_sound_s: float
    segment_s: float
    call_s: float | None = None

    def of(self, job: SegmentJob | list[CallJob]) -> float:
        """The first limit of a job: that of a segment is for its first sound."""
        if isinstance(job, SegmentJob):
            return min(self.first_sound_s, self.segment_s)
        if not job:
            return PROBE_S
        return self.call_s or len(job) * CALL_S.get(type(job[0].request), OTHER_CALL_S)


class RunningJob:
    """What ``worker`` does now: a segment, a batch of calls, or, with an empty batch, a probe."""

    def __init__(
        self,
        number: int,
        job: SegmentJob | list[CallJob],
        worker: WorkerProcess,
        limits: JobLimits,
        stint: Stint,
    ) -> None:
        self.number = number
        self.job = job
        self._worker = worker
        self._limits = limits
        self._limit_s = limits.of(job)
        self._hangs = False
        self.limit = TimeLimit(self._limit_s, self._over, stint, worker.pid)

    def begin(self) -> ipc.IpcMessage:
        """What tells the worker to do it."""
        if isinstance(self.job, SegmentJob):
            job = self.job
            return ipc.BeginSegment(self.number, job.utterance, job.rate_hz, job.window)
        return ipc.CallBatch(self.number, tuple(call.request for call in self.job))

    def sounded(self) -> None:
        """The segment's first sound is here: from now on the limit is that of the whole."""
        self.limit.extend(self._limits.segment_s - self._limit_s)
        self._limit_s = self._limits.segment_s

    def fail(self, reason: str) -> None:
        """The worker cannot finish it."""
        self.limit.pause()
        for job in self._jobs:
            job.fail(reason)

    def lost(self, reason: str) -> list[SegmentJob | CallJob]:
        """The worker is gone: what another one may try. The rest fails: what is at fault itself
        (a crash, a limit of CPU time), and what cannot be repeated.
        """
        self.limit.pause()
        innocent = self._worker.was_killed or self._hangs
        retried = [job for job in self._jobs if innocent and job.may_retry(hung=self._hangs)]
        for job in self._jobs:
            if job not in retried:
                job.fail(reason)
        return retried

    @property
    def _jobs(self) -> Sequence[SegmentJob | CallJob]:
        return self.job if isinstance(self.job, list) else [self.job]

    def _over(self) -> None:
        self._hangs = True
        self._worker.overrun(f"the time limit of {self._limit_s:g} s")
