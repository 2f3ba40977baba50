"""The metrics of several processes as those of one server.

Scope: arithmetic on values that can be sent to another process. Counters and histograms are added.
Gauges are added, too, except those in ``LARGEST`` and ``SMALLEST``. What a process counted stays in
the sum when it has ended, or Prometheus would take the sum for one that began again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec
from prometheus_client import generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

LARGEST = frozenset(
    {
        "dragoman_engine_circuit_open",
        "dragoman_engine_concurrency",
        "dragoman_hearing_lag_seconds",
        "dragoman_loop_lag_last_seconds",
        "dragoman_shedding",
        "dragoman_speakers",
        "dragoman_speakers_capacity",
    }
)
SMALLEST = frozenset({"dragoman_ready", "process_max_fds", "process_start_time_seconds"})
_BEGINNING = "_created"


class Family(msgspec.Struct, array_like=True):
    """A metric and its samples: the name of each, its labels, its value."""

    name: str
    documentation: str
    kind: str
    samples: list[tuple[str, dict[str, str], float]]


def families_of(collector: Collector) -> list[Family]:
    """The metrics of this process."""
    return [
        Family(
            metric.name,
            metric.documentation,
            metric.type,
            [(sample.name, dict(sample.labels), float(sample.value)) for sample in metric.samples],
        )
        for metric in collector.collect()
    ]


def counted(families: Iterable[Family]) -> list[Family]:
    """What stays when the process has ended: no gauges."""
    return [family for family in families if family.kind != "gauge"]


def total(reports: Iterable[Sequence[Family]]) -> list[Family]:
    """The sum of the metrics of several processes."""
    sums: dict[str, tuple[Family, dict[tuple[str, tuple[tuple[str, str], ...]], float]]] = {}
    for family in (family for report in reports for family in report):
        empty = Family(family.name, family.documentation, family.kind, [])
        _, values = sums.setdefault(family.name, (empty, {}))
        for name, labels, value in family.samples:
            key = name, tuple(labels.items())
            values[key] = _joined(name, values[key], value) if key in values else value
    for family, values in sums.values():
        family.samples = [(name, dict(labels), value) for (name, labels), value in values.items()]
    return [family for family, _ in sums.values()]


def _joined(name: str, one: float, other: float) -> float:
    if name in LARGEST:
        return max(one, other)
    if name in SMALLEST or name.endswith(_BEGINNING):
        return min(one, other)
    return one + other


class _Families(Collector):
    def __init__(self, families: Iterable[Family]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        for family in self._families:
            metric = Metric(family.name, family.documentation, family.kind)
            for name, labels, value in family.samples:
                metric.add_sample(name, labels, value)
            yield metric


def page_of(families: Iterable[Family]) -> bytes:
    """The exposition text."""
    return generate_latest(_Families(families))
