"""Enforces a table of legal order over events.

Scope: the check; the tables stand with the APIs, and the documentation draws them. An event out of
order is a bug of ours and raises before it is sent.
"""

from __future__ import annotations

from collections.abc import Mapping

OrderTable = Mapping[str, tuple[str, ...]]
"""What may follow an event, by wire names; "" stands for "nothing yet". An event that may follow
itself repeats, any other comes at most once."""


class OutOfOrder(Exception):
    """We tried to send an event out of order."""


class LegalOrder:
    """Where one sequence of events stands in its table. ``needs``: of which events one must have
    come, anywhere before.
    """

    def __init__(self, table: OrderTable, needs: Mapping[str, tuple[str, ...]] = {}) -> None:
        self._table, self._needs = table, needs
        self._last = ""
        self._seen: set[str] = set()

    def has_seen(self, *names: str) -> bool:
        """Whether one of these events came."""
        return not self._seen.isdisjoint(names)

    def advance(self, name: str) -> None:
        """The event of this wire name is next. Raises ``OutOfOrder``."""
        following = self._table[self._last]
        repeats = name in self._table.get(name, ())
        if name not in following or (name in self._seen and not repeats):
            raise OutOfOrder(f"{name} after {self._last or 'nothing'}")
        needed = self._needs.get(name, ())
        if needed and not self.has_seen(*needed):
            raise OutOfOrder(f"{name} before {' or '.join(needed)}")
        self._last = name
        self._seen.add(name)
