"""The life of one server apart from HTTP: its engines, its sessions, its state of health.

Scope: loading, serving, draining, in this order and no other way. Engines load in the background
after the port is open, so that ``/health`` can say what is still missing. Nothing here knows a
route, a frame or an event; who may connect is decided in ``server.admission``.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import platform
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, Protocol

import msgspec

from dragoman import __version__
from dragoman.engines.base import EngineUnavailable
from dragoman.runtime.capacity import Capacity
from dragoman.runtime.hosts.host import Vitals
from dragoman.runtime.loaded_engine import EngineUse
from dragoman.server.access.access_control import AccessControl
from dragoman.server.config import Config
from dragoman.server.observability.metrics import Metrics
from dragoman.server.observability.session_metrics import SessionMetrics, counted_session
from dragoman.server.observability.tracing import trace_provider

LOG = logging.getLogger("dragoman.server")

State = Literal["loading", "ready", "draining", "failed"]
Status = State | Literal["degraded"]


class ServerEngines(Protocol):
    """What the lifecycle needs of ``runtime.engine_set.EngineSet``."""

    async def load(self, progress: Callable[[str], None]) -> None:
        """Get the engines ready; ``progress`` is told what happens."""

    def status(self) -> list[Any]:
        """A plain value for each engine, with ``name``, ``role`` and ``state``."""

    def waiting(self) -> dict[str, int]:
        """How many calls are queued at each engine."""

    def uses(self) -> dict[str, EngineUse]:
        """How much each engine has to do."""

    def vitals(self) -> dict[str, Vitals]:
        """How the workers of each engine are."""

    def lacking(self, roles: Sequence[str] | None = None) -> list[str]:
        """The roles, of these or of all that are needed, that no live engine fills at present."""

    def lags_s(self) -> dict[str, list[float]]:
        """For each recogniser, how far each session with an open turn is behind its audio."""

    async def close(self) -> None:
        """Stop the engines."""

    capacity: Capacity
    """How many people can speak at the same time."""


class Peers(Protocol):
    """The other processes of a server that has several (``server.workers``)."""

    def publish(self, state: State, sessions: Mapping[str, int]) -> None:
        """Tell them how this process is."""

    def sessions(self) -> Mapping[str, int]:
        """How many sessions are open in them, by API."""

    def processes(self) -> list[dict[str, Any]]:
        """Every process of the server, this one included, for ``/health``."""

    async def metrics_page(self, metrics: Metrics) -> bytes:
        """The body of ``GET /metrics`` for all of them together."""


class Lifecycle:
    """One server's life: loading, ready, draining (or failed). ``peers`` where several processes
    are one server. Raises ``ConfigError`` where traces are wanted and cannot be made.
    """

    def __init__(
        self,
        config: Config,
        engines: ServerEngines,
        address: str = "127.0.0.1",
        peers: Peers | None = None,
    ) -> None:
        """``address`` is the numeric address that ``config.host`` stands for. Raises
        ``ConfigError`` for keys that cannot be used.
        """
        self.config = config
        self.engines = engines
        self._peers = peers
        self.metrics = Metrics()
        self.traces = trace_provider(os.environ)
        """What makes traces; None where nobody wants any."""
        self.access = AccessControl(
            config,
            self.metrics.key_uses,
            engines.capacity.active_of,
            address=address,
        )
        self.state: State = "loading"
        self.failure = ""
        """Why the engines could not be loaded, in words for the operator."""
        self._started_at = time.monotonic()
        self._open: dict[str, int] = {}
        self._idle = asyncio.Event()
        self._idle.set()
        self.opens_when_ready = False
        """Whether connections are accepted only when the engines are loaded."""
        self.decided = asyncio.Event()
        """Set when loading has ended, one way or the other."""

    # ------------------------------------------------------------ loading and draining
    async def load(self) -> None:
        """Load the engines. A failure is kept in ``state`` and ``failure``, not raised."""
        try:
            await self.engines.load(lambda what: LOG.info("loading: %s", what))
        except EngineUnavailable as refusal:
            self.state, self.failure = "failed", str(refusal)
        except Exception as failure:
            LOG.exception("the engines could not be loaded")
            self.state = "failed"
            self.failure = f"The engines could not be loaded ({type(failure).__name__})."
        else:
            if self.state == "loading":
                self.state = "ready"
            took = {"seconds": time.monotonic() - self._started_at}
            LOG.info("engines ready after %(seconds).2f s", took)
        self._tell_peers()
        self.decided.set()

    def drain(self) -> None:
        """From now on no new session is taken."""
        self.state = "draining"
        self.decided.set()
        self._tell_peers()

    def _tell_peers(self) -> None:
        if self._peers is not None:
            self._peers.publish(self.state, self._open)

    async def close(self) -> None:
        """Stop the engines, write what keys used, and export the traces that are left."""
        await self.access.close()
        await self.engines.close()
        if self.traces is not None:
            await asyncio.to_thread(self.traces.shutdown)

    async def idle(self) -> None:
        """Wait until no session is open."""
        await self._idle.wait()

    @property
    def sessions(self) -> int:
        """How many sessions are open in this process."""
        return sum(self._open.values())

    @property
    def all_sessions(self) -> int:
        """How many sessions the server has open."""
        elsewhere = self._peers.sessions() if self._peers is not None else {}
        return self.sessions + sum(elsewhere.values())

    @contextlib.contextmanager
    def session(
        self, api: str, first_audio: tuple[str, str] | None = None, family: str = ""
    ) -> Iterator[SessionMetrics]:
        """Count a session as open, here and in the metrics."""
        self._open[api] = self._open.get(api, 0) + 1
        self._tell_peers()
        self._idle.clear()
        try:
            with counted_session(self.metrics, api, first_audio, family) as counted:
                yield counted
        finally:
            self._open[api] -= 1
            self._tell_peers()
            if not self.sessions:
                self._idle.set()

    # ------------------------------------------------------------ health and metrics
    @property
    def status(self) -> Status:
        """The state, or ``degraded``: it is serving, and a role has no live engine."""
        return "degraded" if self.state == "ready" and self.engines.lacking() else self.state

    async def metrics_page(self) -> bytes:
        """The body of ``GET /metrics``."""
        self.measure()
        if self._peers is not None:
            return await self._peers.metrics_page(self.metrics)
        return self.metrics.page()

    def measure(self) -> None:
        """Bring those metrics up to date that the engines know."""
        self.metrics.ready.set(self.status == "ready")
        for engine, calls in self.engines.waiting().items():
            self.metrics.engine_waiting.labels(engine).set(calls)
        self.metrics.workers.vitals = self.engines.vitals()
        self.metrics.count_speakers(self.engines.capacity)
        for engine, lags in self.engines.lags_s().items():
            self.metrics.hears_late(engine, lags)
        for engine, use in self.engines.uses().items():
            self.metrics.count_engine(engine, use)

    def _speakers(self) -> dict[str, int | None]:
        capacity = self.engines.capacity
        return {
            "active": capacity.active,
            "capacity": capacity.interpretations,
            "bound": capacity.most,
        }

    def health(self) -> dict[str, Any]:
        """The body of ``GET /health`` and ``GET /ready``; nothing in it is secret."""
        opened = Counter(self._open)
        if self._peers is not None:
            opened.update(self._peers.sessions())
        body: dict[str, Any] = {
            "status": self.status,
            "version": __version__,
            "python": platform.python_version(),
            "uptime_s": round(time.monotonic() - self._started_at, 3),
            "sessions": {
                "open": opened.total(),
                "limit": self.config.limits.sessions,
                **{api: count for api, count in sorted(opened.items()) if count},
            },
            "speakers": self._speakers(),
            "engines": [msgspec.to_builtins(engine) for engine in self.engines.status()],
        }
        if self.state == "loading":
            missing = [f"{e.role} {e.name}" for e in self.engines.status() if e.state == "loading"]
            body["loading"] = missing or ["warming up"]
        if lacking := self.engines.lacking():
            body["degraded"] = lacking
        if self._peers is not None:
            body["processes"] = self._peers.processes()
        if self.failure:
            body["failure"] = self.failure
        return body
