"""The driver does all the waiting: order, backpressure, cancellation, failure, the end."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from dragoman.protocol.core import commands as kernel
from dragoman.protocol.core.commands import (
    Abort,
    Close,
    End,
    Ended,
    Failed,
    Output,
    Push,
    Send,
    Start,
)
from dragoman.protocol.core.events import ClientEvent, Malformed, ServerEvent
from dragoman.runtime.driver import driver as driver_module
from dragoman.runtime.driver.driver import Driver, Emit
from dragoman.runtime.driver.inbox import Inbox
from dragoman.runtime.observer import Event, EventSent, JobFailed
from dragoman.speech import Audio, Say, Speak, Task, Voiced


class Ping(ClientEvent, frozen=True, kw_only=True, tag="ping"):
    text: str = ""


class Pong(ServerEvent, frozen=True, kw_only=True, tag="pong"):
    text: str


class FakeSession:
    """A session made of functions; remembers what was reported."""

    def __init__(
        self,
        receive: Callable[[Ping], list[kernel.Command]],
        report: Callable[[kernel.Report], list[kernel.Command]] = lambda _report: [],
    ) -> None:
        self.closed = False
        self._receive, self._report = receive, report
        self.reports: list[kernel.Report] = []
        self.deadline_s: float | None = None
        self.ticks = 0

    def open(self, now: float) -> list[kernel.Command]:
        return [pong("hello")]

    def receive(self, event: ClientEvent | Malformed, now: float) -> list[kernel.Command]:
        assert isinstance(event, Ping)
        return self._note(self._receive(event))

    def report(self, report: kernel.Report, now: float) -> list[kernel.Command]:
        self.reports.append(report)
        return self._note(self._report(report))

    def evict(self, reason: kernel.Eviction, now: float) -> list[kernel.Command]:
        return self._note([pong(reason), Close(1011, reason)])

    def deadline(self) -> float | None:
        return self.deadline_s

    def tick(self, now: float) -> list[kernel.Command]:
        self.ticks += 1
        self.deadline_s = None
        return self._note([Close(1007, "late")])

    def _note(self, commands: list[kernel.Command]) -> list[kernel.Command]:
        self.closed = self.closed or any(isinstance(c, Close) for c in commands)
        return commands


class FakeConnection:
    """A client in the same loop. ``reads`` is how many frames it takes; None: all of them."""

    def __init__(self, reads: int | None = None) -> None:
        self.incoming: asyncio.Queue[ClientEvent | None] = asyncio.Queue()
        self.sent: list[str] = []
        self.writes: list[list[str]] = []
        self.closed: tuple[int, str] | None = None
        self.is_gone = False
        self.breaks_at_write = False
        self._is_lost = False
        self._reads = reads
        self._first: list[ClientEvent | None] = []
        self._changed = asyncio.Event()

    def take(self) -> list[ClientEvent | Malformed]:
        """What has come by now, at most 64 events; a None among it is the end."""
        events: list[ClientEvent | Malformed] = []
        while not self.is_gone and len(events) < 64:
            if not self._first and self.incoming.empty():
                break
            event = self._first.pop() if self._first else self.incoming.get_nowait()
            if event is None:
                self.is_gone = True
            else:
                events.append(event)
        return events

    async def arrival(self) -> None:
        if not self._first:
            self._first.append(await self.incoming.get())

    @property
    def is_writable(self) -> bool:
        return not self._is_lost and (self._reads is None or len(self.sent) < self._reads)

    def write(self, texts: Sequence[str]) -> None:
        if self.breaks_at_write:
            self._is_lost = True
            raise ConnectionResetError
        self.writes.append(list(texts))
        self.sent += texts
        self._changed.set()

    async def drain(self) -> None:
        while not self._is_lost and not self.is_writable:
            await self._change()
        if self._is_lost:
            raise ConnectionResetError

    async def close(self, code: int, reason: str) -> None:
        self.closed = (code, reason)

    def read_more(self, count: int) -> None:
        assert self._reads is not None
        self._reads += count
        self._changed.set()

    def lose(self) -> None:
        """The connection breaks; what it sent before can still be read."""
        self._is_lost = True
        self._changed.set()

    async def until(self, text: str) -> None:
        while text not in self.sent:
            await self._change()

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()


class Seen:
    """An observer that remembers."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def on(self, event: Event) -> None:
        match event:
            case EventSent(event_type=event_type):
                self.names.append(event_type)
            case JobFailed(reason=reason):
                self.names.append(f"failed {reason}")


