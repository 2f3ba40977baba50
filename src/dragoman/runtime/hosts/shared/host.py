"""An engine that lives in the engine process, as a gateway sees it.

Scope: one more place for engines: calls, steps of streams and speech go over the ``EngineLink``.
Nothing waits here: the order of calls, batches and limits are the business of the host in the
engine process. Speech may be ``_WINDOW_MS`` ahead of its listener on this way, and as far again in
that host.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from dragoman.audio.pcm import bytes_in
from dragoman.engines.base import EngineUnavailable, Utterance
from dragoman.runtime.hosts.host import EngineFailed, EngineHost, RequestHost, Vitals
from dragoman.runtime.hosts.job_queue import CallJob
from dragoman.runtime.hosts.process import ipc_messages as ipc
from dragoman.runtime.hosts.process.jobs import SegmentJob
from dragoman.runtime.hosts.requests import AnyRequest, Outcome
from dragoman.runtime.hosts.shared.engine_link import GONE, EngineLink

_WINDOW_MS = 2_000
_RESTART_S = 10.0
"""How long the engine process may take to come back before what waits for it fails."""


class SharedHost(RequestHost):
    """An ``EngineHost`` for the engine with this number in the engine process. ``like`` is the host
    that it has there, not started.
    """

    waiting = 0
    """Calls are queued in the engine process and counted there."""

    def __init__(self, like: EngineHost, link: EngineLink, number: int) -> None:
        super().__init__(like.info, like.work.places)
        self.capacity = like.capacity
        self._link = link
        self._number = number

    @property
    def vitals(self) -> Vitals:
        """As the engine process says; no workers while it is away."""
        report = self._link.report(self._number)
        return Vitals(0) if report is None else report.vitals

    async def start(self) -> None:
        """Wait until the engine process has loaded it. Raises ``EngineUnavailable``."""
        self._link.open()
        self._link.on_report(self._number, lambda report: self.work.learn(report.work))
        report = await self._link.loaded(self._number)
        if report.state == "unavailable":
            raise EngineUnavailable(report.detail)

    async def close(self) -> None:
        """Close the connection, which all hosts share: the gateway ends."""
        await self._link.close()

    async def _ask(self, request: AnyRequest) -> Outcome:
        await self._wait_for_engine()
        job = CallJob(request, asyncio.get_running_loop().create_future())
        number = self._link.begin(
            job, lambda number: ipc.CallBatch(number, (request,), self._number)
        )
        try:
            return await job.future
        finally:
            self._link.leave(number)
            job.times.report(self.info)

    async def _wait_for_engine(self) -> None:
        """While the engine process is started again, what is new waits for it, but not for long.
        Raises ``EngineFailed``.
        """
        report = self._link.report(self._number)
        if report is None or report.state == "loading":
            with contextlib.suppress(TimeoutError):
                report = await asyncio.wait_for(self._link.loaded(self._number), _RESTART_S)
        if report is None or report.state in ("loading", "unavailable"):
            raise EngineFailed(GONE)

    def _abort_stream(self, number: int) -> None:
        self._link.send(ipc.AbortStream(number, self._number))

    async def speak(
        self, utterance: Utterance, rate_hz: int, *, slack_s: float = 0.0
    ) -> AsyncGenerator[bytes, None]:
        """As in the Protocol."""
        await self._wait_for_engine()
        window = bytes_in(_WINDOW_MS, rate_hz)
        speech = SegmentJob(utterance, rate_hz, window)
        number = self._link.begin(
            speech,
            lambda number: ipc.BeginSegment(
                number, utterance, rate_hz, window, self._number, slack_s
            ),
        )
        try:
            while (pcm := await speech.stream.next()) is not None:
                credit = speech.taken(len(pcm))
                if credit:
                    self._link.send(ipc.GrantCredit(number, credit))
                yield pcm
        finally:
            self._link.leave(number)
            speech.stream.times.report(self.info)
