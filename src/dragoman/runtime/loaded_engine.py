"""One engine that the operator chose: the object, its host, and how far it is."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from dragoman.engines.base import Engine, Info, Role
from dragoman.runtime.hosts.host import EngineHost
from dragoman.runtime.hosts.load import RecognizerLoad


class EngineStatus(msgspec.Struct, frozen=True):
    """One engine as ``/health`` and the start-up lines show it."""

    name: str
    role: Role
    state: str  # "loading" | "ready" | "down" (no live worker at present) | "unavailable"
    quality: str
    detail: str = ""


class EngineUse(msgspec.Struct, frozen=True):
    """How many calls an engine works on at the same time at most, and for how long it has worked
    so far, all calls together.
    """

    concurrency: int
    busy_s: float


class LoadedEngine(msgspec.Struct):
    """An engine and what is known about it here."""

    spec: str
    engine: Engine
    host: EngineHost
    state: str = "loading"
    detail: str = ""
    load: RecognizerLoad = msgspec.field(default_factory=RecognizerLoad)
    hallucinations: frozenset[str] = frozenset()
    """What a recogniser says of silence and noise (``runtime.warm_up``)."""

    @property
    def info(self) -> Info:
        """The engine's self-description."""
        return self.engine.info

    @property
    def is_down(self) -> bool:
        """Whether it was loaded and has no live worker now."""
        return self.state == "ready" and not self.host.vitals.workers

    @property
    def use(self) -> EngineUse:
        """For the metrics."""
        return EngineUse(self.host.capacity, self.host.work.busy_s)

    def status(self, role: Role) -> EngineStatus:
        """For the operator."""
        state = "down" if self.is_down else self.state
        return EngineStatus(self.info.name, role, state, self.info.quality, self.detail)


def covers(languages: Iterable[str], language: str | None) -> bool:
    """Whether an engine of these languages does this one; None stands for any."""
    return language is None or "*" in languages or language in languages
