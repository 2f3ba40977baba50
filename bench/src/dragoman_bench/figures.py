"""Figures of the result table, and the statistics they are made of.

Scope: pure arithmetic over values that others measured. Sequences may hold None for what could not
be measured; it is left out, and a statistic of nothing is None.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence

import msgspec
import numpy as np


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table. ``aim`` is an upper bound, with ``at_least`` a lower one."""

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


Row = tuple[str, float | None, str, float | None]
"""Name, value, unit and aim of a figure."""


def lines(part: str, rows: Iterable[Row]) -> list[Figure]:
    """The figures of a part whose aims are upper bounds."""
    return [
        Figure(part=part, name=name, value=value, unit=unit, aim=aim)
        for name, value, unit, aim in rows
    ]


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Result of one part of the benchmark: lines for the table, and everything for the JSON."""

    name: str
    figures: list[Figure]
    raw: dict[str, object]


class BenchFailed(Exception):
    """A part could not be measured; the text says why, for the operator."""


class Spread(msgspec.Struct, frozen=True):
    """Distribution of ``n`` values, in their unit."""

    n: int
    p50: float
    p95: float
    p99: float
    most: float


def spread(values: Sequence[float]) -> Spread | None:
    """The distribution of some values."""
    if not values:
        return None
    p50, p95, p99 = np.quantile(values, [0.5, 0.95, 0.99]).tolist()
    return Spread(len(values), p50, p95, p99, max(values))


def quantile(values: Sequence[float | None], share: float) -> float | None:
    """The value below which ``share`` (0..1) of the values lie, linear between neighbours."""
    known = [value for value in values if value is not None]
    return float(np.quantile(known, share)) if known else None


def median(values: Sequence[float | None]) -> float | None:
    """The middle value."""
    return quantile(values, 0.5)


def mean(values: Sequence[float | None]) -> float | None:
    """The arithmetic mean."""
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known else None


def ratio(above: float | None, below: float | None) -> float | None:
    """``above / below``; None where one is missing or ``below`` is 0."""
    return None if above is None or not below else above / below


def percent(share: float | None) -> float | None:
    """A share (0..1) in percent."""
    return None if share is None else 100 * share


def slope(points: Sequence[tuple[float, float]]) -> float | None:
    """Least-squares slope of (x, y) points; None for fewer than three, or all at one x."""
    if len(points) < 3 or len({x for x, _ in points}) == 1:
        return None
    xs, ys = zip(*points, strict=True)
    return statistics.linear_regression(xs, ys).slope
