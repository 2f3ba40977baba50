"""One connection: a driver carries out what the session asks for and does all the waiting.

Scope: the tasks of one connection and nothing of any protocol. The session is a synchronous step
function, so any task here may step it at once; there is no await between a step and the carrying
out of its commands, so their order is never lost. All events that the client has sent by now are
stepped in one go, and the frames that a step makes are written at once if the socket takes them
(small ones of jobs after two milliseconds).
Four kinds of tasks wait, each for one thing:

* the reader waits for the client, for room in the inboxes of running jobs, and, when the client
  asks without reading the answers, for room in the outbox;
* the writer waits for a socket that was full, and sends what could not be written at once; it
  also closes, after the last frame;
* the timer waits for the session's deadline;
* a job waits for its engines, and for room in the outbox before it reports.

The step never waits for a job, a job never waits for the reader: no circle, no deadlock.
Commands for a job that has just ended are no-ops. A job's failure becomes a ``Failed`` report,
and so does a cancellation that nobody asked for. What fails while that is reported is a bug of
ours and ends the run, because a session that is not told the end of its job would wait for ever.
Cutting off a client that reads nothing is up to ``server.sockets.websocket_guard``.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from dragoman.protocol.core import commands as kernel
from dragoman.protocol.core.events import ClientEvent, Malformed, ServerEvent
from dragoman.runtime.driver.inbox import Inbox
from dragoman.runtime.driver.outbox import Outbox
from dragoman.runtime.hosts.host import EngineFailed, TextRefused
from dragoman.runtime.observer import EventSent, JobFailed, Observer
from dragoman.runtime.timed_wait import set_within
from dragoman.speech import Result, Task

LOG = logging.getLogger("dragoman.session")

INBOX_BYTES = 10 * 32_000
"""High water of a job's inbox: ten seconds of 16 kHz audio."""
OUTBOX_CHARS = 512 * 1024
"""High water of the outbox: about eight seconds of speech in base64."""
_GATHER_S = 0.002
_GATHER_CHARS = 2048
"""Less than this, reported by jobs, waits for what follows it: a write costs more than all the rest
of a report, and the words of one moment come from several stages. So audio never waits.
"""
_LONGEST_SLEEP_S = 60.0
_BURST = 64
"""Events of one client after which other sessions have their turn."""

Emit = Callable[[Result], Awaitable[None]]
Encode = Callable[[ServerEvent, str], str]
"""Event and event id to a text frame (``protocol.core.codec.Codec.encode``)."""
RunJob = Callable[[Task, Inbox, Emit], Awaitable[None]]


class ClientConnection(Protocol):
    """What the driver needs of a socket."""

    @property
    def is_gone(self) -> bool:
        """Whether the client is gone: no more events come."""

    def take(self) -> Sequence[ClientEvent | Malformed]:
        """The events that are there now, but not more than a few milliseconds' work."""

    def arrival(self) -> Awaitable[None]:
        """Done when there is an event to take, or the client is gone."""

    @property
    def is_writable(self) -> bool:
        """Whether ``write`` is welcome; not when the client is gone."""

    def write(self, texts: Sequence[str]) -> None:
        """Send text frames without waiting; ask ``is_writable`` first.

        Raises ``OSError`` when the client is gone.
        """

    async def drain(self) -> None:
        """Wait until ``write`` is welcome. Raises ``OSError`` when the client is gone."""

    async def close(self, code: int, reason: str) -> None:
        """Close the WebSocket."""


