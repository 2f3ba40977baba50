"""The running server apart from HTTP: its engines, its sessions, its state of health.

Law of this file: loading, serving, draining happen here, in this order and no other way. Engines
load in the background after the port is open, so that ``/health`` can say what is still missing;
until they are ready, and again while the server drains, new sessions are refused with 503 and a
hint when to come back. Nothing here knows a route, a frame or an event.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import platform
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, Protocol

import msgspec

from dragoman import __version__
from dragoman.engines.base import EngineUnavailable
from dragoman.server.auth import BAD_KEY, BAD_ORIGIN, Refusal, key_is_valid, origin_is_allowed
from dragoman.server.config import Config
from dragoman.server.metrics import Metrics, SessionMetrics

LOG = logging.getLogger("dragoman.server")

State = Literal["loading", "ready", "draining", "failed"]
RETRY_AFTER_S = 1


class Loadable(Protocol):
    """What the service needs of ``runtime.engine_set.Stack``."""

    async def load(self, progress: Callable[[str], None]) -> None:
        """Get the engines ready, telling what happens."""

    def status(self) -> list[Any]:
        """A plain value for each engine, with ``name``, ``role`` and ``state``."""

    def waiting(self) -> dict[str, int]:
        """How many calls are queued at each engine."""

    def lags_s(self) -> dict[str, list[float]]:
        """For each recogniser, how far each session with an open turn is behind its audio."""

    async def close(self) -> None:
        """Stop the engines."""


class Service:
    """One server's life: loading, ready, draining (or failed)."""

    def __init__(self, config: Config, stack: Loadable) -> None:
        self.config = config
        self.stack = stack
        self.metrics = Metrics()
        self.state: State = "loading"
        self.failure = ""
        """Why the engines could not be loaded, in words for the operator."""
        self._born = time.monotonic()
        self._open: dict[str, int] = {}
        self._idle = asyncio.Event()
        self._idle.set()
        self.decided = asyncio.Event()
        """Set when loading has ended, one way or the other."""

    # ------------------------------------------------------------ loading and draining
    async def load(self) -> None:
        """Load the engines. A failure is kept in ``state`` and ``failure``, not raised."""
        try:
            await self.stack.load(lambda what: LOG.info("loading: %s", what))
        except EngineUnavailable as refusal:
            self.state, self.failure = "failed", str(refusal)
        except Exception as failure:
            LOG.exception("the engines could not be loaded")
            self.state = "failed"
            self.failure = f"The engines could not be loaded ({type(failure).__name__})."
        else:
            if self.state == "loading":
                self.state = "ready"
            LOG.info("engines ready after %.2f s", time.monotonic() - self._born)
        self.decided.set()

    def drain(self) -> None:
        """From now on no new session is taken."""
        self.state = "draining"

    async def idle(self) -> None:
        """Wait until no session is open."""
        await self._idle.wait()

    @property
    def sessions(self) -> int:
        """How many sessions are open."""
        return sum(self._open.values())

    @contextlib.contextmanager
    def session(
        self, api: str, first_audio: tuple[str, str] | None = None
    ) -> Iterator[SessionMetrics]:
        """Count a session as open, in admission and in the metrics."""
        self._open[api] = self._open.get(api, 0) + 1
        self._idle.clear()
        try:
            with self.metrics.session(api, first_audio) as counted:
                yield counted
        finally:
            self._open[api] -= 1
            if not self.sessions:
                self._idle.set()

    # ------------------------------------------------------------ who may come in
    def refusal(self, headers: Mapping[str, str]) -> Refusal | None:
        """Why a WebSocket handshake with these headers is turned away, or None."""
        config = self.config
        if not origin_is_allowed(
            headers.get("origin"), headers.get("host"), config.allowed_origins
        ):
            return BAD_ORIGIN
        if not key_is_valid(headers.get("authorization"), config.api_keys):
            return BAD_KEY
        if self.state != "ready":
            return _unavailable(_WHY[self.state])
        if self.sessions >= config.limits.sessions:
            return _unavailable("The server has as many sessions as it takes.")
        return None

    # ------------------------------------------------------------ health and metrics
    def metrics_page(self) -> bytes:
        """The body of ``GET /metrics``."""
        for engine, calls in self.stack.waiting().items():
            self.metrics.engine_waiting.labels(engine).set(calls)
        for engine, lags in self.stack.lags_s().items():
            self.metrics.hears_late(engine, lags)
        return self.metrics.page()

    def health(self) -> dict[str, Any]:
        """The body of ``GET /health``; nothing in it is secret."""
        body: dict[str, Any] = {
            "status": self.state,
            "version": __version__,
            "python": platform.python_version(),
            "uptime_s": round(time.monotonic() - self._born, 3),
            "sessions": {
                "open": self.sessions,
                "limit": self.config.limits.sessions,
                **{api: count for api, count in sorted(self._open.items()) if count},
            },
            "engines": [msgspec.to_builtins(engine) for engine in self.stack.status()],
        }
        if self.state == "loading":
            missing = [f"{e.role} {e.name}" for e in self.stack.status() if e.state == "loading"]
            body["loading"] = missing or ["warming up"]
        if self.failure:
            body["failure"] = self.failure
        return body


_WHY: dict[State, str] = {
    "loading": "The engines are still loading.",
    "draining": "The server is shutting down.",
    "failed": "The engines could not be loaded.",
}


def _unavailable(message: str) -> Refusal:
    return Refusal(503, "ServiceUnavailable", message, RETRY_AFTER_S)
