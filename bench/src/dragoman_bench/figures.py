"""Percentiles, and a figure as the table shows it: a value, its unit, and what was aimed at.

Law of this file: pure arithmetic over numbers that others measured; no clock, no files.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which ``share`` (0..1) of the values lie, linear between neighbours.

    The definition of numpy's default. Raises ``ValueError`` for no values.
    """
    if not values:
        raise ValueError("no values, no percentile")
    ordered = sorted(values)
    at = share * (len(ordered) - 1)
    below = math.floor(at)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (at - below)


class Spread(msgspec.Struct, frozen=True):
    """How values are spread; all in the unit of the values, ``n`` how many there were."""

    n: int
    p50: float
    p95: float
    p99: float
    most: float


def spread(values: Sequence[float]) -> Spread | None:
    """The spread of some values; None where there are none."""
    if not values:
        return None
    p50, p95, p99 = (percentile(values, share) for share in (0.5, 0.95, 0.99))
    return Spread(len(values), p50, p95, p99, max(values))


def ratio(above: float | None, below: float | None) -> float | None:
    """One figure in terms of another; None where one is missing or the second is nothing."""
    return None if above is None or not below else above / below


def slope(points: Sequence[tuple[float, float]]) -> float | None:
    """Least-squares slope of (x, y) points; None for fewer than three, or all at one x."""
    if len(points) < 3:
        return None
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    width = sum((x - mean_x) ** 2 for x, _ in points)
    if width == 0:
        return None
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / width


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table. ``aim`` is the most that was aimed at (with ``at_least`` the least);
    None: nothing was.
    """

    part: str
    name: str
    value: float | None
    unit: str = ""
    aim: float | None = None
    at_least: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the aim is met; None without an aim or a value."""
        if self.aim is None or self.value is None:
            return None
        return self.value >= self.aim if self.at_least else self.value <= self.aim


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What one part of the benchmark found: lines for the table, and everything for the JSON."""

    name: str
    figures: list[Figure]
    raw: dict[str, object]


class BenchFailed(Exception):
    """A part could not be measured; the text says why, for the operator."""
