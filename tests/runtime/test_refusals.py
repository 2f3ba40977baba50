"""A text that cannot be spoken: the engine's sentence reaches the session's report."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from dragoman.engines import base
from dragoman.protocol.core import commands
from dragoman.protocol.core.commands import Failed, Start
from dragoman.protocol.core.events import ClientEvent, Malformed
from dragoman.runtime.driver.driver import Driver, Emit
from dragoman.runtime.driver.inbox import Inbox
from dragoman.runtime.hosts.host import EngineHost, TextRefused
from dragoman.runtime.hosts.loop_host import LoopHost
from dragoman.runtime.hosts.process.host import ProcessHost
from dragoman.runtime.hosts.thread_host import ThreadHost
from dragoman.runtime.observer import FanOut
from dragoman.speech import Say, Speak, Task
from tests.runtime.hosts import tiny_engines as tiny

UNREADABLE = "ᚠuthark"


@pytest.fixture(autouse=True)
def _workers_find_the_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(tiny.__file__).parent))


def made(kind: str) -> EngineHost:
    speaker = tiny.Speaker()
    if kind == "process":
        return ProcessHost(speaker.info, spec=tiny.SPEAKER, workers=1)
    return ThreadHost(speaker, threads=1) if kind == "thread" else LoopHost(speaker)


async def spoken(host: EngineHost, text: str) -> bytes:
    utterance = base.Utterance(text, "", "en")
    return b"".join([piece async for piece in host.speak(utterance, tiny.RATE_HZ)])


@pytest.mark.live
@pytest.mark.parametrize("kind", ["process", "thread", "loop"])
def test_a_host_raises_the_engines_sentence_and_goes_on(kind: str) -> None:
    async def main() -> None:
        host = made(kind)
        await host.start()
        try:
            for _ in range(2):
                with pytest.raises(TextRefused) as refusal:
                    await spoken(host, UNREADABLE)
                assert str(refusal.value) == tiny.REFUSAL
            assert await spoken(host, "ok") == tiny.pcm_of("ok")
        finally:
            await host.close()

    asyncio.run(asyncio.wait_for(main(), 30))


class _Session:
    """Starts one job at once and closes with the first report of its end."""

    closed = False

    def __init__(self) -> None:
        self.reports: list[commands.Report] = []

    def open(self, now: float) -> list[commands.Command]:
        return [Start(7, Speak(voice="")), commands.Push(7, Say(UNREADABLE)), commands.End(7)]

    def receive(self, event: Any, now: float) -> list[commands.Command]:
        return []

    def report(self, report: commands.Report, now: float) -> list[commands.Command]:
        self.reports.append(report)
        if isinstance(report, commands.Output):
            return []
        self.closed = True
        return [commands.Close(1000, "")]

    def tick(self, now: float) -> list[commands.Command]:
        return []

    def deadline(self) -> float | None:
        return None


class _Connection:
    is_gone = False
    is_writable = True

    def take(self) -> list[ClientEvent | Malformed]:
        return []

    async def arrival(self) -> None:
        await asyncio.Event().wait()

    def write(self, texts: Sequence[str]) -> None: ...

    async def drain(self) -> None: ...

    async def close(self, code: int, reason: str) -> None: ...


@pytest.mark.parametrize(("text", "refusal"), [(UNREADABLE, tiny.REFUSAL), ("!raise", "")])
def test_the_driver_reports_it_and_nothing_of_other_failures(
    text: str, refusal: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> list[commands.Report]:
        host = LoopHost(tiny.Speaker())
        await host.start()

        async def job(task: Task, inbox: Inbox, emit: Emit) -> None:
            await spoken(host, text)

        session: Any = _Session()
        await Driver(session, _Connection(), lambda _e, _i: "", job, FanOut()).run()
        return list(session.reports)

    with caplog.at_level(logging.WARNING, "dragoman.session"):
        (report,) = asyncio.run(asyncio.wait_for(main(), 30))
    assert isinstance(report, Failed)
    assert (report.job, report.refusal) == (7, refusal)
    assert report.reason
    # A client may cause both as often as it likes: a line in the log each, no traceback.
    assert [bool(record.exc_info) for record in caplog.records] == [False]
