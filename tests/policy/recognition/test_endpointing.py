"""From probabilities to turns, in media time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dragoman.policy.pauses import SOFT_PAUSE_MS
from dragoman.policy.recognition.endpointing import (
    Endpointer,
    EndpointEvent,
    EndpointKind,
)
from dragoman.speech import Endpointing

FRAME_MS = 32


def run(endpointer: Endpointer, *stretches: tuple[float, int]) -> list[EndpointEvent]:
    events = []
    for probability, frames in stretches:
        events += [event for _ in range(frames) if (event := endpointer.feed(probability))]
    return events


def test_a_turn_opens_with_padding_pauses_resumes_and_closes() -> None:
    endpointer = Endpointer(Endpointing(silence_ms=1000, prefix_ms=300), FRAME_MS)
    events = run(endpointer, (0.0, 20), (0.9, 30), (0.1, 15), (0.9, 10), (0.1, 40))
    assert [event.kind for event in events] == [
        EndpointKind.ONSET, EndpointKind.PAUSE, EndpointKind.RESUME, EndpointKind.PAUSE,
        EndpointKind.OFFSET,
    ]  # fmt: skip
    assert events[0].at_ms == 20 * FRAME_MS - 300
    assert events[1].at_ms == 50 * FRAME_MS
    assert events[2].at_ms == 65 * FRAME_MS
    assert events[4].at_ms == 75 * FRAME_MS


def test_a_click_opens_no_turn() -> None:
    assert run(Endpointer(Endpointing(), FRAME_MS), (0.0, 5), (1.0, 2), (0.0, 50)) == []


def test_hysteresis_keeps_a_breath_inside_the_word() -> None:
    endpointer = Endpointer(Endpointing(threshold=0.5), FRAME_MS)
    assert [event.kind for event in run(endpointer, (0.9, 5), (0.4, 200))] == [EndpointKind.ONSET]


def test_the_threshold_is_the_sessions() -> None:
    assert run(Endpointer(Endpointing(threshold=0.9), FRAME_MS), (0.8, 50)) == []
    assert (
        run(Endpointer(Endpointing(threshold=0.1), FRAME_MS), (0.2, 50))[0].kind
        is EndpointKind.ONSET
    )


def test_in_manual_mode_only_pauses_are_reported() -> None:
    endpointer = Endpointer(None, FRAME_MS)
    kinds = [event.kind for event in run(endpointer, (0.9, 20), (0.0, 400), (0.9, 20))]
    assert kinds == [EndpointKind.ONSET, EndpointKind.PAUSE, EndpointKind.RESUME]


def test_a_closed_turn_opens_again_by_itself_when_speech_goes_on() -> None:
    endpointer = Endpointer(Endpointing(), FRAME_MS)
    run(endpointer, (0.9, 20))
    endpointer.reset()
    assert [event.kind for event in run(endpointer, (0.9, 3))] == [EndpointKind.ONSET]


@given(st.lists(st.floats(0, 1), max_size=400), st.integers(200, 6000))
def test_changes_come_in_legal_order_and_time_never_runs_back(
    probabilities: list[float], silence_ms: int
) -> None:
    endpointer = Endpointer(Endpointing(silence_ms=silence_ms), FRAME_MS)
    legal = {
        None: {EndpointKind.ONSET},
        EndpointKind.ONSET: {EndpointKind.PAUSE, EndpointKind.OFFSET},
        EndpointKind.PAUSE: {EndpointKind.RESUME, EndpointKind.OFFSET},
        EndpointKind.RESUME: {EndpointKind.PAUSE, EndpointKind.OFFSET},
        EndpointKind.OFFSET: {EndpointKind.ONSET},
    }
    before: EndpointKind | None = None
    for number, probability in enumerate(probabilities, 1):
        event = endpointer.feed(probability)
        if event is not None:
            assert event.kind in legal[before]
            assert 0 <= event.at_ms <= number * FRAME_MS
            if event.kind is EndpointKind.PAUSE:
                assert number * FRAME_MS - event.at_ms >= SOFT_PAUSE_MS
            before = event.kind
