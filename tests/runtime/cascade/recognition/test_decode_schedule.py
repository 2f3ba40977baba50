"""Load makes steps longer and windows shorter; a fixed step is left alone."""

from __future__ import annotations

import pytest

from dragoman.runtime.cascade.recognition.decode_schedule import (
    DecodeSchedule,
    RecognitionLag,
    RecognizerLoad,
)


def settled(sessions: int, decode_ms: float, capacity: int = 2) -> tuple[float, int, int]:
    """What is so when this has gone on for a while: the share of the recogniser that step decodes
    take, the step, and the window where 12 s are possible.
    """
    load = RecognizerLoad(capacity)
    lags = [RecognitionLag() for _ in range(sessions)]
    cadences = [DecodeSchedule(None, load) for _ in lags]
    for lag in lags:
        load.speaks(lag)
    for _ in range(40):
        for cadence in cadences:
            cadence.took(decode_ms / 1000)
    steps = sum(1 / cadence.step_ms for cadence in cadences)
    return steps * decode_ms / capacity, cadences[0].step_ms, cadences[0].window_ms(12_000)


def test_one_session_alone_has_the_shortest_step_and_the_whole_window() -> None:
    _, step_ms, window_ms = settled(1, 150)
    assert step_ms == DecodeSchedule.SHORTEST_MS
    assert window_ms == 12_000


@pytest.mark.parametrize("sessions", [2, 4, 6, 8])
def test_sessions_share_half_of_the_recogniser_by_longer_steps(sessions: int) -> None:
    share, step_ms, window_ms = settled(sessions, 120)
    assert share <= 0.55
    if sessions > 4:
        assert step_ms > DecodeSchedule.SHORTEST_MS
        assert 6_000 <= window_ms < 12_000


def test_who_pauses_leaves_the_recogniser_to_the_others() -> None:
    load, lags = RecognizerLoad(1), [RecognitionLag() for _ in range(8)]
    for lag in lags:
        load.speaks(lag)
    cadence = DecodeSchedule(None, load)
    cadence.took(0.1)
    busy = cadence.step_ms
    for lag in lags[1:]:
        load.pauses(lag)
    assert cadence.step_ms < busy
    assert len(load.lags) == 8
    load.ended(lags[0])
    assert len(load.lags) == 7


def test_a_decode_that_shared_the_recogniser_is_not_blamed_for_the_queue() -> None:
    load = RecognizerLoad(1)
    lag = RecognitionLag()
    load.speaks(lag)
    assert [load.began() for _ in range(4)] == [1, 2, 3, 4]
    load.answered(400, 4)
    assert load.fair_step_ms == pytest.approx(200)


def test_a_turn_that_is_forgotten_counts_no_more() -> None:
    load, lag = RecognizerLoad(), RecognitionLag()
    load.speaks(lag)
    load.answered(100, 1)
    assert load.fair_step_ms > 0
    del lag
    assert load.fair_step_ms == 0
    assert load.lags == []


def test_a_fixed_step_knows_no_load() -> None:
    load = RecognizerLoad()
    cadence = DecodeSchedule(500, load)
    cadence.took(9.0)
    assert cadence.step_ms == 500
    assert cadence.window_ms(12_000) == 12_000
