"""What an adapter costs beside the bare library: the same work done by both, in turns.

Scope: taking times and making figures of them; what the work is, is the caller's. Each round does
one piece of work with both, right after one another and every other time in the other order, so
that a busy machine is busy for both. What counts is the median of the rounds' ratios.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from statistics import median

import msgspec

from dragoman_bench.figures import Figure, Row, lines

AIM = 1.05
_WARM = 2

Work = Callable[[], Iterable[object]]
"""Does it, and yields what comes of it, piece by piece."""


class Times(msgspec.Struct, frozen=True):
    """Of one piece of work, in ms: until all was there, until the first piece was, and the CPU that
    this process used.
    """

    whole_ms: float
    first_ms: float
    cpu_ms: float


class PairedTimes(msgspec.Struct, frozen=True):
    """The rounds of one adapter."""

    bare: list[Times]
    ours: list[Times]

    def ratio(self, pick: Callable[[Times], float]) -> float:
        """The median over rounds of ours by bare."""
        pairs = zip(self.ours, self.bare, strict=True)
        return median(pick(ours) / pick(bare) for ours, bare in pairs)


def taken(work: Work) -> Times:
    """Do it once."""
    began_s, cpu_s, first_s = time.perf_counter(), time.process_time(), None
    for _ in work():
        first_s = first_s or time.perf_counter()
    end_s = time.perf_counter()
    cpu_ms = (time.process_time() - cpu_s) * 1000
    return Times((end_s - began_s) * 1000, ((first_s or end_s) - began_s) * 1000, cpu_ms)


def compare(pairs: Sequence[tuple[Work, Work]], rounds: int) -> PairedTimes:
    """``rounds`` rounds over pieces of work, each as the bare library and our engine do it."""
    found = PairedTimes([], [])
    for number in range(-_WARM, rounds):
        for bare, ours in pairs:
            if number % 2:
                ours_took, bare_took = taken(ours), taken(bare)
            else:
                bare_took, ours_took = taken(bare), taken(ours)
            if number >= 0:
                found.bare.append(bare_took)
                found.ours.append(ours_took)
    return found


def figures(part: str, found: PairedTimes, more: Sequence[Row] = ()) -> list[Figure]:
    """The lines of one adapter."""
    bare, ours = (median(one.whole_ms for one in side) for side in (found.bare, found.ours))
    rows: list[Row] = [
        ("bare", bare, "ms", None),
        ("engine", ours, "ms", None),
        ("ratio to bare", found.ratio(lambda one: one.whole_ms), "x", AIM),
        ("ratio to bare, first piece", found.ratio(lambda one: one.first_ms), "x", None),
        ("ratio to bare, CPU here", found.ratio(lambda one: one.cpu_ms), "x", None),
        ("CPU here, above bare", _above(found), "ms", None),
        *more,
    ]
    return lines(part, rows)


def _above(found: PairedTimes) -> float:
    pairs = zip(found.ours, found.bare, strict=True)
    return median(ours.cpu_ms - bare.cpu_ms for ours, bare in pairs)
