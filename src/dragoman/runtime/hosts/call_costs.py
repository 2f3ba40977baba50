"""How long translations take: measured for every host and direction, over all sessions.

Scope: one moving average over all calls, waiting in queues included, so that load shows
in it and sessions under load ask for less. It is kept as long as the host lives.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

from dragoman.runtime.hosts.host import EngineHost

_WEIGHT = 0.25

_measured: WeakKeyDictionary[EngineHost, dict[tuple[str, str], float]] = WeakKeyDictionary()


def cost_s(host: EngineHost, direction: tuple[str, str]) -> float | None:
    """Seconds that a call of the direction lately took; None if none was made."""
    return _measured.get(host, {}).get(direction)


def record_cost(host: EngineHost, direction: tuple[str, str], wall_s: float) -> None:
    """A call was answered after this long."""
    costs = _measured.setdefault(host, {})
    before = costs.get(direction)
    costs[direction] = wall_s if before is None else before + _WEIGHT * (wall_s - before)