def pong(text: str) -> Send:
    return Send(Pong(text=text), "event_x")


def encode(event: ServerEvent, event_id: str) -> str:
    assert isinstance(event, Pong)
    return event.text


def run(main: Any) -> Any:
    return asyncio.run(asyncio.wait_for(main, 20))


def drive(
    session: FakeSession,
    connection: FakeConnection,
    job: Callable[[Task, Inbox, Emit], Any] | None = None,
    evicted: asyncio.Future[kernel.Eviction] | None = None,
) -> tuple[asyncio.Task[None], Seen]:
    seen = Seen()

    async def no_job(task: Task, inbox: Inbox, emit: Emit) -> None:
        raise AssertionError("no job was expected")

    driver = Driver(session, connection, encode, job or no_job, seen, evicted=evicted)
    return asyncio.create_task(driver.run()), seen


def test_greets_answers_in_order_and_ends_when_the_client_goes() -> None:
    async def main() -> list[str]:
        connection = FakeConnection()
        session = FakeSession(lambda event: [pong(event.text), pong(event.text + "!")])
        running, seen = drive(session, connection)
        for number in range(3):
            connection.incoming.put_nowait(Ping(text=str(number)))
        await connection.until("2!")
        connection.incoming.put_nowait(None)
        await running
        assert seen.names == ["pong"] * 7
        return connection.sent

    assert run(main()) == ["hello", "0", "0!", "1", "1!", "2", "2!"]


def test_close_goes_out_behind_everything_before_it() -> None:
    async def main() -> FakeConnection:
        connection = FakeConnection()
        session = FakeSession(lambda _event: [pong("last"), Close(1000, "bye"), pong("never")])
        running, _ = drive(session, connection)
        connection.incoming.put_nowait(Ping())
        connection.incoming.put_nowait(Ping())
        await running
        return connection

    connection = run(main())
    assert connection.sent == ["hello", "last"]
    assert connection.closed == (1000, "bye")


def test_a_job_gets_its_inputs_in_order_and_reports_its_end_last() -> None:
    async def job(task: Task, inbox: Inbox, emit: Emit) -> None:
        while (item := await inbox.get()) is not None:
            assert isinstance(item, Say)
            await emit(Voiced(item.text.encode()))

    def receive(event: Ping) -> list[kernel.Command]:
        return [Start(1, Speak(voice="")), Push(1, Say("a")), Push(1, Say("b")), End(1)]

    def report(report: kernel.Report) -> list[kernel.Command]:
        return [Close(1000)] if isinstance(report, Ended) else []

    async def main() -> list[kernel.Report]:
        connection, session = FakeConnection(), FakeSession(receive, report)
        running, _ = drive(session, connection, job)
        connection.incoming.put_nowait(Ping())
        await running
        return session.reports

    assert run(main()) == [Output(1, Voiced(b"a")), Output(1, Voiced(b"b")), Ended(1)]


def test_a_failing_job_becomes_a_report_and_the_session_lives() -> None:
    async def job(task: Task, inbox: Inbox, emit: Emit) -> None:
        raise ValueError("secret path /x")

    def report(report: kernel.Report) -> list[kernel.Command]:
        return [pong("failed") if isinstance(report, Failed) else pong("?")]

    async def main() -> None:
        connection = FakeConnection()
        session = FakeSession(lambda _e: [Start(1, Speak(voice=""))], report)
        running, seen = drive(session, connection, job)
        connection.incoming.put_nowait(Ping())
        await connection.until("failed")
        assert "failed ValueError" in seen.names
        assert not running.done()
        connection.incoming.put_nowait(None)
        await running

    run(main())


