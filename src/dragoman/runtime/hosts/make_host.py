"""Where engines live: the door to hosts, for the rest of the runtime.

Law of this file: it chooses the kind of host and offers the words others need; the kinds are in
files of their own (``loop_host``, ``thread_host``, ``process_host``).
"""

from __future__ import annotations

from dragoman.engines.base import Engine
from dragoman.runtime.hosts.host import EngineFailed, EngineHost, TextRefused
from dragoman.runtime.hosts.loop_host import LoopHost
from dragoman.runtime.hosts.process.host import ProcessHost
from dragoman.runtime.hosts.thread_host import ThreadHost

__all__ = [
    "EngineFailed",
    "EngineHost",
    "LoopHost",
    "ProcessHost",
    "TextRefused",
    "ThreadHost",
    "make_host",
]


def make_host(engine: Engine, *, spec: str, threads: int, workers: int) -> EngineHost:
    """A host of the kind ``engine.info.runs_in`` asks for; nothing is started yet.

    An engine for processes is only described by ``engine``: each of the ``workers`` processes
    makes its own from ``spec``, a registry spec or ``package.module:Class``.
    """
    if engine.info.runs_in == "process":
        return ProcessHost(engine.info, spec=spec, workers=workers)
    if engine.info.runs_in == "loop":
        return LoopHost(engine)
    return ThreadHost(engine, threads=threads)
