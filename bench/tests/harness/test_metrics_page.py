"""Histograms out of a metrics page, and their quantiles by hand."""

from __future__ import annotations

import math

import pytest
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from dragoman_bench.harness.metrics_page import histogram, quantile, since, total

PAGE = """\
# HELP lag_seconds How late.
# TYPE lag_seconds histogram
lag_seconds_bucket{le="0.001"} 90.0
lag_seconds_bucket{le="0.01"} 98.0
lag_seconds_bucket{le="0.1"} 100.0
lag_seconds_bucket{le="+Inf"} 100.0
lag_seconds_count 100.0
lag_seconds_sum 0.5
other_bucket{le="1.0"} 3.0
"""


def test_the_buckets_of_one_histogram() -> None:
    assert histogram(PAGE, "lag_seconds") == (
        (0.001, 90),
        (0.01, 98),
        (0.1, 100),
        (math.inf, 100),
    )
    assert histogram(PAGE, "lag") == ()


def test_other_labels_are_summed() -> None:
    registry = CollectorRegistry()
    made = Histogram("first_seconds", "x", ["api"], buckets=(1, 2), registry=registry)
    for api, value in (("a", 0.5), ("a", 1.5), ("b", 0.5), ("b", 9)):
        made.labels(api).observe(value)
    page = generate_latest(registry).decode()
    assert histogram(page, "first_seconds") == ((1.0, 2), (2.0, 3), (math.inf, 4))


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (0.45, 0.0005),  # half of the first bucket
        (0.94, 0.001 + 0.009 * 4 / 8),
        (0.99, 0.01 + 0.09 * 1 / 2),
        (1.0, 0.1),
    ],
)
def test_quantiles_are_linear_inside_a_bucket(share: float, expected: float) -> None:
    assert quantile(histogram(PAGE, "lag_seconds"), share) == pytest.approx(expected)


def test_beyond_the_last_bound_is_the_last_bound() -> None:
    assert quantile(((0.1, 1.0), (math.inf, 10.0)), 0.9) == 0.1


def test_nothing_observed_has_no_quantile() -> None:
    assert quantile((), 0.5) is None
    assert quantile(((0.1, 0.0), (math.inf, 0.0)), 0.5) is None


def test_what_was_counted_in_between() -> None:
    before = ((0.1, 5.0), (math.inf, 6.0))
    after = ((0.1, 5.0), (math.inf, 10.0))
    assert since(before, after) == ((0.1, 0.0), (math.inf, 4.0))
    assert since((), after) == after


def test_total_over_labels() -> None:
    page = 'x_total{a="1"} 2\nx_total{a="2"} 3.5\nx_total_more 9\n# x_total 4\n'
    assert total(page, "x_total") == 5.5
    assert total(page, "y") == 0.0
