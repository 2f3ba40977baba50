"""The imperative shell: one driver per connection does all the waiting.

Law of this file. The session is a synchronous step function, so any task here may step it at
once; there is no await between a step and the carrying out of its commands, and so no order to
lose. Four kinds of tasks wait, each for one thing:

* the reader waits for the client, for room in the inboxes of running jobs, and, when the client
  asks without reading the answers, for room in the outbox;
* the writer waits for the socket, and it alone sends; a send is never cancelled while the
  client lives;
* the timer waits for the session's deadline;
* a job waits for its engines, and for room in the outbox before it reports.

The step never waits for a job, a job never waits for the reader: no circle, no deadlock.
Commands for a job that has just ended are no-ops. A job's failure becomes a ``Failed`` report,
and so does a cancellation that nobody asked for; what fails while that is reported is a bug of
ours and ends the run, because a session whose job has silently gone would wait for ever.
Cutting off a client that takes nothing is the listener's (``server.websocket_guard``), which can.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from dragoman.protocol.core import commands as kernel
from dragoman.protocol.core.events import ClientEvent, Malformed, ServerEvent
from dragoman.runtime.driver.inbox import Inbox
from dragoman.runtime.driver.outbox import Outbox
from dragoman.runtime.hosts.host import EngineFailed, TextRefused
from dragoman.runtime.observer import EventSent, JobFailed, Observer
from dragoman.speech import Result, Task

LOG = logging.getLogger("dragoman.session")

INBOX_BYTES = 10 * 32_000
"""High water of a job's inbox: ten seconds of 16 kHz audio."""
OUTBOX_CHARS = 512 * 1024
"""High water of the outbox: about eight seconds of speech in base64."""
_LONGEST_NAP_S = 60.0
_BURST = 64
"""Events of one client that are taken in a row before other sessions have their turn."""

Emit = Callable[[Result], Awaitable[None]]
Encode = Callable[[ServerEvent, str], str]
"""Event and event id to a text frame (``protocol.core.codec.Codec.encode``)."""
RunJob = Callable[[Task, Inbox, Emit], Awaitable[None]]


class ClientConnection(Protocol):
    """What the driver needs of a socket."""

    async def receive(self) -> ClientEvent | Malformed | None:
        """The next client event, or None when the client is gone."""

    async def send(self, text: str) -> None:
        """Send one text frame; raises ``OSError`` when the client is gone."""

    async def close(self, code: int, reason: str) -> None:
        """Close the WebSocket."""


class Driver:
    """Runs one session over one connection; see the head of this file."""

    def __init__(
        self,
        session: kernel.Session,
        connection: ClientConnection,
        encode: Encode,
        run_job: RunJob,
        observer: Observer,
    ) -> None:
        self._session = session
        self._connection = connection
        self._encode = encode
        self._run_job = run_job
        self._observer = observer
        self._loop = asyncio.get_running_loop()
        self._outbox = Outbox(OUTBOX_CHARS)
        self._jobs: dict[int, tuple[Inbox, asyncio.Task[None]]] = {}
        self._deadline_moved = asyncio.Event()
        self._wakes_at = 0.0  # when the timer looks again if nobody wakes it
        self._broken: asyncio.Future[None] = self._loop.create_future()

    async def run(self) -> None:
        """Until the session closed or the client went away; no job outlives this."""
        self._perform(self._session.open(self._loop.time()))
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
            await self._stop(tasks)

    async def _stop(self, tasks: list[asyncio.Task[None]]) -> None:
        jobs = [task for _, task in self._jobs.values()]
        self._jobs.clear()
        for waited in [*tasks, *jobs, self._broken]:
            waited.cancel()
        await asyncio.gather(*tasks, *jobs, self._broken, return_exceptions=True)

    # ------------------------------------------------------------ the waiting tasks
    async def _read(self) -> None:
        taken = 0
        while (event := await self._connection.receive()) is not None:
            self._perform(self._session.receive(event, self._loop.time()))
            if self._session.closed:
                await asyncio.Event().wait()  # the writer ends the run, after the last frame
            for inbox in [inbox for inbox, _ in self._jobs.values() if not inbox.has_room]:
                await inbox.room()
            await self._outbox.room_to_answer()
            taken += 1
            if taken % _BURST == 0:  # thousands of tiny frames may have come in one read
                await asyncio.sleep(0)

    async def _write(self) -> None:
        while True:
            frame = await self._outbox.get()
            try:
                if not isinstance(frame, str):
                    await self._connection.close(*frame)
                    return
                await self._connection.send(frame)
            except OSError:
                return

    async def _time(self) -> None:
        while True:
            now = self._loop.time()
            self._deadline_moved.clear()
            deadline = self._session.deadline()
            if deadline is not None and now >= deadline:
                self._perform(self._session.tick(now))
                await asyncio.sleep(0)  # a session may want one tick after the other
                continue
            await self._sleep_until(deadline, now)

    async def _sleep_until(self, deadline: float | None, now: float) -> None:
        # Deadlines mostly move later, so waking a little early and looking again is cheaper
        # than being woken at every event; only one that moves nearer wakes the timer.
        nap = _LONGEST_NAP_S if deadline is None else min(_LONGEST_NAP_S, deadline - now)
        self._wakes_at = now + nap
        try:
            async with asyncio.timeout(max(nap, 0.001)):
                await self._deadline_moved.wait()
        except TimeoutError:
            return

    # ------------------------------------------------------------ carrying out commands
    def _perform(self, commands: list[kernel.Command]) -> None:
        for command in commands:
            match command:
                case kernel.Send(event=event, event_id=event_id):
                    self._outbox.put(self._encode(event, event_id))
                    self._observer.on(EventSent(str(event.__struct_config__.tag)))
                case kernel.Start(job=job, task=task):
                    self._start(job, task)
                case kernel.Push(job=job, item=item):
                    if job in self._jobs:
                        self._jobs[job][0].put(item)
                case kernel.End(job=job):
                    if job in self._jobs:
                        self._jobs[job][0].end()
                case kernel.Abort(job=job):
                    self._abort(job)
                case kernel.Close(code=code, reason=reason):
                    self._outbox.close(code, reason)
                case kernel.Note() | kernel.Used():
                    self._observer.on(command)
        # Also without any command: text alone can be a reason to look again soon.
        deadline = self._session.deadline()
        if deadline is not None and deadline < self._wakes_at:
            self._deadline_moved.set()

    def _start(self, job: int, task: Task) -> None:
        inbox = Inbox(INBOX_BYTES)
        running = asyncio.create_task(self._job(job, task, inbox), name=f"job-{job}")
        self._jobs[job] = (inbox, running)
        running.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
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
                raise  # it was aborted
            refusal = str(failure) if isinstance(failure, TextRefused) else ""
            known = isinstance(failure, EngineFailed)  # a client may cause it as often as it likes
            LOG.log(
                logging.WARNING if known else logging.ERROR,
                "job %d failed: %r",
                *(job, failure),
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

    def _report(self, report: kernel.Report) -> None:
        self._perform(self._session.report(report, self._loop.time()))


_aborted_tasks: set[asyncio.Task[None]] = set()
"""Aborted jobs that still clean up: the loop keeps only weak references to tasks."""
