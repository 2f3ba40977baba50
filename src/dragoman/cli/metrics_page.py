"""Figures out of ``/metrics``: sums, rates and quantiles between two readings.

Scope: arithmetic on a page of metrics; no network and no screen. Rates and quantiles are those of
the time between an older page and this one; without an older page they are those since the start.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping

from prometheus_client.parser import text_string_to_metric_families


class MetricsPage:
    """One reading of the metrics, ``at_s`` by any steady clock, of a server that has lived for
    ``lived_s``.
    """

    def __init__(self, text: str, at_s: float, lived_s: float) -> None:
        self._at_s, self._lived_s = at_s, lived_s
        self._before: MetricsPage | None = None
        self._samples: dict[str, list[tuple[Mapping[str, str], float]]] = defaultdict(list)
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                self._samples[sample.name].append((sample.labels, sample.value))

    def since(self, before: MetricsPage) -> MetricsPage:
        """The page compared with an older one."""
        page = MetricsPage("", self._at_s, self._lived_s)
        page._samples, page._before = self._samples, before
        return page

    def has(self, name: str) -> bool:
        """Whether there is such a metric."""
        return name in self._samples

    def total(self, name: str, **labels: str) -> float:
        """The sum of all samples with these labels; 0 where there is none."""
        return sum(value for _, value in self._matching(name, labels))

    def by(self, name: str, label: str) -> dict[str, float]:
        """The sums for each value of a label."""
        sums: dict[str, float] = defaultdict(float)
        for labels, value in self._matching(name, {}):
            sums[labels.get(label, "")] += value
        return dict(sorted(sums.items()))

    def rate(self, name: str, **labels: str) -> float:
        """How much a counter grows in a second."""
        before, grown, span_s = self._before, self.total(name, **labels), self._lived_s
        if before is not None:
            grown -= before.total(name, **labels)
            span_s = self._at_s - before._at_s
        return max(0.0, grown) / span_s if span_s > 0 else 0.0

    def quantile(self, share: float, name: str, **labels: str) -> float | None:
        """The value of a histogram that this share (0..1) of all does not exceed, interpolated as
        Prometheus does; None where nothing was observed.
        """
        buckets = self._buckets(name, labels)
        total = buckets.get(math.inf, 0.0)
        if total <= 0:  # none, or the server started again
            return None
        wanted, below, floor = share * total, 0.0, 0.0
        for edge in sorted(buckets):
            if buckets[edge] >= wanted and buckets[edge] > below:
                if edge == math.inf:
                    return floor
                return floor + (edge - floor) * (wanted - below) / (buckets[edge] - below)
            below, floor = buckets[edge], edge
        return floor

    def _buckets(self, name: str, labels: Mapping[str, str]) -> dict[float, float]:
        buckets: dict[float, float] = defaultdict(float)
        for found, value in self._matching(f"{name}_bucket", labels):
            buckets[float(found["le"])] += value
        if self._before is not None:
            for edge, count in self._before._buckets(name, labels).items():
                buckets[edge] -= count
        return buckets

    def _matching(
        self, name: str, wanted: Mapping[str, str]
    ) -> Iterator[tuple[Mapping[str, str], float]]:
        for labels, value in self._samples.get(name, ()):
            if wanted.items() <= labels.items():
                yield labels, value
