"""Which host an engine gets.

Scope: it chooses the kind of host, its size and its batches, by what the engine says and what the
operator wants (``engines.registry.Placement``). The kinds are in files of their own; another one is
a row of ``PLACES`` and a ``case`` of ``make_host``.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from dragoman.engines.base import Engine, Info
from dragoman.engines.registry import Placement, RegistryError, parse_spec
from dragoman.engines.remote_engine import RemoteEngine
from dragoman.runtime.hosts.engine_calls import batching_of
from dragoman.runtime.hosts.host import EngineHost
from dragoman.runtime.hosts.loop_host import LoopHost
from dragoman.runtime.hosts.process.host import ProcessHost
from dragoman.runtime.hosts.thread_host import ThreadHost

PLACES: Mapping[str, bool] = {"thread": False, "process": True}
"""The places that an operator may choose, and whether the engine is in a process of its own there,
as the GPL demands.
"""


def make_host(engine: Engine, *, spec: str, threads: int, workers: int) -> EngineHost:
    """A host for ``engine``; nothing is started yet. ``threads`` and ``workers`` are used unless
    ``spec`` says how many calls run at the same time. Raises ``RegistryError``.

    An engine for processes is only described by ``engine``: each worker process makes its own from
    ``spec``, a registry spec or ``package.module:Class``.
    """
    placement = parse_spec(spec).placement if spec else Placement()
    _check(engine, placement)
    info = _placed(engine.info, placement)
    calls = placement.concurrency or info.concurrency
    batching = batching_of(engine, placement.batch, placement.max_wait_ms)
    match placement.host or info.runs_in:
        case "loop":
            return LoopHost(engine)
        case "thread":
            threads = calls or threads
            return ThreadHost(engine, threads=threads, batching=batching, caps=info.caps)
        case "process":
            remote = engine if isinstance(engine, RemoteEngine) else None
            workers = calls or workers
            return ProcessHost(info, spec=spec, workers=workers, batching=batching, remote=remote)
        case other:
            raise RegistryError(f"The engine {info.name!r} asks for {other!r}, which is no host.")


def _placed(info: Info, placement: Placement) -> Info:
    if placement.first_sound_s is None:
        return info
    caps = msgspec.structs.replace(info.caps, first_sound_s=placement.first_sound_s)
    return msgspec.structs.replace(info, caps=caps)


def _check(engine: Engine, placement: Placement) -> None:
    info, place = engine.info, placement.host
    if place is not None and place not in PLACES:
        raise RegistryError(f"There is no host {place!r}. There are: {', '.join(PLACES)}.")
    if (placement.batch or 1) > info.max_batch:
        raise RegistryError(
            f"The engine {info.name!r} takes at most {info.max_batch} in a batch, "
            f"not {placement.batch}."
        )
    is_linked = place is not None and not PLACES[place]
    if info.runs_in == "process" and is_linked and info.licence.startswith("GPL"):
        raise RegistryError(f"The engine {info.name!r} is under the GPL: it runs in processes.")
    if is_linked and isinstance(engine, RemoteEngine):
        raise RegistryError(
            f"The engine {info.name!r} lives in the environment {engine.environment}: it runs in "
            "processes."
        )
    is_moved = msgspec.structs.replace(placement, only="", call_s=None) != Placement()
    if info.runs_in == "loop" and is_moved and place is None:
        raise RegistryError(
            f"The engine {info.name!r} runs on the event loop; say host=thread or host=process "
            "as well."
        )
