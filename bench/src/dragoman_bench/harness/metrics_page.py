"""Histograms and totals of a Prometheus metrics page.

Scope: pure; the page's text in, numbers out. A histogram counts since the server started, so what
happened in between is the difference of two readings.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample as PageSample

Buckets = tuple[tuple[float, float], ...]
"""Upper bound and cumulative count, ascending; the last bound is infinity."""


def _samples(page: str, name: str) -> Iterator[PageSample]:
    for family in text_string_to_metric_families(page):
        yield from (sample for sample in family.samples if sample.name == name)


def histogram(page: str, name: str) -> Buckets:
    """The buckets of the histogram ``name``, summed over its other labels; empty if unknown."""
    counts: defaultdict[float, float] = defaultdict(float)
    for sample in _samples(page, f"{name}_bucket"):
        counts[float(sample.labels["le"])] += sample.value
    return tuple(sorted(counts.items()))


def total(page: str, name: str) -> float:
    """The sample ``name`` (of a histogram: ``NAME_sum``, ``NAME_count``), summed over its labels;
    0 where there is none.
    """
    return float(sum(sample.value for sample in _samples(page, name)))


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
    bounds = np.array([0.0, *(bound for bound, _ in buckets[:-1])])
    counts, first = np.unique([0.0, *(count for _, count in buckets[:-1])], return_index=True)
    return float(np.interp(share * buckets[-1][1], counts, bounds[first], right=bounds[-1]))
