"""A gateway's connection to the engine process, shared by all its hosts.

Scope: loop thread only; which job is which, and what happens when the connection is lost: its jobs
fail, and it is made again. The engine process may be away for seconds while it is started again.
The messages are those of ``process.ipc_messages``, many jobs at a time, each with a number of its
own.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from itertools import count
from typing import cast

from dragoman.runtime.hosts.framing import encode
from dragoman.runtime.hosts.host import EngineFailed
from dragoman.runtime.hosts.job_queue import CallJob
from dragoman.runtime.hosts.process import ipc_messages as ipc
from dragoman.runtime.hosts.process.jobs import SegmentJob

log = logging.getLogger("dragoman.runtime.hosts.shared")

_RETRY_S = 0.2
GONE = "the engine process is gone"


class EngineLink(asyncio.Protocol):
    """The connection to the unix socket ``address`` (a name of the abstract namespace begins
    with a NUL). ``most_jobs`` bounds what may be asked at the same time.
    """

    def __init__(self, address: bytes, *, most_jobs: int = 4096) -> None:
        self._address = address
        self._most_jobs = most_jobs
        self._reader = ipc.MessageReader()
        self._transport: asyncio.Transport | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._lost: asyncio.Future[None] | None = None
        self._jobs: dict[int, CallJob | SegmentJob] = {}
        self._numbers = count(1)
        self._reports: tuple[ipc.EngineReport, ...] = ()
        self._reported = asyncio.Event()
        self._listeners: dict[int, Callable[[ipc.EngineReport], None]] = {}

    def open(self) -> None:
        """Connect, and again whenever the connection is lost; twice is harmless."""
        if self._connecting is None:
            self._connecting = asyncio.get_running_loop().create_task(self._stay_connected())

    async def close(self) -> None:
        """Give the connection up; twice is harmless."""
        connecting, self._connecting = self._connecting, None
        if connecting is not None:
            connecting.cancel()
            await asyncio.gather(connecting, return_exceptions=True)

    def report(self, engine: int) -> ipc.EngineReport | None:
        """How far the engine is; None while the engine process is away."""
        return self._reports[engine] if engine < len(self._reports) else None

    def on_report(self, engine: int, listener: Callable[[ipc.EngineReport], None]) -> None:
        """Have every report of the engine given to its host, too."""
        self._listeners[engine] = listener

    async def loaded(self, engine: int) -> ipc.EngineReport:
        """The report of the engine as soon as it is not loading any more."""
        while (report := self.report(engine)) is None or report.state == "loading":
            self._reported.clear()
            await self._reported.wait()
        return report

    # ------------------------------------------------------------ jobs
    def begin(self, job: CallJob | SegmentJob, message: Callable[[int], ipc.IpcMessage]) -> int:
        """Have a job done; its number, with which ``message`` is made. Raises ``EngineFailed``."""
        if not self._reports:
            raise EngineFailed(GONE)
        if len(self._jobs) >= self._most_jobs:
            raise EngineFailed("too many calls wait for the engine process")
        number = next(self._numbers)
        try:
            self.send(message(number))
        except ValueError as error:  # longer than a frame may be: it was not sent
            raise EngineFailed(str(error)) from None
        self._jobs[number] = job
        return number

    def leave(self, number: int) -> None:
        """Nobody waits for the job any more; no effect on one that has ended."""
        if self._jobs.pop(number, None) is not None:
            self.send(ipc.CancelSegment(number))

    def send(self, message: ipc.IpcMessage) -> None:
        """Send; without effect while the engine process is away. Raises ``ValueError``."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(encode(message))

    # ------------------------------------------------------------ the connection
    async def _stay_connected(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            sock.setblocking(False)  # noqa: FBT003  # positional only
            try:
                sock.connect(self._address)  # a unix socket does not wait
                self._lost = loop.create_future()
                await loop.create_unix_connection(lambda: self, sock=sock)
            except OSError:
                sock.close()
                await asyncio.sleep(_RETRY_S)
                continue
            try:
                await self._lost
            finally:
                if self._transport is not None:
                    self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is ours now."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass of it

    def data_received(self, data: bytes) -> None:
        """Messages, cut anywhere."""
        try:
            messages = self._reader.feed(data)
        except ValueError as error:
            log.warning("the engine process sent something that is no frame: %s", error)
            if self._transport is not None:
                self._transport.abort()
            return
        for message in messages:
            self._take(message)

    def _take(self, message: ipc.IpcMessage) -> None:
        match message:
            case ipc.EngineReports(engines=reports):
                self._reports = reports
                self._reported.set()
                for number, listener in self._listeners.items():
                    listener(reports[number])
            case ipc.JobTimes(job=number, queued_s=queued_s, took_s=took_s, batch=batch):
                job = self._jobs.get(number)
                if job is not None:
                    times = job.times if isinstance(job, CallJob) else job.stream.times
                    times.learn(queued_s, took_s, batch)
            case ipc.CallResults(job=number, outcomes=(outcome,)):
                job = self._jobs.pop(number, None)
                if isinstance(job, CallJob):
                    job.settle(outcome)
            case ipc.AudioPiece(job=number, pcm=pcm):
                job = self._jobs.get(number)
                if isinstance(job, SegmentJob):
                    job.received(pcm)
            case ipc.SegmentFinished(job=number, failure=failure, refusal=refusal):
                job = self._jobs.pop(number, None)
                if isinstance(job, SegmentJob):
                    job.stream.end(failure, refusal)
            case _:
                log.error("the engine process sent a %s", type(message).__name__)

    def connection_lost(self, error: Exception | None) -> None:
        """Nothing that was asked will be answered."""
        self._transport = None
        self._reader = ipc.MessageReader()
        self._reports = ()
        jobs, self._jobs = self._jobs, {}
        for job in jobs.values():
            job.fail(GONE)
        if self._lost is not None and not self._lost.done():
            self._lost.set_result(None)
