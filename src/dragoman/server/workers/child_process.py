"""A process of the server as its supervisor sees it: start, messages, end.

Scope: loop thread only; one process, no policy. It is a fresh interpreter, never a fork, and gets
the supervisor's environment without keys: settings come as a message.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
from collections.abc import Callable, Sequence
from itertools import count

from dragoman.engines.shared.program_environment import without_server_keys
from dragoman.engines.shared.stop_signals import stop_signals_blocked
from dragoman.server.workers import messages as control
from dragoman.server.workers.board import Work
from dragoman.server.workers.metrics_sum import Family

LOG = logging.getLogger("dragoman.server")

_METRICS_S = 1.0

OnAsk = Callable[["ChildProcess", control.AskTotal], None]


class ChildProcess:
    """A gateway or the engine process, with its ``place`` on the board."""

    def __init__(self, work: Work, place: int, on_ask: OnAsk) -> None:
        self.work = work
        self.place = place
        self.families: list[Family] = []
        """Its metrics when it last said them."""
        self._on_ask = on_ask
        self._link = control.ControlLink(self._take, self._hung_up)
        self.is_wanted = True
        """Whether it should be started again when it ends."""
        self.has_pulse = True
        """Whether it has answered since ``check_pulse``."""
        self._process: asyncio.subprocess.Process | None = None
        loop = asyncio.get_running_loop()
        self._end: asyncio.Future[int] = loop.create_future()
        self.started: asyncio.Future[str] = loop.create_future()
        """Done when it does its work; why it cannot, else empty."""
        self._reaping: asyncio.Task[None] | None = None
        self._numbers = count(1)
        self._answers: dict[int, asyncio.Future[None]] = {}

    @property
    def pid(self) -> int:
        """The process id; only once it was started."""
        assert self._process is not None
        return self._process.pid

    async def start(
        self,
        begin: control.StartGateway | control.StartEngines,
        descriptors: Sequence[int],
    ) -> None:
        """Start the process with these descriptors. Raises ``OSError``."""
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                with stop_signals_blocked():  # what they tell the supervisor it passes on itself
                    self._process = await asyncio.create_subprocess_exec(
                        *(sys.executable, "-P", "-m", "dragoman.server.workers.child"),
                        *(str(theirs.fileno()), str(os.getpid())),
                        stdin=asyncio.subprocess.DEVNULL,
                        stdout=asyncio.subprocess.DEVNULL,
                        pass_fds=(theirs.fileno(), *descriptors),
                        env=without_server_keys(),
                    )
            except OSError:
                ours.close()
                raise
        loop = asyncio.get_running_loop()
        ours.setblocking(False)  # noqa: FBT003  # positional only
        await loop.create_unix_connection(lambda: self._link, sock=ours)
        self.send(begin)

    @property
    def works(self) -> bool:
        """Whether it does its work."""
        return self.started.done() and not self.started.result() and not self.has_ended

    @property
    def has_ended(self) -> bool:
        """Whether the process has ended."""
        return self._end.done()

    def send(self, message: control.ControlMessage) -> None:
        """Tell it something; without effect once it is gone."""
        self._link.send(message)

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    async def gone(self) -> int:
        """Wait for its end; its exit code, negative for a signal."""
        return await asyncio.shield(self._end)

    async def gone_in(self, limit_s: float) -> None:
        """Wait for its end so long at most, then kill it."""
        await asyncio.wait([self._end], timeout=limit_s)
        if not self.has_ended:
            LOG.error("a process (%s, pid %d) does not end; it is killed", self.work, self.pid)
            self.kill()
            await self.gone()

    def check_pulse(self) -> None:
        """Ask whether it lives; see ``has_pulse``."""
        self.has_pulse = False
        self.send(control.CheckPulse())

    async def ask_metrics(self) -> list[Family]:
        """Its metrics, or what it last said if it does not answer soon."""
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        self.send(control.AskMetrics(number))
        await asyncio.wait([answer], timeout=_METRICS_S)
        del self._answers[number]
        return self.families

    def _take(self, message: control.ControlMessage) -> None:
        match message:
            case control.Started():
                self._say_started("")
            case control.Pulse():
                self.has_pulse = True
            case control.StartFailed(reason=reason):
                self._say_started(reason)
            case control.OwnMetrics(number=number, families=families):
                self.families = families
                answer = self._answers.get(number)
                if answer is not None and not answer.done():
                    answer.set_result(None)
            case control.AskTotal(families=families):
                self.families = families
                self._on_ask(self, message)
            case _:
                self.kill()

    def _say_started(self, reason: str) -> None:
        if not self.started.done():
            self.started.set_result(reason)

    def _hung_up(self) -> None:
        """What it has said is read, so the rest is its end."""
        self._reaping = asyncio.get_running_loop().create_task(self._reap())

    async def _reap(self) -> None:
        assert self._process is not None
        code = await self._process.wait()
        self._end.set_result(code)
        self._say_started("it ended")
        for answer in self._answers.values():
            if not answer.done():
                answer.set_result(None)
