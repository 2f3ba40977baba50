"""Metrics of several processes added up are those that one process would have had."""

from __future__ import annotations

import re

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from dragoman.server.workers.metrics_sum import counted, families_of, page_of, total


class Process:
    """The metrics of a process that did some work."""

    def __init__(self, *waits_s: float, lag_s: float = 0.0) -> None:
        self.registry = CollectorRegistry()
        done = Counter("jobs", "Jobs done.", ["kind"], registry=self.registry)
        waiting = Gauge("waiting", "Jobs that wait.", registry=self.registry)
        lag = Gauge("dragoman_loop_lag_last_seconds", "Lag.", registry=self.registry)
        waited = Histogram("wait_seconds", "Waits.", buckets=(1, 5), registry=self.registry)
        for wait_s in waits_s:
            done.labels("short" if wait_s < 1 else "long").inc()
            waiting.inc()
            waited.observe(wait_s)
        lag.set(lag_s)

    def families(self):
        return families_of(self.registry)


def lines(page: bytes) -> list[str]:
    """What matters of a page: no comments, and no times of beginning."""
    found = (line for line in page.decode().splitlines() if not line.startswith("#"))
    return sorted(line for line in found if not re.match(r"\w+_created", line))


def test_one_process_is_its_own_sum() -> None:
    process = Process(0.5, 2.0, lag_s=0.3)
    assert page_of(total([process.families()])) == generate_latest(process.registry)


def test_counters_histograms_and_gauges_are_added_and_lags_compared() -> None:
    parts = Process(0.5, 2.0, lag_s=0.3), Process(0.1, 9.0, 3.0, lag_s=0.2), Process()
    together = Process(0.5, 2.0, 0.1, 9.0, 3.0, lag_s=0.3)
    page = page_of(total([part.families() for part in parts]))
    assert lines(page) == lines(generate_latest(together.registry))


def test_what_was_counted_stays_when_a_process_has_ended() -> None:
    alive, ended = Process(0.5), Process(2.0, 0.1)
    page = page_of(total([alive.families(), counted(ended.families())]))
    assert 'jobs_total{kind="short"} 2.0' in lines(page)
    assert "wait_seconds_count 3.0" in lines(page)
    assert "waiting 1.0" in lines(page)
