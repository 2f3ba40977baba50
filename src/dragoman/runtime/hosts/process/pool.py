"""The worker processes of one engine: started, replaced when they die, and closed.

Scope: loop thread only; which processes there are, never what they do.

A replacement comes at once, except

* after crashes: when jobs kill their workers, workers end by themselves or do not start, the pauses
  grow. A job that comes to its end makes them short again. A kill from outside while the worker had
  nothing to do is no crash, and neither is the end at a limit of time: the text was at fault;
* for an idle worker that was killed within ``_SETTLED_S`` of its start: so long is the pause.

While no worker is there, calls wait. They fail when replacements do not start (``is_down``):
``_STARTS_MEAN_DOWN`` in a row, or none for some times as long as a start takes.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

from dragoman.engines.base import EngineUnavailable
from dragoman.runtime.hosts.host import EngineFailed, Vitals
from dragoman.runtime.hosts.process.ipc_messages import IpcMessage
from dragoman.runtime.hosts.process.worker_process import WorkerProcess

log = logging.getLogger("dragoman.runtime.hosts.process.host")

_STARTS_MEAN_DOWN = 3
_PATIENCE_S = 5.0
_MOST_PATIENCE_S = 30.0
_LONGEST_PAUSE_S = 5.0
_SETTLED_S = 1.0


class PoolOwner(Protocol):
    """Who gives the workers their jobs."""

    def on_ready(self, worker: WorkerProcess) -> None:
        """A worker has loaded the engine."""

    def on_frame(self, worker: WorkerProcess, frame: IpcMessage) -> None:
        """A worker that is ready sent something."""

    def on_lost(self, worker: WorkerProcess, reason: str) -> bool:
        """A worker that was ready is gone; whether it had a job."""

    def on_down(self) -> None:
        """No worker is there, and replacements do not start."""


class WorkerPool:
    """``count`` workers that make their engines from ``spec``; ``start_limit_s`` is how long
    loading may take, ``python`` the interpreter of an environment.
    """

    def __init__(
        self,
        name: str,
        spec: str,
        count: int,
        start_limit_s: float,
        owner: PoolOwner,
        *,
        python: str | None = None,
    ) -> None:
        self._name = name
        self._spec = spec
        self._python = python
        self._count = count
        self._start_limit_s = start_limit_s
        self._owner = owner
        self._workers: set[WorkerProcess] = set()  # every process that is not yet gone
        self._ready: dict[WorkerProcess, float] = {}  # since when
        self._replacing: set[asyncio.Task[None]] = set()
        self._crashes = 0  # since a job last came to its end
        self._failed_starts = 0  # since a worker last was ready
        self._start_s = 0.0  # what the slowest start took
        self._patience: asyncio.TimerHandle | None = None
        self._decided = asyncio.Event()  # a worker is there, or none will come
        self._ended = 0
        self._restarts = 0
        self.is_open = False
        self.is_down = False
        """Whether no worker is there and none seems to come."""

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers, for diagnosis."""
        return [worker.pid for worker in self._workers if worker.pid is not None]

    @property
    def vitals(self) -> Vitals:
        """How the workers are."""
        return Vitals(len(self._ready), crashes=self._ended, restarts=self._restarts)

    def works(self) -> None:
        """A job came to its end."""
        self._crashes = 0

    async def any_ready(self) -> None:
        """Wait for a worker. Raises ``EngineFailed`` when none comes."""
        while not self._ready:
            if not self.is_open or self.is_down:
                raise EngineFailed(f"no worker of {self._name} is there")
            await self._decided.wait()

    async def start(self) -> None:
        """Start all workers. Raises ``EngineUnavailable`` when one cannot load the engine."""
        self.is_open = True
        limit_s = self._start_limit_s
        await asyncio.gather(*(self._add(limit_s) for _ in range(self._count)))

    async def close(self) -> None:
        """End all processes; none is left when it returns."""
        self.is_open = False
        self._decide()
        for task in self._replacing:
            task.cancel()
        self._ready.clear()
        await asyncio.gather(*(worker.close() for worker in list(self._workers)))
        await asyncio.gather(*self._replacing, return_exceptions=True)

    async def _add(self, limit_s: float) -> None:
        loop = asyncio.get_running_loop()
        worker = WorkerProcess(self._spec, self._owner.on_frame, self._on_gone, self._python)
        self._workers.add(worker)
        began_s = loop.time()
        try:
            await worker.open(limit_s)
        except EngineUnavailable:
            if worker.pid is None:  # there is no process that could go
                self._workers.discard(worker)
            raise
        if worker not in self._workers:
            raise EngineUnavailable(f"the worker of {self._name} ended at once")
        if self.is_open:
            self._ready[worker] = loop.time()
            self._start_s = max(self._start_s, loop.time() - began_s)
            self._failed_starts = 0
            self.is_down = False
            self._decide()
            self._owner.on_ready(worker)

    def _decide(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        self._decided.set()

    def _on_gone(self, worker: WorkerProcess, reason: str) -> None:
        self._workers.discard(worker)
        since_s = self._ready.pop(worker, None)
        if since_s is None:  # its starter deals with it, or the pool is closed
            return
        loop = asyncio.get_running_loop()
        if not self._ready:
            self._decided.clear()
            patience_s = min(_PATIENCE_S + 6 * self._start_s, _MOST_PATIENCE_S)
            self._patience = loop.call_later(patience_s, self._give_up)
        self._ended += 1
        had_job = self._owner.on_lost(worker, reason)
        idle_kill = worker.was_killed and not had_job
        self._crashes += not (worker.overran or idle_kill)
        log.warning("%s; %d crashes in a row", reason, self._crashes)
        pauses = idle_kill and loop.time() - since_s < _SETTLED_S
        task = loop.create_task(self._replace(_SETTLED_S if pauses else 0.0))
        self._replacing.add(task)
        task.add_done_callback(self._replacing.discard)

    @property
    def _restart_limit_s(self) -> float:
        """How long a replacement may take: what starts took so far tells a slow one from one that
        hangs. It grows, so that a machine that has become slow does not end all of them.
        """
        usual_s = 1.0 + 4 * self._start_s
        return min(self._start_limit_s, usual_s * 2.0**self._failed_starts)

    async def _replace(self, pause_s: float) -> None:
        while self.is_open:
            doublings = self._crashes - 2
            if doublings >= 0:  # the first replacement comes at once
                pause_s = max(pause_s, min(_LONGEST_PAUSE_S, 0.1 * 2**doublings))
            await asyncio.sleep(pause_s)
            try:
                await self._add(self._restart_limit_s)
            except EngineUnavailable as error:
                self._crashes += 1
                self._failed_starts += 1
                log.warning("cannot replace a worker of %s: %s", self._name, error)
                if self._failed_starts >= _STARTS_MEAN_DOWN:
                    self._give_up()
            else:
                self._restarts += 1
                return

    def _give_up(self) -> None:
        if self.is_open and not self._ready:
            self.is_down = True
            self._decide()
            self._owner.on_down()
