"""Reading ``GET /metrics``: histograms of the Prometheus text format, and their quantiles.

Law of this file: pure; text in, numbers out. A histogram counts since the server started, so
what happened in between is the difference of two readings.
"""

from __future__ import annotations

import math
import re

Buckets = tuple[tuple[float, float], ...]
"""Upper bound and cumulative count, ascending; the last bound is infinity."""

_SAMPLE = re.compile(r"^(?P<name>[A-Za-z_:][\w:]*)(?:\{(?P<labels>.*)\})? (?P<value>\S+)")
_LE = re.compile(r'(?:^|,)le="([^"]+)"')


def histogram(page: str, name: str) -> Buckets:
    """The buckets of the histogram ``name``, summed over its other labels; empty if unknown."""
    counts: dict[float, float] = {}
    for line in page.splitlines():
        sample = _SAMPLE.match(line)
        if sample is None or sample["name"] != f"{name}_bucket":
            continue
        bound = _LE.search(sample["labels"] or "")
        if bound is not None:
            le = float(bound[1])
            counts[le] = counts.get(le, 0.0) + float(sample["value"])
    return tuple(sorted(counts.items()))


def total(page: str, name: str) -> float:
    """The sample ``name`` (of a histogram: ``NAME_sum``, ``NAME_count``), summed over its labels;
    0 where there is none.
    """
    samples = (_SAMPLE.match(line) for line in page.splitlines())
    return sum(float(one["value"]) for one in samples if one is not None and one["name"] == name)


def since(before: Buckets, after: Buckets) -> Buckets:
    """What was counted between two readings of one histogram."""
    earlier = dict(before)
    return tuple((bound, count - earlier.get(bound, 0.0)) for bound, count in after)


def quantile(buckets: Buckets, share: float) -> float | None:
    """The value below which ``share`` (0..1) of the observations lie, linear inside a bucket.

    As Prometheus' ``histogram_quantile``: beyond the last finite bound, that bound. None where
    nothing was observed.
    """
    if not buckets or buckets[-1][1] <= 0:
        return None
    rank = share * buckets[-1][1]
    lower, counted = 0.0, 0.0
    for bound, count in buckets:
        if count >= rank and count > counted:
            if math.isinf(bound):
                return lower
            return lower + (bound - lower) * (rank - counted) / (count - counted)
        lower, counted = (lower if math.isinf(bound) else bound), count
    return lower
