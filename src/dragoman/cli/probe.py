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
from dragoman.runtime.hosts.host import EngineFailed
from dragoman.runtime.hosts.make_host import make_host

LOAD_TIMEOUT_S = 60.0


class Probe(msgspec.Struct, frozen=True, omit_defaults=True):
    """The result for one engine; ``why`` is "" if it is available."""

    spec: str
    package: str
    available: bool
    why: str = ""
    info: Info | None = None


async def probe(specs: Iterable[str]) -> list[Probe]:
    """Load the engines of these specs concurrently."""
    return list(await asyncio.gather(*(_probe(spec) for spec in specs)))


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
