"""The worker processes of one engine: started, replaced when they die, and closed.

Scope: loop thread only; which processes there are, never what they do. When workers keep dying,
replacements come after growing pauses. A worker that was ended at a limit does not count as a
crash: its text was at fault.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

from dragoman.engines.base import EngineUnavailable
from dragoman.runtime.hosts.process.ipc_messages import IpcMessage
from dragoman.runtime.hosts.process.worker_process import WorkerProcess

log = logging.getLogger("dragoman.runtime.hosts.process.host")

_CRASHES_MEAN_DOWN = 3
_LONGEST_PAUSE_S = 5.0


class PoolOwner(Protocol):
    """Who gives the workers their jobs."""

    def on_ready(self, worker: WorkerProcess) -> None:
        """A worker has loaded the engine."""

    def on_frame(self, worker: WorkerProcess, frame: IpcMessage) -> None:
        """A worker that is ready sent something."""

    def on_lost(self, worker: WorkerProcess, reason: str) -> None:
        """A worker that was ready is gone."""

    def on_down(self) -> None:
        """The workers keep dying, and none is there."""


class WorkerPool:
    """``count`` workers that make their engines from ``spec``; ``start_limit_s`` is how long
    loading may take.
    """

    def __init__(
        self, name: str, spec: str, count: int, start_limit_s: float, owner: PoolOwner
    ) -> None:
        self._name = name
        self._spec = spec
        self._count = count
        self._start_limit_s = start_limit_s
        self._owner = owner
        self._workers: set[WorkerProcess] = set()  # every process that is not yet gone
        self._ready: set[WorkerProcess] = set()
        self._replacing: set[asyncio.Task[None]] = set()
        self._crashes = 0  # since a job last came to its end
        self.is_open = False

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers, for diagnosis."""
        return [worker.pid for worker in self._workers if worker.pid is not None]

    @property
    def is_down(self) -> bool:
        """Whether the workers keep dying and none is there now."""
        return not self._ready and self._crashes >= _CRASHES_MEAN_DOWN

    def works(self) -> None:
        """A job came to its end."""
        self._crashes = 0

    async def start(self) -> None:
        """Start all workers. Raises ``EngineUnavailable`` when one cannot load the engine."""
        self.is_open = True
        await asyncio.gather(*(self._add() for _ in range(self._count)))

    async def close(self) -> None:
        """End all processes; none is left when it returns."""
        self.is_open = False
        for task in self._replacing:
            task.cancel()
        self._ready.clear()
        await asyncio.gather(*(worker.close() for worker in list(self._workers)))
        await asyncio.gather(*self._replacing, return_exceptions=True)

    async def _add(self) -> None:
        worker = WorkerProcess(self._spec, self._owner.on_frame, self._on_gone)
        self._workers.add(worker)
        try:
            await worker.open(self._start_limit_s)
        except EngineUnavailable:
            if worker.pid is None:  # there is no process that could go
                self._workers.discard(worker)
            raise
        if self.is_open:
            self._ready.add(worker)
            self._owner.on_ready(worker)

    def _on_gone(self, worker: WorkerProcess, reason: str) -> None:
        self._workers.discard(worker)
        if worker not in self._ready:  # its starter deals with it, or the pool is closed
            return
        self._ready.discard(worker)
        self._crashes += not worker.overran
        log.warning("%s; %d crashes in a row", reason, self._crashes)
        task = asyncio.get_running_loop().create_task(self._replace())
        self._replacing.add(task)
        task.add_done_callback(self._replacing.discard)
        self._owner.on_lost(worker, reason)
        self._tell_if_down()

    async def _replace(self) -> None:
        while self.is_open:
            doublings = self._crashes - 2
            if doublings >= 0:  # the first replacement comes at once
                await asyncio.sleep(min(_LONGEST_PAUSE_S, 0.1 * 2**doublings))
            try:
                await self._add()
            except EngineUnavailable as error:
                self._crashes += 1
                log.warning("cannot replace a worker of %s: %s", self._name, error)
                self._tell_if_down()
            else:
                return

    def _tell_if_down(self) -> None:
        if self.is_down:
            self._owner.on_down()
