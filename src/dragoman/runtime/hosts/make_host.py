"""Which host an engine gets.

Scope: it chooses the kind of host, its size and its batches, by what the engine says and what the
operator wants (``engines.registry.Placement``). The kinds are in files of their own.
"""

from __future__ import annotations

from dragoman.engines.base import Engine
from dragoman.engines.registry import Placement, RegistryError, parse_spec
from dragoman.runtime.hosts.engine_calls import batching_of
from dragoman.runtime.hosts.host import EngineHost
from dragoman.runtime.hosts.loop_host import LoopHost
from dragoman.runtime.hosts.process.host import ProcessHost
from dragoman.runtime.hosts.thread_host import ThreadHost


def make_host(engine: Engine, *, spec: str, threads: int, workers: int) -> EngineHost:
    """A host for ``engine``; nothing is started yet. ``threads`` and ``workers`` are used unless
    ``spec`` says how many calls run at the same time. Raises ``RegistryError``.

    An engine for processes is only described by ``engine``: each worker process makes its own from
    ``spec``, a registry spec or ``package.module:Class``.
    """
    info = engine.info
    placement = parse_spec(spec).placement if spec else Placement()
    place = placement.host or info.runs_in
    _check(engine, placement)
    if place == "loop":
        return LoopHost(engine)
    batching = batching_of(engine, placement.batch, placement.max_wait_ms)
    if place == "process":
        count = placement.concurrency or workers
        return ProcessHost(info, spec=spec, workers=count, batching=batching)
    return ThreadHost(engine, threads=placement.concurrency or threads, batching=batching)


def _check(engine: Engine, placement: Placement) -> None:
    info = engine.info
    if (placement.batch or 1) > info.max_batch:
        raise RegistryError(
            f"The engine {info.name!r} takes at most {info.max_batch} in a batch, "
            f"not {placement.batch}."
        )
    if info.runs_in == "process" and placement.host == "thread" and info.licence.startswith("GPL"):
        raise RegistryError(f"The engine {info.name!r} is under the GPL: it runs in processes.")
    if info.runs_in == "loop" and placement != Placement() and placement.host is None:
        raise RegistryError(
            f"The engine {info.name!r} runs on the event loop; say host=thread or host=process "
            "as well."
        )
