"""How long translations take and how steady they are, for every host and direction, over all
sessions.

Scope: one moving average of the time over all calls, queueing included, so it grows with the load
and sessions then ask for fewer translations; and how much drafts change. Both are kept as long as
the host lives.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

from dragoman.policy.translation.flicker import DraftStability
from dragoman.runtime.hosts.host import EngineHost

_WEIGHT = 0.25

_measured: WeakKeyDictionary[EngineHost, dict[tuple[str, str], float]] = WeakKeyDictionary()
_stability: WeakKeyDictionary[EngineHost, dict[tuple[str, str], DraftStability]] = (
    WeakKeyDictionary()
)


def cost_s(host: EngineHost, direction: tuple[str, str]) -> float | None:
    """Average seconds of the latest calls of the direction; None if there was none."""
    return _measured.get(host, {}).get(direction)


def record_cost(host: EngineHost, direction: tuple[str, str], wall_s: float) -> None:
    """A call was answered after this long."""
    costs = _measured.setdefault(host, {})
    before = costs.get(direction)
    costs[direction] = wall_s if before is None else before + _WEIGHT * (wall_s - before)


def stability(host: EngineHost, direction: tuple[str, str]) -> DraftStability:
    """How steady the drafts of the direction are; turns that use it add what they see."""
    return _stability.setdefault(host, {}).setdefault(direction, DraftStability())
