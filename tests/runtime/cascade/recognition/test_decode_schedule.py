"""Load makes steps longer and windows shorter; a fixed step is left alone."""

from __future__ import annotations

import pytest

from dragoman.runtime.cascade.recognition.decode_schedule import DecodeSchedule
from dragoman.runtime.hosts.load import RecognitionLag, RecognizerLoad


def settled(sessions: int, decode_ms: float, capacity: int = 2) -> tuple[float, int, int]:
    """The steady state: the share of the recogniser that step decodes take, the step, and the
    window where 12 s are possible.
    """
    load = RecognizerLoad(capacity)
    lags = [RecognitionLag() for _ in range(sessions)]
    schedules = [DecodeSchedule(None, load) for _ in lags]
    for lag in lags:
        load.speaking(lag)
    for _ in range(40):
        for schedule in schedules:
            schedule.decode_took(decode_ms / 1000)
    steps = sum(1 / schedule.step_ms for schedule in schedules)
    return steps * decode_ms / capacity, schedules[0].step_ms, schedules[0].window_ms(12_000)


def test_one_session_alone_has_the_shortest_step_and_the_whole_window() -> None:
    _, step_ms, window_ms = settled(1, 125)
    assert step_ms == DecodeSchedule.SHORTEST_MS
    assert window_ms == 12_000


@pytest.mark.parametrize("sessions", [1, 2])
def test_a_slow_model_has_longer_steps_without_load_and_the_whole_window(sessions: int) -> None:
    share, step_ms, window_ms = settled(sessions, 300)
    assert step_ms == 750
    assert share * 2 == pytest.approx(0.4 * sessions)
    assert window_ms == 12_000


def test_a_turn_begins_with_short_steps_as_its_windows_are_short() -> None:
    load = RecognizerLoad(2)
    load.decode_answered(300, 1)
    schedule = DecodeSchedule(None, load)
    assert schedule.step_ms == DecodeSchedule.SHORTEST_MS
    schedule.decode_took(0.08)
    assert schedule.step_ms == DecodeSchedule.SHORTEST_MS


def test_a_model_elsewhere_costs_no_core_here() -> None:
    load = RecognizerLoad(8)
    schedule = DecodeSchedule(None, load, cpu_share=lambda: 0.02)
    schedule.decode_took(0.3)
    assert schedule.step_ms == 360


def test_many_sessions_on_a_slow_model_have_shorter_windows() -> None:
    share, step_ms, window_ms = settled(4, 300)
    assert share <= 0.55
    assert step_ms == pytest.approx(1_200, abs=5)
    assert window_ms == pytest.approx(7_500, abs=50)


@pytest.mark.parametrize("sessions", [2, 4, 6, 8])
def test_sessions_share_half_of_the_recogniser_by_longer_steps(sessions: int) -> None:
    share, step_ms, window_ms = settled(sessions, 120)
    assert share <= 0.55
    if sessions > 4:
        assert step_ms > DecodeSchedule.SHORTEST_MS
        assert 6_000 <= window_ms < 12_000


def test_a_paused_turn_does_not_count_in_the_fair_step() -> None:
    load, lags = RecognizerLoad(1), [RecognitionLag() for _ in range(8)]
    for lag in lags:
        load.speaking(lag)
    schedule = DecodeSchedule(None, load)
    schedule.decode_took(0.1)
    busy = schedule.step_ms
    for lag in lags[1:]:
        load.paused(lag)
    assert schedule.step_ms < busy
    assert len(load.lags) == 8
    load.closed(lags[0])
    assert len(load.lags) == 7


def test_time_spent_sharing_the_recogniser_does_not_count_as_decode_time() -> None:
    load = RecognizerLoad(1)
    lag = RecognitionLag()
    load.speaking(lag)
    assert [load.decode_started() for _ in range(4)] == [1, 2, 3, 4]
    load.decode_answered(400, 4)
    assert load.fair_step_ms == pytest.approx(200)


def test_a_dropped_turn_does_not_count() -> None:
    load, lag = RecognizerLoad(), RecognitionLag()
    load.speaking(lag)
    load.decode_answered(100, 1)
    assert load.fair_step_ms > 0
    del lag
    assert load.fair_step_ms == 0
    assert load.lags == []


def test_load_does_not_change_a_fixed_step() -> None:
    load = RecognizerLoad()
    schedule = DecodeSchedule(500, load)
    schedule.decode_took(9.0)
    assert schedule.step_ms == 500
    assert schedule.window_ms(12_000) == 12_000
