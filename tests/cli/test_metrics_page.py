"""Figures out of pages of metrics."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from dragoman.cli.metrics_page import MetricsPage


class Server:
    """Two metrics, and pages of them."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.seen = Counter("seen", "-", ["kind"], registry=self._registry)
        self.took = Histogram("took_seconds", "-", buckets=(1, 2, 4), registry=self._registry)

    def page(self, at_s: float) -> MetricsPage:
        return MetricsPage(generate_latest(self._registry).decode(), at_s, lived_s=20.0)


def test_sums_by_labels() -> None:
    server = Server()
    server.seen.labels("b").inc(3)
    server.seen.labels("a").inc(2)
    page = server.page(0.0)
    assert page.total("seen_total") == 5
    assert page.total("seen_total", kind="a") == 2
    assert page.total("never_total") == 0
    assert page.by("seen_total", "kind") == {"a": 2, "b": 3}
    assert page.has("seen_total")
    assert not page.has("never_total")


def test_rates_and_quantiles_are_of_the_time_between_two_pages() -> None:
    server = Server()
    server.seen.labels("a").inc(100)
    server.took.observe(0.5)
    before = server.page(10.0)
    assert before.rate("seen_total") == 5.0
    server.seen.labels("a").inc(10)
    server.took.observe(3.0)
    page = server.page(15.0).since(before)
    assert page.rate("seen_total") == 2.0
    assert page.quantile(0.5, "took_seconds") == pytest.approx(3.0)


def test_a_server_that_started_again_has_no_negative_rate() -> None:
    server = Server()
    server.seen.labels("a").inc(100)
    server.took.observe(0.5)
    page = Server().page(15.0).since(server.page(10.0))
    assert page.rate("seen_total") == 0.0
    assert page.quantile(0.5, "took_seconds") is None


@pytest.mark.parametrize(
    ("observed", "share", "value"),
    [
        ([], 0.5, None),
        ([0.5] * 10, 0.5, 0.5),
        ([0.5, 1.5], 1.0, 2.0),
        ([9.0], 0.5, 4.0),  # beyond the last edge: as far as is known
        ([0.5] * 9 + [3.0], 0.95, 3.0),
    ],
)
def test_quantiles_as_prometheus_interpolates_them(
    observed: list[float], share: float, value: Any
) -> None:
    server = Server()
    for one in observed:
        server.took.observe(one)
    found = server.page(0.0).quantile(share, "took_seconds")
    assert found == (value if value is None else pytest.approx(value))
