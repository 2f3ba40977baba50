"""All generations read alike, as snapshots, and odd events do no harm."""

from __future__ import annotations

from typing import Any

import pytest

from dragoman.client.event_reader import EventReader
from dragoman.client.events import (
    Cleared,
    Committed,
    Event,
    Other,
    Problem,
    ResponseFinished,
    SessionChanged,
    SessionEnded,
    SourceSpeechStarted,
    SourceSpeechStopped,
    SourceText,
    SpeechAudio,
    TokenUsage,
    TranslatedText,
)
from tests.client.fake_server import ASR, usage

PLACE = {"response_id": "r1", "item_id": "t1"}


def state(text: str, stash: str = "", *, final: bool = False) -> tuple[str, str, bool]:
    return (text, stash, final)


def texts(events: list[Event], kind: type[SourceText] | type[TranslatedText]) -> list[Any]:
    return [(e.text, e.stash, e.final) for e in events if isinstance(e, kind)]


def read(*raws: dict[str, Any]) -> list[Event]:
    reader = EventReader()
    return [event for raw in raws for event in reader.feed(raw)]


def test_snapshots_replace() -> None:
    events = read(
        {"type": f"{ASR}text", "item_id": "s1", "text": "", "stash": "It"},
        {"type": f"{ASR}text", "item_id": "s1", "text": "It was", "stash": " the west"},
        {"type": f"{ASR}text", "item_id": "s1", "text": "It was the best", "stash": ""},
        {"type": f"{ASR}completed", "item_id": "s1", "transcript": "It was the best."},
    )
    assert texts(events, SourceText) == [
        state("", "It"),
        state("It was", " the west"),
        state("It was the best"),
        state("It was the best.", final=True),
    ]


def test_deltas_add_up_per_item() -> None:
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
def test_translations_read_alike_as_snapshots_and_deltas_with_and_without_audio(kind: str) -> None:
    done_key = "transcript" if "audio" in kind else "text"
    done = {"type": f"{kind}.done", **PLACE, done_key: "Era él."}
    flat = read({"type": f"{kind}.text", **PLACE, "text": "Era", "stash": " el"}, done)
    nested = read({"type": f"{kind}.delta", **PLACE, "delta": "Era"}, done)
    assert texts(flat, TranslatedText) == [
        state("Era", " el"),
        state("Era él.", final=True),
    ]
    assert texts(nested, TranslatedText) == [state("Era"), state("Era él.", final=True)]


def test_an_empty_final_text_keeps_the_committed_text_and_drops_the_stash() -> None:
    events = read(
        {"type": f"{ASR}text", "item_id": "s1", "text": "It was", "stash": " the"},
        {"type": f"{ASR}completed", "item_id": "s1", "transcript": ""},
        {"type": f"{ASR}text", "item_id": "s2", "text": "", "stash": "noise"},
        {"type": f"{ASR}completed", "item_id": "s2", "transcript": ""},
    )
    finals = [e for e in texts(events, SourceText) if e[2]]
    assert finals == [state("It was", final=True), state("", final=True)]


def test_a_response_without_a_final_text_event_ends_with_the_text_of_its_output() -> None:
    item = {
        "id": "t1",
        "status": "incomplete",
        "content": [{"type": "audio", "transcript": "Era el mejor."}],
    }
    events = read(
        {"type": "response.audio_transcript.delta", **PLACE, "delta": "Era el"},
        {"type": "response.done", "response": {"id": "r1", "status": "failed", "output": [item]}},
    )
    assert texts(events, TranslatedText)[-1] == state("Era el mejor.", final=True)
    assert isinstance(events[-1], ResponseFinished)
    assert events[-1].status == "failed"


def test_usage_comes_with_the_end_of_the_response() -> None:
    response = {"id": "r1", "status": "completed", "usage": usage(56, 47, 9) | {"characters": 3}}
    (done,) = read({"type": "response.done", "response": response})
    assert isinstance(done, ResponseFinished)
    assert done.usage == TokenUsage(total_tokens=56, input_tokens=47, output_tokens=9, characters=3)
    (bare,) = read({"type": "response.done", "response": {"id": "r1", "status": "completed"}})
    assert isinstance(bare, ResponseFinished)
    assert bare.usage is None


def test_a_failed_transcription_ends_the_item_and_not_the_session() -> None:
    error = {"type": "transcription_error", "code": "X", "message": "no", "param": None}
    events = read(
        {"type": f"{ASR}text", "item_id": "s1", "text": "It", "stash": ""},
        {"type": f"{ASR}failed", "item_id": "s1", "error": error},
    )
    assert texts(events, SourceText)[-1] == state("It", final=True)
    problem = events[-1]
    assert isinstance(problem, Problem)
    assert (problem.code, problem.param, problem.fatal) == ("X", "", False)


def test_all_errors_but_invalid_requests_are_fatal() -> None:
    for type_, fatal in (("invalid_request_error", False), ("server_error", True)):
        error = {"type": type_, "code": "c", "message": "m", "param": "session.voice"}
        (problem,) = read({"type": "error", "error": error})
        assert isinstance(problem, Problem)
        assert problem.fatal is fatal
        assert str(problem.as_error()) == "m (session.voice)"


def test_every_event_has_its_type_and_keeps_its_json() -> None:
    raws = [
        ({"type": "session.created", "session": {"id": "s"}}, SessionChanged),
        ({"type": "session.finished"}, SessionEnded),
        ({"type": "input_audio_buffer.committed"}, Committed),
        ({"type": "input_audio_buffer.cleared"}, Cleared),
        ({"type": "input_audio_buffer.speech_started", "audio_start_ms": 5}, SourceSpeechStarted),
        ({"type": "input_audio_buffer.speech_stopped", "audio_end_ms": 5}, SourceSpeechStopped),
        ({"type": "response.audio.delta", "response_id": "r", "delta": "AAA="}, SpeechAudio),
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
        {"type": "session.created", "session": 7},
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


def test_open_items_are_bounded() -> None:
    reader = EventReader()
    for number in range(1000):
        reader.feed({"type": f"{ASR}delta", "item_id": f"s{number}", "delta": "x"})
        reader.feed({"type": "response.text.delta", "item_id": f"t{number}", "delta": "x"})
    (kept,) = reader.feed({"type": f"{ASR}delta", "item_id": "s999", "delta": "y"})
    (forgotten,) = reader.feed({"type": f"{ASR}delta", "item_id": "s0", "delta": "y"})
    assert texts([kept, forgotten], SourceText) == [state("xy"), state("y")]
