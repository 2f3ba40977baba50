"""The translators of a direction, best first.

Scope: the order. Engines come in the operator's order. A detour by a third language that was
measured to be better (``measured_routes``) stands right behind its neural engine, so before
Apertium's own way and behind a direct model of the user's. Two models of one engine that meet in
English come last. The hosts that are made here are kept: what calls of a direction cost is known by
its host.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dragoman.engines.base import Info
from dragoman.runtime.hosts.host import EngineHost
from dragoman.runtime.loaded_engine import LoadedEngine
from dragoman.runtime.routing.measured_routes import DETOURS, HUB
from dragoman.runtime.routing.translation_route import TranslationRoute

Pair = tuple[str, str]


class TranslatorRoutes:
    """The translators of one engine set."""

    def __init__(self) -> None:
        self._made: dict[tuple[object, ...], EngineHost] = {}

    def candidates(
        self, ready: Sequence[LoadedEngine], source: str, target: str
    ) -> list[EngineHost]:
        """Who can translate this direction, the first to be asked first; none if nobody can.
        ``ready``: the translators that are loaded, in the operator's order.
        """
        found: list[EngineHost] = []
        direct = [one for one in ready if _covers(one, source, target)]
        detour = DETOURS.get((source, target))
        by_name = {one.info.name: one for one in reversed(ready)}
        for one in ready:
            if one in direct:
                found.append(self._route((one,), (source, target)))
            if detour is None or detour.neural != one.info.name:
                continue
            engines = [by_name.get(name) for name in (detour.first, detour.second)]
            first, second = engines
            middle = detour.middle
            if first is None or second is None:
                continue
            if _covers(first, source, middle) and _covers(second, middle, target):
                plain = next((other for other in direct if other is not one), None)
                found.append(self._route((first, second), (source, middle, target), plain))
        found += [
            self._route((one, one), (source, HUB, target))
            for one in ready
            if (source, target) in hub_pairs(one.info)
        ]
        return found

    def _route(
        self,
        engines: Sequence[LoadedEngine],
        languages: Sequence[str],
        plain: LoadedEngine | None = None,
    ) -> EngineHost:
        hosts = [one.host for one in engines]
        if len(hosts) == 1 and not engines[0].info.placeholders:
            return hosts[0]
        key = (*map(id, hosts), *languages)
        if key not in self._made:
            other = plain.host if plain is not None else None
            self._made[key] = TranslationRoute(hosts, languages, other)
        return self._made[key]


def covered_pairs(ready: Iterable[LoadedEngine]) -> frozenset[Pair]:
    """The directions that these engines translate, alone or in two steps."""
    found: set[Pair] = set()
    for one in ready:
        found |= {*one.info.pairs} | hub_pairs(one.info)
    return frozenset(found)


def hub_pairs(info: Info) -> set[Pair]:
    """The directions that an engine has besides its pairs, by way of English; none for rules, whose
    errors add up.
    """
    if info.quality == "gist":
        return set()
    sources = {source for source, target in info.pairs if target == HUB}
    targets = {target for source, target in info.pairs if source == HUB}
    return {(s, t) for s in sources for t in targets if s != t} - set(info.pairs)


def _covers(one: LoadedEngine, source: str, target: str) -> bool:
    return (source, target) in one.info.pairs or ("*", "*") in one.info.pairs