def test_abort_stops_the_job_at_once_and_commands_for_it_are_no_ops() -> None:
    stopped = []

    async def job(task: Task, inbox: Inbox, emit: Emit) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.append(True)

    def receive(event: Ping) -> list[kernel.Command]:
        if event.text == "start":
            return [Start(1, Speak(voice=""))]
        return [Abort(1), Push(1, Say("x")), End(1), Abort(1), pong("aborted")]

    async def main() -> list[kernel.Report]:
        connection, session = FakeConnection(), FakeSession(receive)
        running, _ = drive(session, connection, job)
        connection.incoming.put_nowait(Ping(text="start"))
        connection.incoming.put_nowait(Ping(text="abort"))
        await connection.until("aborted")
        connection.incoming.put_nowait(None)
        await running
        return session.reports

    assert run(main()) == []
    assert stopped in ([True], [])  # a job that never ran has nothing to stop


def test_a_client_that_reads_nothing_stops_its_job_not_the_reader(monkeypatch: Any) -> None:
    monkeypatch.setattr(driver_module, "OUTBOX_CHARS", 1000)
    made = 0

    async def job(task: Task, inbox: Inbox, emit: Emit) -> None:
        nonlocal made
        for _ in range(1000):
            await emit(Voiced(b"x"))
            made += 1

    def receive(event: Ping) -> list[kernel.Command]:
        return [Start(1, Speak(voice=""))] if event.text == "start" else [Abort(1), pong("end")]

    def report(report: kernel.Report) -> list[kernel.Command]:
        return [pong("y" * 100)]

    async def main() -> None:
        connection = FakeConnection(reads=1)
        session = FakeSession(receive, report)
        running, _ = drive(session, connection, job)
        connection.incoming.put_nowait(Ping(text="start"))
        for _ in range(50):
            await asyncio.sleep(0)
        held = made
        for _ in range(50):
            await asyncio.sleep(0)
        assert made == held < 20  # bounded: nothing more is made while nobody reads
        connection.incoming.put_nowait(Ping(text="abort"))  # still handled
        for _ in range(50):
            await asyncio.sleep(0)
        connection.read_more(1000)
        await connection.until("end")
        connection.incoming.put_nowait(None)
        await running

    run(main())


def test_a_client_that_asks_without_reading_is_stopped(monkeypatch: Any) -> None:
    monkeypatch.setattr(driver_module, "OUTBOX_CHARS", 1000)
    stepped = 0

    def receive(event: Ping) -> list[kernel.Command]:
        nonlocal stepped
        stepped += 1
        return [pong("z" * 100)]

    async def main() -> None:
        connection = FakeConnection(reads=0)
        running, _ = drive(FakeSession(receive), connection)
        for _ in range(1000):
            connection.incoming.put_nowait(Ping())
        for _ in range(100):
            await asyncio.sleep(0)
        assert 10 < stepped < 30
        connection.read_more(2000)
        connection.incoming.put_nowait(None)
        await running
        assert stepped == 1000

    run(main())


def test_a_burst_of_one_client_lets_others_have_their_turn() -> None:
    stepped = 0

    def receive(event: Ping) -> list[kernel.Command]:
        nonlocal stepped
        stepped += 1
        return []

    async def main() -> None:
        connection = FakeConnection()
        for _ in range(1000):
            connection.incoming.put_nowait(Ping())
        running, _ = drive(FakeSession(receive), connection)
        while not stepped:
            await asyncio.sleep(0)
        assert stepped < 100
        connection.incoming.put_nowait(None)
        await running
        assert stepped == 1000

    run(main())


def test_events_that_are_there_together_are_answered_in_one_write() -> None:
    async def main() -> None:
        connection = FakeConnection()
        running, _ = drive(FakeSession(lambda event: [pong(event.text)]), connection)
        for number in range(5):
            connection.incoming.put_nowait(Ping(text=str(number)))
        connection.incoming.put_nowait(None)
        await running
        assert connection.writes == [["hello"], ["0", "1", "2", "3", "4"]]

    run(main())


