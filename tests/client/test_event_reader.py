"""Both dialects read the same: snapshots, whatever the wire sends."""

from __future__ import annotations

from typing import Any

import pytest

from dragoman.client.event_reader import SessionReading, read_speech
from dragoman.client.events import (
    Audio,
    Cleared,
    Committed,
    Event,
    Other,
    Problem,
    SessionChanged,
    SessionFinished,
    SourceText,
    SpeechStarted,
    SpeechStopped,
    TargetText,
    TurnDone,
    Usage,
)
from tests.client.fake_server import ASR

PLACE = {"response_id": "r1", "item_id": "t1"}


def heard(text: str, stash: str = "", *, final: bool = False) -> tuple[str, str, bool]:
    return (text, stash, final)


def texts(events: list[Event], kind: type[SourceText] | type[TargetText]) -> list[Any]:
    return [(e.text, e.stash, e.final) for e in events if isinstance(e, kind)]


def read(*raws: dict[str, Any]) -> list[Event]:
    reading = SessionReading()
    return [event for raw in raws for event in reading.feed(raw)]


def test_snapshots_replace() -> None:
    events = read(
        {"type": f"{ASR}text", "item_id": "s1", "text": "", "stash": "It"},
        {"type": f"{ASR}text", "item_id": "s1", "text": "It was", "stash": " the west"},
        {"type": f"{ASR}text", "item_id": "s1", "text": "It was the best", "stash": ""},
        {"type": f"{ASR}completed", "item_id": "s1", "transcript": "It was the best."},
    )
    assert texts(events, SourceText) == [
        heard("", "It"),
        heard("It was", " the west"),
        heard("It was the best"),
        heard("It was the best.", final=True),
    ]


def test_pieces_add_up_per_item() -> None:
    events = read(
        {"type": f"{ASR}delta", "item_id": "s1", "delta": "It"},
        {"type": f"{ASR}delta", "item_id": "s2", "delta": "Other"},
        {"type": f"{ASR}delta", "item_id": "s1", "delta": " was"},
        {"type": f"{ASR}completed", "item_id": "s1", "transcript": "It was."},
        {"type": f"{ASR}delta", "item_id": "s1", "delta": "new"},
    )
    assert [(e.item_id, e.text) for e in events if isinstance(e, SourceText)] == [
        ("s1", "It"),
        ("s2", "Other"),
        ("s1", "It was"),
        ("s1", "It was."),
        ("s1", "new"),
    ]


@pytest.mark.parametrize("kind", ["response.audio_transcript", "response.text"])
def test_the_translation_reads_alike_in_both_dialects_and_modes(kind: str) -> None:
    done_key = "transcript" if "audio" in kind else "text"
    done = {"type": f"{kind}.done", **PLACE, done_key: "Era él."}
    flat = read({"type": f"{kind}.text", **PLACE, "text": "Era", "stash": " el"}, done)
    nested = read({"type": f"{kind}.delta", **PLACE, "delta": "Era"}, done)
    assert texts(flat, TargetText) == [heard("Era", " el"), heard("Era él.", final=True)]
    assert texts(nested, TargetText) == [heard("Era"), heard("Era él.", final=True)]


def test_an_empty_end_keeps_what_was_certain_and_drops_what_was_not() -> None:
    events = read(
        {"type": f"{ASR}text", "item_id": "s1", "text": "It was", "stash": " the"},
        {"type": f"{ASR}completed", "item_id": "s1", "transcript": ""},
        {"type": f"{ASR}text", "item_id": "s2", "text": "", "stash": "noise"},
        {"type": f"{ASR}completed", "item_id": "s2", "transcript": ""},
    )
    finals = [e for e in texts(events, SourceText) if e[2]]
    assert finals == [heard("It was", final=True), heard("", final=True)]


