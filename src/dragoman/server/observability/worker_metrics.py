"""The workers of the engines, and their circuits, as metrics.

Scope: what the hosts count themselves (``runtime.hosts.host.Vitals``) in Prometheus' form.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from dragoman.runtime.hosts.host import Vitals


class WorkerCollector(Collector):
    """Shows ``vitals`` (by engine), which whoever asks for the page has set."""

    def __init__(self) -> None:
        self.vitals: Mapping[str, Vitals] = {}

    def collect(self) -> Iterator[Metric]:
        """As in the base class."""
        workers = GaugeMetricFamily(
            "dragoman_workers", "Threads or processes that can take a call.", labels=["engine"]
        )
        crashes = CounterMetricFamily(
            "dragoman_worker_crashes", "Worker processes that ended unasked.", labels=["engine"]
        )
        restarts = CounterMetricFamily(
            "dragoman_worker_restarts", "Worker processes that replaced them.", labels=["engine"]
        )
        circuits = GaugeMetricFamily(
            "dragoman_engine_circuit_open",
            "1 while the engine is left alone because it failed, else 0.",
            labels=["engine"],
        )
        openings = CounterMetricFamily(
            "dragoman_engine_circuit_openings",
            "How many times that began, or went on after a probe.",
            labels=["engine"],
        )
        for engine, vitals in self.vitals.items():
            workers.add_metric([engine], vitals.workers)
            crashes.add_metric([engine], vitals.crashes)
            restarts.add_metric([engine], vitals.restarts)
            circuits.add_metric([engine], vitals.circuit != "closed")
            openings.add_metric([engine], vitals.openings)
        yield from (workers, crashes, restarts, circuits, openings)