def test_small_reports_wait_for_each_other_and_go_at_once_with_audio(monkeypatch: Any) -> None:
    audio = "a" * 4096

    async def job(task: Task, inbox: Inbox, emit: Emit) -> None:
        for text in ("heard", "translated", audio):
            await emit(Voiced(text.encode()))
            await asyncio.sleep(0)
        monkeypatch.undo()
        await emit(Voiced(b"done"))
        await inbox.get()

    def report(report: kernel.Report) -> list[kernel.Command]:
        assert isinstance(report, Output)
        assert isinstance(report.item, Voiced)
        return [pong(report.item.pcm.decode())]

    async def main() -> None:
        monkeypatch.setattr(driver_module, "_GATHER_S", 3600.0)
        connection = FakeConnection()
        session = FakeSession(lambda _event: [Start(1, Speak(voice=""))], report)
        running, _ = drive(session, connection, job)
        connection.incoming.put_nowait(Ping())
        await connection.until("done")
        connection.incoming.put_nowait(None)
        await running
        assert connection.writes == [["hello"], ["heard", "translated", audio], ["done"]]

    run(main())


def test_what_a_full_socket_did_not_take_follows_in_order() -> None:
    async def main() -> list[str]:
        connection = FakeConnection(reads=2)
        running, _ = drive(FakeSession(lambda event: [pong(event.text)]), connection)
        for number in range(5):
            connection.incoming.put_nowait(Ping(text=str(number)))
            await asyncio.sleep(0)
        connection.read_more(10)
        await connection.until("4")
        connection.incoming.put_nowait(None)
        await running
        return connection.sent

    assert run(main()) == ["hello", "0", "1", "2", "3", "4"]


def test_a_connection_lost_while_the_reader_waits_for_room_ends_the_run() -> None:
    async def job(task: Task, inbox: Inbox, emit: Emit) -> None:
        await asyncio.Event().wait()

    def receive(event: Ping) -> list[kernel.Command]:
        audio = Audio(bytes(2 * driver_module.INBOX_BYTES))
        return [Start(1, Speak(voice="")), Push(1, audio), pong("never taken")]

    async def main() -> None:
        connection = FakeConnection(reads=1)
        running, _ = drive(FakeSession(receive), connection, job)
        connection.incoming.put_nowait(Ping())
        for _ in range(10):
            await asyncio.sleep(0)
        assert not running.done()
        connection.lose()
        await running

    run(main())


def test_a_write_that_fails_while_the_reader_waits_for_room_ends_the_run() -> None:
    async def job(task: Task, inbox: Inbox, emit: Emit) -> None:
        await asyncio.Event().wait()

    def receive(event: Ping) -> list[kernel.Command]:
        audio = Audio(bytes(2 * driver_module.INBOX_BYTES))
        return [Start(1, Speak(voice="")), Push(1, audio), pong("never taken")]

    async def main() -> None:
        connection = FakeConnection()
        running, _ = drive(FakeSession(receive), connection, job)
        await connection.until("hello")
        connection.breaks_at_write = True
        connection.incoming.put_nowait(Ping())
        await running

    run(main())


def test_a_cancellation_that_nobody_asked_for_is_a_failure_not_silence() -> None:
    async def job(task: Task, inbox: Inbox, emit: Emit) -> None:
        raise asyncio.CancelledError  # an engine's library lets one escape

    async def main() -> None:
        connection = FakeConnection()
        session = FakeSession(lambda _e: [Start(1, Speak(voice=""))], lambda _r: [pong("told")])
        running, _ = drive(session, connection, job)
        connection.incoming.put_nowait(Ping())
        await connection.until("told")
        assert isinstance(session.reports[0], Failed)
        connection.incoming.put_nowait(None)
        await running

    run(main())


