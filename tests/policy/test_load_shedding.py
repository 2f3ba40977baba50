"""What is shed, in which order."""

from __future__ import annotations

import itertools

import pytest

from dragoman.policy.load_shedding import LEVELS, MOST_BUSY, MOST_LAG_S, level_for


def test_drafts_go_before_steps_and_both_before_sessions() -> None:
    assert LEVELS[0].draft_every_s == LEVELS[0].step_ms == 0
    for milder, harder in itertools.pairwise(LEVELS):
        assert harder.draft_every_s >= milder.draft_every_s
        assert harder.step_ms >= milder.step_ms
        assert harder.busy_from > milder.busy_from
    first_with_steps = next(level for level in LEVELS if level.step_ms)
    assert first_with_steps.draft_every_s == float("inf")
    assert LEVELS[-1].busy_from < MOST_BUSY


@pytest.mark.parametrize(("busy", "level"), [(0.0, 0), (0.49, 0), (0.5, 1), (0.7, 2), (3.0, 3)])
def test_the_level_follows_the_load(busy: float, level: int) -> None:
    assert level_for(busy, 0.0, 0) == level


def test_a_level_ends_below_where_it_began() -> None:
    assert level_for(0.45, 0.0, 1) == 1
    assert level_for(0.45, 0.0, 0) == 0
    assert level_for(0.39, 0.0, 1) == 0
    assert level_for(0.45, 0.0, 3) == 1


def test_lag_sheds_everything_whatever_the_figures_say() -> None:
    assert level_for(0.1, MOST_LAG_S, 0) == LEVELS[-1].level
