"""Catching up: bounded and monotone decisions, and their effect on whole talks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.policy.speaking.catch_up import (
    BREAK_OFF_FACTOR,
    CatchUp,
    ListenerBuffer,
    SourceClock,
    SpeechPace,
    is_terse,
    wanted_rate,
)
from dragoman.server.observability.lag_stats import LagStats
from dragoman.speech import InterpretationOptions
from tests.policy.translation.talks import play, talk

backlogs = st.floats(0, 100)
option_sets = st.builds(
    InterpretationOptions,
    top_rate=st.floats(0.5, 2.0),
    skip_after_s=st.one_of(st.just(0.0), st.floats(0.5, 20.0)),
    policy=st.sampled_from(["auto", "turn"]),
)
pieces = st.lists(st.tuples(backlogs, st.booleans()), max_size=30)


# ---------------------------------------------------------------- the rate
@given(pieces, option_sets)
def test_rates_are_bounded_and_move_in_steps(
    course: list[tuple[float, bool]], options: InterpretationOptions
) -> None:
    catch_up, before = CatchUp(), 1.0
    for backlog_s, begins in course:
        style = catch_up.style(backlog_s, options, begins=begins)
        if style is None:
            continue
        assert 1.0 <= style.rate <= max(options.top_rate, 1.0) + 0.001
        assert style.pause in (0.0, 1.0)
        assert backlog_s == 0.0 or -0.102 <= style.rate - before <= 0.202
        assert backlog_s > 0.0 or style.rate == 1.0
        before = style.rate


@given(pieces, backlogs, backlogs, option_sets, st.booleans())
def test_more_backlog_never_means_slower_or_more_speech(
    course: list[tuple[float, bool]],
    one: float,
    other: float,
    options: InterpretationOptions,
    begins: bool,
) -> None:
    less_s, more_s = sorted((one, other))
    styles = []
    for backlog_s in (less_s, more_s):
        catch_up = CatchUp()
        for past_s, began in course:
            catch_up.style(past_s, options, begins=began)
        styles.append(catch_up.style(backlog_s, options, begins=begins))
    less, more = styles
    if less is None:
        assert more is None
    elif more is not None:
        assert less.rate <= more.rate
        assert less.pause >= more.pause


def test_the_documented_rate() -> None:
    assert wanted_rate(0.0, 1.3) == wanted_rate(0.5, 1.3) == 1.0
    assert wanted_rate(1.0, 1.3) == pytest.approx(1.15)
    assert wanted_rate(9.0, 1.3) == 1.3
    assert wanted_rate(9.0, 0.7) == 1.0  # never slower than the voice itself


def test_pauses_are_dropped_and_terse_wording_is_wanted_only_when_speech_is_late() -> None:
    def pause(backlog_s: float, options: InterpretationOptions) -> float | None:
        style = CatchUp().style(backlog_s, options, begins=True)
        return style.pause if style else None

    assert [pause(late_s, InterpretationOptions()) for late_s in (0.0, 1.0, 1.1, 5.0)] == [
        1.0,
        1.0,
        0.0,
        0.0,
    ]
    assert pause(5.0, InterpretationOptions(top_rate=1.0)) == 1.0
    assert [is_terse(late_s, InterpretationOptions()) for late_s in (0.0, 3.0, 3.1)] == [
        False,
        False,
        True,
    ]
    assert not is_terse(60.0, InterpretationOptions(top_rate=1.0, skip_after_s=0.0))


# ---------------------------------------------------------------- skipping
@given(pieces, option_sets)
def test_nothing_is_skipped_when_that_is_off_or_would_only_leave_a_gap(
    course: list[tuple[float, bool]], options: InterpretationOptions
) -> None:
    off, catch_up, idle = InterpretationOptions(skip_after_s=0.0), CatchUp(), CatchUp()
    for backlog_s, begins in course:
        assert catch_up.style(backlog_s, off, begins=begins) is not None
        assert idle.style(backlog_s, options, begins=begins, idle=True) is not None


@given(pieces, st.floats(0, 6.0))
def test_every_sentence_that_begins_within_the_limit_is_spoken(
    course: list[tuple[float, bool]], backlog_s: float
) -> None:
    catch_up = CatchUp()
    for past_s, began in course:
        catch_up.style(past_s, InterpretationOptions(), begins=began)
    assert catch_up.style(backlog_s, InterpretationOptions(), begins=True) is not None
    assert (
        catch_up.style(backlog_s, InterpretationOptions(), begins=False) is not None
    )  # and goes on


def test_a_skip_lasts_until_a_sentence_begins_in_time_or_the_buffer_runs_empty() -> None:
    def course(*steps: tuple[float, bool]) -> list[bool]:
        catch_up = CatchUp()
        return [catch_up.style(b, InterpretationOptions(), begins=s) is not None for b, s in steps]

    assert course((6.1, True), (3.0, False), (2.0, True)) == [False, False, True]
    assert course((6.1, True), (6.5, True), (5.9, True)) == [False, False, True]
    assert course((6.1, True), (0.4, False)) == [False, True]
    assert course((5.0, True), (6.0 * BREAK_OFF_FACTOR, False)) == [True, True]  # spoken on
    assert course((5.0, True), (6.0 * BREAK_OFF_FACTOR + 0.1, False)) == [True, False]  # broken off


def test_a_long_sentence_that_plays_is_no_backlog_where_sentences_are_spoken_whole() -> None:
    def speaks(backlog_s: float, options: InterpretationOptions) -> bool:
        return CatchUp().style(backlog_s, options, begins=True, playing_s=14.0) is not None

    assert speaks(13.0, InterpretationOptions(policy="turn"))
    assert not speaks(15.0, InterpretationOptions(policy="turn"))
    assert not speaks(13.0, InterpretationOptions())


# ---------------------------------------------------------------- whole talks
@pytest.mark.parametrize("load", [0.9, 1.0, 1.1, 1.25, 1.4])
def test_interpreted_talks_do_not_fall_behind(load: float) -> None:
    """The promises of docs/interpretation.md, for each of three talks of 30 minutes."""
    for seed in range(3):
        clauses = talk(load, seed)
        kept = play(clauses, InterpretationOptions())
        assert abs(kept.lags.drift) < 0.2
        assert kept.lags.quantile(0.95) <= (8.0 if load > 1.25 else 7.5)
        assert kept.most_s < 12.0
        assert kept.skipped <= max(0.02, load / 1.2 - 0.95)
        never = play(clauses, InterpretationOptions(skip_after_s=0.0))
        assert never.skipped == 0.0
        assert never.lags.count == len(clauses)


def test_without_catching_up_the_lag_grows_without_limit() -> None:
    nothing = play(talk(1.1, 1), InterpretationOptions(top_rate=1.0, skip_after_s=0.0))
    assert nothing.lags.drift > 5.0
    assert nothing.most_s > 120.0


# ---------------------------------------------------------------- what is measured
def test_playback_is_that_of_a_listener_in_real_time() -> None:
    playback = ListenerBuffer()
    assert playback.queued_s(5.0) == 0.0
    assert playback.begin(10.0) == 10.0
    playback.add(2.0, 10.0)
    playback.add(1.0, 10.1)
    assert playback.begin(11.0) == playback.ends_s == 13.0
    playback.add(1.5, 11.0)
    assert playback.queued_s(12.0) == 2.5
    assert playback.longest_s(12.0) == 3.0
    assert playback.longest_s(13.5) == 1.5
    assert playback.longest_s(14.5) == 0.0
    assert playback.begin(20.0) == 20.0


def test_the_clock_of_the_source_is_the_later_of_two() -> None:
    live = SourceClock()
    assert [live.at_s(t, t - 100) for t in (100.0, 103.0, 110.0)] == [100.0, 103.0, 110.0]
    pushed = SourceClock()
    assert pushed.at_s(100.0, 0.0) == 100.0
    assert pushed.at_s(101.0, 30.0) == 130.0  # 30 s of audio in a second
    assert pushed.at_s(110.0, 30.0) == 130.0
    assert pushed.at_s(140.0, 30.0) == 140.0  # a pause: the present has caught up
    assert pushed.at_s(141.0, 31.0) == 141.0


def test_a_pace_is_learned_from_the_voice_that_speaks() -> None:
    pace = SpeechPace()
    text = "a sentence of usual length, more or less"
    before_s = pace.expected_s(text, "es", "Cherry", spaced=True)
    for _ in range(30):
        pace.measure(text, 5.0)
    assert pace.expected_s(text, "es", "Cherry", spaced=True) == pytest.approx(5.0, rel=0.05)
    assert pace.expected_s(text, "es", "Ethan", spaced=True) == before_s
    assert pace.expected_s("你好世界", "zh", "Cherry", spaced=False) == pytest.approx(0.76)
    pace.measure("...", 1.0)  # nothing to learn from
    assert pace.expected_s("...", "zh", "Cherry", spaced=False) == 0.0


# ---------------------------------------------------------------- lags in constant memory
@given(st.lists(st.floats(0, 90), min_size=1, max_size=200))
def test_quantiles_are_right_to_a_step(values: list[float]) -> None:
    lags = LagStats()
    for at_s, value in enumerate(values):
        lags.add(value, 7000.0 + at_s)
    ranked = sorted(min(value, 60.0) for value in values)
    for share in (0.5, 0.95):
        exact = ranked[max(0, -(-int(share * 1000) * len(ranked) // 1000) - 1)]
        assert lags.quantile(share) == pytest.approx(exact, abs=0.051)


def test_drift_is_the_slope_in_seconds_per_minute() -> None:
    lags = LagStats()
    assert lags.drift == lags.quantile(0.5) == 0.0
    for at_s in range(1_000_000, 1_007_200, 3):
        lags.add(1.0 + (at_s - 1_000_000) / 60 * 0.25 + (at_s % 2) * 0.5, float(at_s))
    assert lags.drift == pytest.approx(0.25, abs=0.001)