class Driver:
    """Runs one session over one connection."""

    def __init__(
        self,
        session: kernel.Session,
        connection: ClientConnection,
        encode: Encode,
        run_job: RunJob,
        observer: Observer,
        *,
        evicted: asyncio.Future[kernel.Eviction] | None = None,
    ) -> None:
        """``evicted``: when it is done, the session is told to end, for the reason in it."""
        self._evicted = evicted or asyncio.get_running_loop().create_future()
        self._session = session
        self._connection = connection
        self._encode = encode
        self._run_job = run_job
        self._observer = observer
        self._loop = asyncio.get_running_loop()
        self._outbox = Outbox(OUTBOX_CHARS)
        self._jobs: dict[int, tuple[Inbox, asyncio.Task[None]]] = {}
        self._has_leftover = asyncio.Event()  # frames that could not be written, or the close
        self._deadline_moved = asyncio.Event()
        self._gathering: asyncio.TimerHandle | None = None
        self._wakes_at = 0.0  # when the timer looks again if nobody wakes it
        self._broken: asyncio.Future[None] = self._loop.create_future()

    async def run(self) -> None:
        """Until the session closed or the client went away; no job outlives this."""
        self._carry_out(self._session.open(self._loop.time()))
        self._settle()
        self._evicted.add_done_callback(self._evict)
        tasks = [
            asyncio.create_task(self._read(), name="reader"),
            asyncio.create_task(self._write(), name="writer"),
            asyncio.create_task(self._time(), name="timer"),
        ]
        try:
            waits = [*tasks, self._broken]
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for ended in done:
                ended.result()
        finally:
            self._evicted.remove_done_callback(self._evict)
            await self._stop(tasks)

    async def _stop(self, tasks: list[asyncio.Task[None]]) -> None:
        jobs = [task for _, task in self._jobs.values()]
        self._jobs.clear()
        self._stop_gathering()
        for waited in [*tasks, *jobs, self._broken]:
            waited.cancel()
        await asyncio.gather(*tasks, *jobs, self._broken, return_exceptions=True)

    # ------------------------------------------------------------ the waiting tasks
    async def _read(self) -> None:
        connection, session, taken = self._connection, self._session, 0
        while not connection.is_gone:
            await connection.arrival()
            events = connection.take()
            now = self._loop.time()
            for event in events:
                self._carry_out(session.receive(event, now))
                if session.closed:
                    self._settle()
                    await asyncio.Event().wait()  # the writer ends the run, after the last frame
                if not self._has_room():
                    self._settle()
                    await self._room()
            self._settle()
            taken += len(events)
            if taken >= _BURST:
                taken = 0
                await asyncio.sleep(0)

    def _has_room(self) -> bool:
        for inbox, _ in self._jobs.values():
            if not inbox.has_room:
                return False
        return self._outbox.has_room_to_answer

    async def _room(self) -> None:
        for inbox in [inbox for inbox, _ in self._jobs.values()]:
            await inbox.room()
        await self._outbox.room_to_answer()

    async def _write(self) -> None:
        while True:
            await self._has_leftover.wait()
            self._has_leftover.clear()
            try:
                await self._connection.drain()
                self._flush()
                if self._outbox.closing is not None and not self._outbox.frames:
                    await self._connection.close(*self._outbox.closing)
                    return
            except OSError:
                return

    async def _time(self) -> None:
        while True:
            now = self._loop.time()
            deadline = self._session.deadline()
            if deadline is not None and now >= deadline:
                self._carry_out(self._session.tick(now))
                self._settle()
                await asyncio.sleep(0)  # a session may want one tick after the other
                continue
            await self._sleep_until(deadline, now)

    async def _sleep_until(self, deadline: float | None, now: float) -> None:
        # Deadlines mostly move later, so waking a little early and looking again is cheaper
        # than being woken at every event; only one that moves nearer wakes the timer.
        sleep_s = min(_LONGEST_SLEEP_S, math.inf if deadline is None else deadline - now)
        self._wakes_at = now + sleep_s
        await set_within(self._deadline_moved, max(sleep_s, 0.001))

    # ------------------------------------------------------------ carrying out commands
    def _settle(self) -> None:
        """To be called after each step, or after several without an await between them."""
        self._stop_gathering()
        self._flush()
        # Also without any command: text alone can be a reason to look again soon.
        deadline = self._session.deadline()
        if deadline is not None and deadline < self._wakes_at:
            self._deadline_moved.set()

    def _settle_soon(self) -> None:
        """The same, but few characters wait for more."""
        outbox = self._outbox
        if outbox.closing is not None or not 0 < outbox.chars < _GATHER_CHARS:
            self._settle()
        elif self._gathering is None:
            self._gathering = self._loop.call_later(_GATHER_S, self._settle)

    def _stop_gathering(self) -> None:
        if self._gathering is not None:
            self._gathering.cancel()
            self._gathering = None

    def _flush(self) -> None:
        outbox, connection = self._outbox, self._connection
        try:
            while outbox.frames and connection.is_writable:
                connection.write(outbox.take())
        except OSError:
            self._has_leftover.set()  # the writer sees that the client is gone, and ends the run
        if outbox.frames or outbox.closing is not None:
            self._has_leftover.set()

    def _carry_out(self, commands: list[kernel.Command]) -> None:
        for command in commands:
            match command:
                case kernel.Push():
                    if command.job in self._jobs:
                        self._jobs[command.job][0].put(command.item)
                case kernel.Send():
                    frame = self._encode(command.event, command.event_id)
                    self._outbox.put(frame, command.supersedes)
                    event_type = str(command.event.__struct_config__.tag)
                    self._observer.on(EventSent(event_type, command.event_id))
                case kernel.Start(job=job, task=task):
                    self._start(job, task)
                case kernel.End(job=job):
                    if job in self._jobs:
                        self._jobs[job][0].end()
                case kernel.Abort(job=job):
                    self._abort(job)
                case kernel.Close(code=code, reason=reason):
                    self._outbox.close(code, reason)
                case kernel.Note() | kernel.Used():
                    self._observer.on(command)

    def _start(self, job: int, task: Task) -> None:
        inbox = Inbox(INBOX_BYTES)
        running = asyncio.create_task(self._job(job, task, inbox), name=f"job-{job}")
        self._jobs[job] = (inbox, running)
        running.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        failure = None if task.cancelled() else task.exception()
        if failure is not None and not self._broken.done():
            self._broken.set_exception(failure)

    def _abort(self, job: int) -> None:
        if job in self._jobs:
            inbox, task = self._jobs.pop(job)
            inbox.close()
            task.cancel()
            _aborted_tasks.add(task)
            task.add_done_callback(_aborted_tasks.discard)

    async def _job(self, job: int, task: Task, inbox: Inbox) -> None:
        async def emit(result: Result) -> None:
            while not self._outbox.has_room:
                await self._outbox.room()
            self._report(kernel.Output(job, result))

        try:
            await self._run_job(task, inbox, emit)
        except (Exception, asyncio.CancelledError) as failure:
            if isinstance(failure, asyncio.CancelledError) and job not in self._jobs:
                # Aborted. The frames of task groups, in the traceback, refer to the error: a cycle
                # that would keep the session with all its input until the next collection.
                failure.__traceback__ = failure.__context__ = None
                raise
            refusal = str(failure) if isinstance(failure, TextRefused) else ""
            known = isinstance(failure, EngineFailed)  # a client may cause it as often as it likes
            LOG.log(
                logging.WARNING if known else logging.ERROR,
                "job %(job)d failed: %(failure)r",
                {"job": job, "failure": failure},
                exc_info=None if known else failure,
            )
            self._observer.on(JobFailed(type(failure).__name__))
            self._retire(job, inbox, kernel.Failed(job, repr(failure), refusal))
        else:
            self._retire(job, inbox, kernel.Ended(job))

    def _retire(self, job: int, inbox: Inbox, report: kernel.Report) -> None:
        self._jobs.pop(job, None)
        inbox.close()  # the reader may be waiting for room in it
        self._report(report)

    def _evict(self, evicted: asyncio.Future[kernel.Eviction]) -> None:
        self._carry_out(self._session.evict(evicted.result(), self._loop.time()))
        self._settle()

    def _report(self, report: kernel.Report) -> None:
        self._carry_out(self._session.report(report, self._loop.time()))
        self._settle_soon()


_aborted_tasks: set[asyncio.Task[None]] = set()
"""Aborted jobs that still clean up: the loop keeps only weak references to tasks."""
