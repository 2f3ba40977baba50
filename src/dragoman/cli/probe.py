"""Finds out whether engines run here: loads each in its host, as the server does, and closes it.

Scope: an engine is available if it loads; if not, its own message says what to install.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from importlib.metadata import entry_points
from typing import Any

import msgspec

from dragoman.engines import registry
from dragoman.engines.base import ENTRY_POINT_GROUP, EngineUnavailable, Info
from dragoman.engines.environments import all_environments
from dragoman.engines.remote_engine import remembered
from dragoman.runtime.hosts.host import EngineFailed
from dragoman.runtime.hosts.make_host import make_host

LOAD_TIMEOUT_S = 60.0


class Probe(msgspec.Struct, frozen=True, omit_defaults=True):
    """The result for one engine; ``why`` is "" if it is available. ``environment`` is the one that
    has it.
    """

    spec: str
    package: str
    available: bool
    why: str = ""
    info: Info | None = None
    environment: str = ""


async def probe(specs: Iterable[str]) -> list[Probe]:
    """Load the engines of these specs concurrently."""
    return list(await asyncio.gather(*(_probe(spec) for spec in specs)))


def in_environments() -> list[Probe]:
    """The engines that run in environments, as they were described last; nothing is run there."""
    found = []
    for one in all_environments():
        for engine in one.engines:
            why, spec = "", engine
            try:
                if registry.environment_of(engine) != one.name:
                    continue
                one.check()
            except registry.RegistryError:  # several have it
                spec = f"{engine}@env={one.name}"
            except EngineUnavailable as refusal:
                why = str(refusal)
            known = remembered(one, engine)
            info = known.info if known is not None else None
            found.append(Probe(spec, one.wanted, not why, why, info, environment=one.name))
    return found


async def _probe(spec: str) -> Probe:
    package = package_of(spec)
    try:
        engine = registry.make(spec)
        host = make_host(engine, spec=spec, threads=1, workers=1)
    except registry.RegistryError as error:
        return Probe(spec, package, available=False, why=str(error))
    why = ""
    try:
        async with asyncio.timeout(LOAD_TIMEOUT_S):
            await host.start()
    except EngineUnavailable as refusal:
        why = str(refusal)
    except TimeoutError:
        why = f"It did not load within {LOAD_TIMEOUT_S:.0f} seconds."
    except EngineFailed as failure:
        why = f"It failed while loading: {failure}"
    finally:
        await host.close()
    return Probe(spec, package, available=not why, why=why, info=engine.info)


def package_of(spec: str) -> str:
    """The distribution that registers the engine, or ""."""
    name = spec.partition("?")[0]
    for point in entry_points(group=ENTRY_POINT_GROUP, name=name):
        if point.dist is not None:
            return point.dist.name
    return ""


def counted(items: Iterable[str], most: int = 8) -> str:
    """A list cut to ``most`` items: ``a, b, c and 40 more``; ``*`` becomes ``any``."""
    listed: list[Any] = ["any" if item == "*" else item for item in items]
    if len(listed) <= most:
        return ", ".join(listed)
    return f"{', '.join(listed[:most])} and {len(listed) - most} more"