def test_a_response_without_its_done_is_closed_with_the_text_of_its_output() -> None:
    item = {"id": "t1", "content": [{"type": "audio", "transcript": "Era el mejor."}]}
    events = read(
        {"type": "response.audio_transcript.delta", **PLACE, "delta": "Era el"},
        {"type": "response.done", "response": {"id": "r1", "status": "failed", "output": [item]}},
    )
    assert texts(events, TargetText)[-1] == heard("Era el mejor.", final=True)
    assert isinstance(events[-1], TurnDone)
    assert events[-1].status == "failed"


def test_usage_comes_with_the_end_of_the_turn() -> None:
    usage = {"total_tokens": 56, "input_tokens": 47, "output_tokens": 9, "characters": 3}
    (done,) = read({"type": "response.done", "response": {"id": "r1", "usage": usage}})
    assert isinstance(done, TurnDone)
    assert done.usage == Usage(total_tokens=56, input_tokens=47, output_tokens=9, characters=3)
    (bare,) = read({"type": "response.done", "response": {"id": "r1", "status": "completed"}})
    assert isinstance(bare, TurnDone)
    assert bare.usage is None


def test_a_failed_transcription_ends_the_item_and_is_no_end_of_the_session() -> None:
    error = {"type": "transcription_error", "code": "X", "message": "no", "param": None}
    events = read(
        {"type": f"{ASR}text", "item_id": "s1", "text": "It", "stash": ""},
        {"type": f"{ASR}failed", "item_id": "s1", "error": error},
    )
    assert texts(events, SourceText)[-1] == heard("It", final=True)
    problem = events[-1]
    assert isinstance(problem, Problem)
    assert (problem.code, problem.param, problem.fatal) == ("X", "", False)


def test_only_other_errors_than_invalid_requests_are_fatal() -> None:
    for type_, fatal in (("invalid_request_error", False), ("server_error", True)):
        error = {"type": type_, "code": "c", "message": "m", "param": "session.voice"}
        (problem,) = read({"type": "error", "error": error})
        assert isinstance(problem, Problem)
        assert problem.fatal is fatal
        assert str(problem.as_error()) == "m (session.voice)"


def test_every_other_event_has_its_type_and_keeps_its_raw_form() -> None:
    raws = [
        ({"type": "session.created", "session": {"id": "s"}}, SessionChanged),
        ({"type": "session.finished"}, SessionFinished),
        ({"type": "input_audio_buffer.committed"}, Committed),
        ({"type": "input_audio_buffer.cleared"}, Cleared),
        ({"type": "input_audio_buffer.speech_started", "audio_start_ms": 5}, SpeechStarted),
        ({"type": "input_audio_buffer.speech_stopped", "audio_end_ms": 5}, SpeechStopped),
        ({"type": "response.audio.delta", "response_id": "r", "delta": "AAA="}, Audio),
        ({"type": "response.created"}, Other),
        ({"type": f"{ASR}new_kind", "item_id": "s"}, Other),
    ]
    for raw, kind in raws:
        (event,) = read(raw)
        assert type(event) is kind
        assert event.raw is raw


@pytest.mark.parametrize(
    "raw",
    [
        {"type": f"{ASR}text", "item_id": 7, "text": None, "stash": ["x"]},
        {"type": "response.audio.delta", "delta": "!!!"},
        {"type": "response.done", "response": "no"},
        {"type": "response.done", "response": {"id": "r", "output": [1, {"id": 2}], "usage": 3}},
        {"type": "error", "error": "text"},
        {"type": "error"},
    ],
)
def test_odd_fields_never_break_the_reader(raw: dict[str, Any]) -> None:
    assert read({"type": "response.text.delta", "response_id": "r", "item_id": "i"}, raw)
    assert read_speech(raw)


def test_items_that_never_end_are_forgotten_in_time() -> None:
    reading = SessionReading()
    for number in range(1000):
        reading.feed({"type": f"{ASR}delta", "item_id": f"s{number}", "delta": "x"})
        reading.feed({"type": "response.text.delta", "item_id": f"t{number}", "delta": "x"})
    assert len(reading._heard) <= 64
    assert len(reading._said) <= 64
