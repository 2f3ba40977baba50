"""The circuit breaker against a plain model of its promises, with a clock that is told."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dragoman.runtime.routing.circuit_breaker import (
    FAILURES_IN_A_ROW,
    FIRST_PAUSE_S,
    LONGEST_PAUSE_S,
    CircuitBreaker,
)


def failed(breaker: CircuitBreaker, now_s: float = 0.0) -> bool:
    return breaker.fail(breaker.begin(now_s), now_s)


def opened(now_s: float = 0.0) -> CircuitBreaker:
    breaker = CircuitBreaker()
    assert [failed(breaker, now_s) for _ in range(FAILURES_IN_A_ROW)][-1]
    return breaker


def test_failures_in_a_row_open_it_and_one_success_between_them_does_not() -> None:
    breaker = CircuitBreaker()
    for _ in range(FAILURES_IN_A_ROW):
        assert not failed(breaker)
        assert not breaker.succeed(breaker.begin(0.0))
        assert breaker.state(0.0) == "closed"
    assert opened().state(0.0) == "open"


def test_an_engine_that_fails_every_second_time_is_left_alone_in_the_end() -> None:
    breaker = CircuitBreaker()
    opens_after = 0
    while breaker.state(0.0) == "closed":
        opens_after += 2
        breaker.succeed(breaker.begin(0.0))
        failed(breaker)
    assert opens_after == 20


def test_the_one_probe_decides() -> None:
    breaker = opened()
    assert breaker.state(FIRST_PAUSE_S) == "half-open"
    probe = breaker.begin(FIRST_PAUSE_S)
    assert breaker.state(FIRST_PAUSE_S) == "open"
    assert breaker.fail(probe, FIRST_PAUSE_S)
    assert breaker.state(FIRST_PAUSE_S + 1.5 * FIRST_PAUSE_S) == "open"
    probe = breaker.begin(FIRST_PAUSE_S + 2 * FIRST_PAUSE_S)
    assert breaker.succeed(probe)
    assert breaker.state(FIRST_PAUSE_S + 2 * FIRST_PAUSE_S) == "closed"
    assert breaker.pause_s == FIRST_PAUSE_S


def test_a_probe_that_nobody_waits_for_lets_the_next_one_through() -> None:
    breaker = opened()
    breaker.leave(breaker.begin(FIRST_PAUSE_S))
    assert breaker.state(FIRST_PAUSE_S) == "half-open"


def test_a_call_through_the_open_circuit_closes_it_or_changes_nothing() -> None:
    breaker = opened()
    last_resort = breaker.begin(0.5)
    assert not breaker.fail(last_resort, FIRST_PAUSE_S)
    assert breaker.state(FIRST_PAUSE_S) == "half-open"
    assert breaker.succeed(breaker.begin(0.5))
    assert breaker.state(0.5) == "closed"


STEP = st.tuples(
    st.sampled_from(["begin", "succeed", "fail", "leave"]),
    st.integers(0, 5),  # which of the open calls
    st.floats(0, 3 * LONGEST_PAUSE_S, allow_nan=False),  # time that passes before
)


@given(st.lists(STEP, max_size=80))
def test_whatever_happens_probes_are_single_and_pauses_bounded(
    steps: list[tuple[str, int, float]],
) -> None:
    breaker, now_s, opened_s = CircuitBreaker(), 0.0, 0.0
    calls = []
    probe = None
    for what, which, passes_s in steps:
        now_s += passes_s
        before = breaker.state(now_s)
        if what == "begin":
            calls.append(breaker.begin(now_s))
            assert calls[-1].probes == (before == "half-open")
            probe = calls[-1] if calls[-1].probes else probe
        elif calls:
            call = calls.pop(which % len(calls))
            if what == "fail" and breaker.fail(call, now_s):
                assert before == "closed" or call is probe
                assert breaker.state(now_s) == "open"
                opened_s, probe = now_s, None
            elif what == "succeed" and breaker.succeed(call):
                assert before != "closed"
                probe = None
            elif what == "leave":
                breaker.leave(call)
            probe = None if call is probe else probe
        after = breaker.state(now_s)
        assert FIRST_PAUSE_S <= breaker.pause_s <= LONGEST_PAUSE_S
        if after == "half-open":
            assert probe is None
            assert now_s >= opened_s + breaker.pause_s
        if after == "open" and probe is None:
            assert now_s < opened_s + LONGEST_PAUSE_S


@given(st.lists(st.booleans(), max_size=60))
def test_it_opens_exactly_at_the_third_failure_in_a_row_or_at_ten_of_twenty(
    answers: list[bool],
) -> None:
    breaker = CircuitBreaker()
    for count in range(1, len(answers) + 1):
        fails = [not answer for answer in answers[:count]]
        passage = breaker.begin(0.0)
        opens = breaker.fail(passage, 0.0) if fails[-1] else breaker.succeed(passage)
        in_a_row = count >= FAILURES_IN_A_ROW and all(fails[-FAILURES_IN_A_ROW:])
        assert opens == (fails[-1] and (in_a_row or (count >= 20 and sum(fails[-20:]) >= 10)))
        if opens:
            return
