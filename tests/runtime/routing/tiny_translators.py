"""Translators of a few words, and the loaded engines around them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping

from dragoman.engines.base import Info, Quality, Translation
from dragoman.runtime.hosts.loop_host import LoopHost
from dragoman.runtime.loaded_engine import LoadedEngine

Pair = tuple[str, str]


class Words:
    """Replaces words by a table for each pair, in any case; other words stay. ``asked`` holds the
    texts it got.
    """

    def __init__(
        self,
        name: str,
        tables: Mapping[Pair, Mapping[str, str]],
        *,
        quality: Quality = "basic",
        placeholders: tuple[str, ...] = (),
    ) -> None:
        self.info = Info(
            name=name,
            role="mt",
            licence="-",
            quality=quality,
            pairs=tuple(tables),
            placeholders=placeholders,
        )
        self.tables = tables
        self.asked: list[str] = []

    def load(self) -> None: ...

    def close(self) -> None: ...

    def warm(self, source: str, target: str) -> None:
        self.asked.append(f"warm {source} {target}")

    def translate(self, request: Translation) -> str:
        self.asked.append(request.text)
        table = self.tables[request.source, request.target]

        def put(match: re.Match[str]) -> str:
            word = match.group()
            found = table.get(word.lower(), word)
            return found[:1].upper() + found[1:] if word[:1].isupper() else found

        return re.sub(r"[\w,]*\w", put, request.text)


def started(engine: Words) -> LoopHost:
    """A host of the engine that takes calls."""
    host = LoopHost(engine)
    asyncio.run(host.start())
    return host


def loaded(engine: Words) -> LoadedEngine:
    """The engine on a host of its own, ready."""
    return LoadedEngine(engine.info.name, engine, started(engine), state="ready")
