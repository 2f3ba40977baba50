"""Which host an engine gets.

Scope: it chooses the kind of host; the kinds are in files of their own.
"""

from __future__ import annotations

from dragoman.engines.base import Engine
from dragoman.runtime.hosts.engine_calls import batching_of
from dragoman.runtime.hosts.host import EngineHost
from dragoman.runtime.hosts.loop_host import LoopHost
from dragoman.runtime.hosts.process.host import ProcessHost
from dragoman.runtime.hosts.thread_host import ThreadHost


def make_host(engine: Engine, *, spec: str, threads: int, workers: int) -> EngineHost:
    """A host of the kind ``engine.info.runs_in`` asks for; nothing is started yet.

    An engine for processes is only described by ``engine``: each of the ``workers`` processes
    makes its own from ``spec``, a registry spec or ``package.module:Class``.
    """
    if engine.info.runs_in == "process":
        batching = batching_of(engine)
        return ProcessHost(engine.info, spec=spec, workers=workers, batching=batching)
    if engine.info.runs_in == "loop":
        return LoopHost(engine)
    return ThreadHost(engine, threads=threads, batching=batching_of(engine))
