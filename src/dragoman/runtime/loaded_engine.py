"""One engine that the operator chose: the object, its host, and how far it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from msgspec.structs import replace

from dragoman.engines.base import Engine, Info, Role
from dragoman.engines.registry import parse_spec
from dragoman.runtime.hosts.host import EngineHost
from dragoman.runtime.hosts.load import RecognizerLoad

_WORKER_MB = 25
"""What a worker process has of its own, without an engine."""


class EngineStatus(msgspec.Struct, frozen=True):
    """One engine as ``/health`` and the start-up lines show it."""

    name: str
    role: Role
    state: str
    """``loading``, ``ready``, ``idle`` (unloaded until somebody needs it), ``degraded`` (it failed
    lately and is left alone: its circuit is not closed), ``down`` (no live worker at present) or
    ``unavailable``.
    """
    quality: str
    detail: str = ""


class EngineUse(msgspec.Struct, frozen=True):
    """How many calls an engine works on at the same time at most, and for how long it has worked
    so far, all calls together.
    """

    concurrency: int
    busy_s: float


class LoadedEngine(msgspec.Struct):
    """An engine and what is known about it here. ``name`` is the engine's own, with a number behind
    it where the operator chose several of this name.
    """

    spec: str
    engine: Engine
    host: EngineHost
    name: str = ""
    only: tuple[str, ...] = ()
    """The languages or pairs that the operator wants it for; none: all it can."""
    load: RecognizerLoad = msgspec.field(default_factory=RecognizerLoad)
    state: str = "loading"
    detail: str = ""
    hallucinations: frozenset[str] = frozenset()
    """What a recogniser says of silence and noise (``runtime.warm_up``)."""

    @property
    def info(self) -> Info:
        """The engine's self-description, for what the operator wants it for."""
        return narrowed(self.engine.info, self.only)

    @property
    def is_down(self) -> bool:
        """Whether it was loaded and has no live worker now."""
        return self.state == "ready" and not self.host.vitals.workers

    @property
    def memory_mb(self) -> int:
        """What its copies want together: one for all threads, one for each worker process."""
        place = parse_spec(self.spec).placement.host or self.info.runs_in
        if place != "process":
            return self.info.memory_mb
        return (self.info.memory_mb + _WORKER_MB) * self.host.work.places

    @property
    def use(self) -> EngineUse:
        """For the metrics."""
        return EngineUse(self.host.capacity, self.host.work.busy_s)

    def status(self, role: Role) -> EngineStatus:
        """For the operator."""
        state = self.state
        if state == "ready":
            vitals = self.host.vitals
            state = state if vitals.loaded else "idle"
            state = "degraded" if vitals.circuit != "closed" else state
            state = "down" if not vitals.workers else state
        return EngineStatus(self.name, role, state, self.info.quality, self.detail)


def covers(languages: Iterable[str], language: str | None) -> bool:
    """Whether an engine of these languages does this one; None stands for any."""
    return language is None or "*" in languages or language in languages


def translates(info: Info, source: str, target: str) -> bool:
    """Whether an engine does this direction."""
    return (source, target) in info.pairs or ("*", "*") in info.pairs


def narrowed(info: Info, only: Sequence[str]) -> Info:
    """The description of an engine that is used for these languages, or pairs (``en-es``), only."""
    if not only:
        return info
    pairs = tuple((source, target) for source, _, target in (tag.partition("-") for tag in only))
    if info.role == "mt":
        return replace(info, pairs=tuple(pair for pair in pairs if translates(info, *pair)))
    return replace(info, languages=tuple(tag for tag in only if covers(info.languages, tag)))
