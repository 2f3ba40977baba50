"""Percentiles, slopes and aims, against values computed by hand."""

from __future__ import annotations

import pytest

from dragoman_bench.figures import Figure, mean, median, quantile, ratio, slope, spread


@pytest.mark.parametrize(
    ("share", "expected"), [(0.0, 10.0), (0.5, 25.0), (0.95, 38.5), (0.99, 39.7), (1.0, 40.0)]
)
def test_percentiles_are_linear_between_neighbours(share: float, expected: float) -> None:
    # Positions 0..3: 0.95 * 3 = 2.85, so 30 + 0.85 * 10.
    assert quantile([40, 10, 30, 20], share) == pytest.approx(expected)


def test_one_value_is_every_quantile() -> None:
    assert quantile([7.0], 0.0) == quantile([7.0], 0.99) == 7.0


def test_missing_values_are_left_out() -> None:
    assert quantile([None, 1.0, 3.0], 0.5) == median([3.0, None, 1.0]) == 2.0
    assert mean([None, 1.0, 3.0]) == 2.0
    assert quantile([], 0.5) is median([None]) is mean([]) is None
    assert spread([]) is None


def test_a_spread_names_its_size_and_its_worst() -> None:
    found = spread([float(value) for value in range(101)])
    assert found is not None
    assert (found.n, found.p50, found.p95, found.p99, found.most) == (101, 50, 95, 99, 100)


def test_a_slope_is_least_squares() -> None:
    assert slope([(0, 1), (1, 3), (2, 5)]) == pytest.approx(2.0)
    # Means 1.5 and 2: (-1.5*2 + -0.5*-1 + 0.5*1 + 1.5*-2) / (2.25 + 0.25 + 0.25 + 2.25).
    assert slope([(0, 4), (1, 1), (2, 3), (3, 0)]) == pytest.approx(-1.0)


def test_a_slope_needs_three_points_and_a_width() -> None:
    assert slope([(0, 1), (1, 3)]) is None
    assert slope([(1, 1), (1, 2), (1, 3)]) is None


def test_a_ratio_of_nothing_is_nothing() -> None:
    assert ratio(3.0, 2.0) == 1.5
    assert ratio(None, 2.0) is None
    assert ratio(1.0, 0.0) is None


@pytest.mark.parametrize(
    ("value", "aim", "met"),
    [(2.5, 2.5, True), (2.51, 2.5, False), (None, 2.5, None), (1, None, None)],
)
def test_an_aim_is_an_upper_bound(value: float | None, aim: float | None, met: bool | None) -> None:
    assert Figure(part="p", name="n", value=value, aim=aim).met is met


@pytest.mark.parametrize(("value", "met"), [(0.85, True), (0.84, False), (None, None)])
def test_some_aims_are_lower_bounds(value: float | None, met: bool | None) -> None:
    assert Figure(part="p", name="n", value=value, aim=0.85, at_least=True).met is met