def test_a_session_with_an_aborted_job_is_freed_at_once() -> None:
    """It may hold megabytes, and the collector comes rarely."""

    async def job(_task: Task, inbox: Inbox, emit: Emit) -> None:
        async with asyncio.TaskGroup() as stages:
            stages.create_task(inbox.arrival())
            stages.create_task(emit(Voiced(b"")))

    async def one_session() -> weakref.ref[FakeSession]:
        connection = FakeConnection()
        session = FakeSession(lambda _event: [Start(1, Speak(voice=""))], lambda _: [pong("a")])
        running, _ = drive(session, connection, job)
        connection.incoming.put_nowait(Ping())
        await connection.until("a")
        connection.incoming.put_nowait(None)
        await running
        return weakref.ref(session)

    async def main() -> None:
        gc.disable()
        try:
            session = await one_session()
            await asyncio.sleep(0)
            assert session() is None
        finally:
            gc.enable()

    run(main())


def test_a_bug_in_reporting_the_end_of_a_job_ends_the_run() -> None:
    async def job(task: Task, inbox: Inbox, emit: Emit) -> None:
        return

    def report(report: kernel.Report) -> list[kernel.Command]:
        raise LookupError("a bug of the session")

    async def main() -> None:
        connection = FakeConnection()
        running, _ = drive(
            FakeSession(lambda _e: [Start(1, Speak(voice=""))], report), connection, job
        )
        connection.incoming.put_nowait(Ping())
        with pytest.raises(LookupError):
            await running

    run(main())


def test_the_reader_waits_for_room_and_a_dying_job_lets_it_go() -> None:
    taken = asyncio.Event()

    async def job(task: Task, inbox: Inbox, emit: Emit) -> None:
        await taken.wait()
        raise RuntimeError

    def receive(event: Ping) -> list[kernel.Command]:
        if event.text == "start":
            return [Start(1, Speak(voice="")), Push(1, Audio(bytes(2 * driver_module.INBOX_BYTES)))]
        return [pong(event.text)]

    async def main() -> None:
        connection, session = FakeConnection(), FakeSession(receive)
        running, _ = drive(session, connection, job)
        connection.incoming.put_nowait(Ping(text="start"))
        connection.incoming.put_nowait(Ping(text="next"))
        for _ in range(50):
            await asyncio.sleep(0)
        assert "next" not in connection.sent
        taken.set()
        await connection.until("next")
        connection.incoming.put_nowait(None)
        await running

    run(main())


def test_the_deadline_is_kept() -> None:
    async def main() -> FakeConnection:
        connection = FakeConnection()
        session = FakeSession(lambda _event: [])
        session.deadline_s = asyncio.get_running_loop().time() + 0.01
        running, _ = drive(session, connection)
        await running
        assert session.ticks == 1
        return connection

    assert run(main()).closed == (1007, "late")


def test_a_deadline_that_moves_nearer_is_kept_though_the_client_is_told_nothing() -> None:
    async def main() -> FakeConnection:
        connection = FakeConnection()

        def receive(_event: Ping) -> list[kernel.Command]:
            session.deadline_s = asyncio.get_running_loop().time() + 0.01
            return []

        session = FakeSession(receive)
        session.deadline_s = asyncio.get_running_loop().time() + 50
        running, _ = drive(session, connection)
        await connection.until("hello")
        connection.incoming.put_nowait(Ping())
        await running
        return connection

    assert run(main()).closed == (1007, "late")


def test_an_eviction_ends_the_session_also_while_the_client_is_silent() -> None:
    async def main() -> FakeConnection:
        connection, session = FakeConnection(), FakeSession(lambda _: [])
        evicted: asyncio.Future[kernel.Eviction] = asyncio.get_running_loop().create_future()
        running, _ = drive(session, connection, evicted=evicted)
        await connection.until("hello")
        evicted.set_result("throttled")
        await running
        return connection

    connection = run(main())
    assert connection.sent == ["hello", "throttled"]
    assert connection.closed == (1011, "throttled")
