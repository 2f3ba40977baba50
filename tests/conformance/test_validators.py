"""Both strict clients accept the good logs, and each rule rejects a log that breaks it."""

from __future__ import annotations

import base64
import copy
from collections.abc import Callable
from typing import Any

import pytest

from dragoman.testing.validators.interpretation import validate_interpretation
from dragoman.testing.validators.rules import Event, Log, Violation
from dragoman.testing.validators.synthesis import validate_synthesis
from tests.conformance.good_logs import (
    ASR,
    HEADS,
    MODEL_A,
    MODEL_B,
    TTS_MODEL,
    b64,
    interpretation,
    synthesis,
)

Change = Callable[[Log], None]


def place(log: Log, kind: str, nth: int = 0) -> int:
    """Index of the nth event of this type."""
    return [number for number, (_, event) in enumerate(log) if event["type"] == kind][nth]


def put(kind: str, path: str, value: Any, nth: int = 0) -> Change:
    """Set a field."""

    def change(log: Log) -> None:
        target: Any = log[place(log, kind, nth)][1]
        *way, last = path.split(".")
        for key in way:
            target = target[int(key)] if key.isdigit() else target[key]
        target[last] = value

    return change


def drop(kind: str, nth: int = 0) -> Change:
    """Remove an event."""
    return lambda log: log.__delitem__(place(log, kind, nth))


def without(kind: str, key: str) -> Change:
    """Remove a field at the top of an event."""

    def change(log: Log) -> None:
        del log[place(log, kind)][1][key]

    return change


def twice(kind: str) -> Change:
    """Repeat an event under a new id."""

    def change(log: Log) -> None:
        at = place(log, kind)
        direction, event = log[at]
        log.insert(at + 1, (direction, event | {"event_id": "event_again"}))

    return change


def swap(first: str, second: str) -> Change:
    """Exchange two events."""

    def change(log: Log) -> None:
        a, b = place(log, first), place(log, second)
        log[a], log[b] = log[b], log[a]

    return change


def later(kind: str) -> Change:
    """Repeat a text behind its closing event."""

    def change(log: Log) -> None:
        late = log[place(log, kind)][1] | {"event_id": "event_late"}
        log.insert(place(log, "response.audio.done"), ("<", late))

    return change


def add(kind: str, before: str, **fields: Any) -> Change:
    """Insert a server event."""

    def change(log: Log) -> None:
        event: Event = {"event_id": "event_new", "type": kind} | fields
        log.insert(place(log, before), ("<", event))

    return change


def encoded(raw: bytes) -> str:
    """A delta."""
    return base64.b64encode(raw).decode()


def error(kind: str = "invalid_request_error", **fields: Any) -> Event:
    """The body of an error event."""
    return {"type": kind, "code": "invalid_value", "message": "No.", "param": ""} | fields


DELTA, DONE, FINISHED = "response.audio.delta", "response.done", "session.finished"
BROKEN_SYNTHESIS: list[tuple[str, Change, str]] = [
    ("no created", drop("session.created"), "before session.created"),
    ("created twice", twice("session.created"), "came twice"),
    ("no id", put("session.created", "session.id", ""), "session.id"),
    ("model", put("session.created", "session.model", "other"), "session.model"),
    ("event id twice", put("session.updated", "event_id", "event_1"), "came before"),
    ("no event id", without("session.updated", "event_id"), "event_id"),
    ("top-level code", put(FINISHED, "code", "x"), "top of an event"),
    ("unknown type", put("input_text_buffer.cleared", "type", "session.heartbeat"), "not know"),
    ("update unasked", twice("session.updated"), "nobody asked"),
    ("other session", put("session.updated", "session.id", "sess_2"), "'id'"),
    ("voice echo", put("session.updated", "session.voice", "Cherry"), "'voice'"),
    ("rate echo", put("session.updated", "session.sample_rate", 16000), "'sample_rate'"),
    ("language echo", put("session.updated", "session.language_type", "x"), "language_type"),
    ("committed unasked", twice("input_text_buffer.committed"), "without a commit"),
    ("cleared unasked", twice("input_text_buffer.cleared"), "without a clear"),
    ("no committed", drop("input_text_buffer.committed"), "needs a commit"),
    ("response in response", twice("response.created"), "inside another"),
    ("response id twice", put("response.created", "response.id", "resp_1", 1), "came before"),
    ("response voice", put("response.created", "response.voice", "Cherry"), "response.voice"),
    ("order", swap("response.audio.done", "response.content_part.done"), "belongs"),
    ("no item", drop("response.output_item.added"), "belongs"),
    ("response id", put(DELTA, "response_id", "resp_9"), "response_id"),
    ("item id", put(DELTA, "item_id", "item_9"), "item_id"),
    ("content index", put(DELTA, "content_index", 1), "content_index"),
    ("bool is no int", put("session.created", "session.sample_rate", True), "wrong type"),
    ("empty delta", put(DELTA, "delta", ""), "empty"),
    ("not base64", put(DELTA, "delta", "a*=="), "not valid base64"),
    ("not canonical", put(DELTA, "delta", "AQAB" * 9 + "AB=="), "canonical"),
    ("odd", put(DELTA, "delta", b64(12_002)), "multiple of 6"),
    ("too long", put(DELTA, "delta", b64(48_006)), "audio delta of"),
    ("frame", put(DELTA, "extra", "x" * 128_000), "a frame of"),
    ("status", put(DONE, "response.status", "cancelled"), "unknown status"),
    ("failed", put(DONE, "response.status", "failed"), "ended as"),
    ("item status", put("response.output_item.done", "item.status", "incomplete"), "its response"),
    ("format", put("session.updated", "session.response_format", "wav"), "'response_format'"),
    ("no usage", put(DONE, "response.usage", None), "'usage' is missing"),
    ("usage text", put(DONE, "response.usage.input_tokens", "8"), "wrong type"),
    ("usage sum", put(DONE, "response.usage.total_tokens", 99), "total is not"),
    ("usage parts", put(DONE, "response.usage.input_tokens_details", {"a": 7}), "not add up"),
    ("tokens", put(DELTA, "delta", b64(48_000)), "audio tokens"),
    ("no audio", lambda log: [drop(DELTA)(log) for _ in range(2)] and None, "without audio"),
    ("output", put(DONE, "response.output", []), "exactly one"),
    ("content", put(DONE, "response.output.0.content", [{"type": "text"}]), "not audio"),
    ("no finished", drop(FINISHED), "not answered"),
    ("finished early", lambda log: log.insert(place(log, DELTA), log.pop()), "nobody asked"),
    ("finished open", drop(DONE, 1), "while open"),
    ("after finished", lambda log: log.append(("<", {"event_id": "e", "type": FINISHED})), "after"),
    ("error", add("error", FINISHED, error=error()), "an error: No."),
    ("error type", add("error", FINISHED, error=error("oops")), "unknown error type"),
    ("error culprit", add("error", FINISHED, error=error(event_id="nobody")), "never sent"),
    ("after death", add("error", FINISHED, error=error("server_error")), ""),
]

A_ONLY: list[tuple[str, Change, str]] = [
    ("format", put("session.updated", "session.output_audio_format", "pcm16"), "output_audio"),
    ("modalities", put("session.updated", "session.modalities", ["audio"]), "modalities"),
    ("taken back", put("response.audio_transcript.text", "text", "Tus", 0), "taken back"),
    ("source taken back", put(ASR + "text", "text", "Your", 0), "taken back"),
    ("no stash", without(ASR + "text", "stash"), "stash"),
    ("emotion", put(ASR + "text", "emotion", "bored"), "emotion"),
    ("text after done", later("response.audio_transcript.text"), "it follows"),
    ("delta in A", put(ASR + "text", "type", ASR + "delta"), "not know"),
]
B_ONLY: list[tuple[str, Change, str]] = [
    ("text after done", later("response.audio_transcript.delta"), "it follows"),
    ("snapshot in B", put(ASR + "delta", "type", ASR + "text"), "not know"),
    ("empty delta", put(ASR + "delta", "delta", ""), "empty delta"),
    ("empty target delta", put("response.audio_transcript.delta", "delta", ""), "empty delta"),
    ("concatenation", put("response.audio_transcript.delta", "delta", "Tus"), "deltas gave"),
    ("speaker", without("input_audio_buffer.speech_started", "speaker_id"), "speaker_id"),
    ("rate", put("session.updated", "session.audio.output.format.sample_rate", 16000), "rate"),
    ("link", drop("conversation.item.created", 1), "was not created"),
]
STARTED, STOPPED = "input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped"
BROKEN_BOTH: list[tuple[str, Change, str]] = [
    ("model", put("session.created", "session.model", "other"), "session.model"),
    ("no updated", drop("session.updated"), "second frame"),
    ("other session", put("session.updated", "session.id", "sess_2"), "session.id"),
    ("update unasked", twice("session.updated"), "nobody asked"),
    ("language", put("session.updated", "session.translation", {}), "translation.language"),
    ("turn in turn", twice(STARTED), "inside another"),
    ("turn back", put(STARTED, "audio_start_ms", 12_999, 1), "before the last one ended"),
    ("turn 30 s", put(STOPPED, "audio_end_ms", 41_001), "a turn of"),
    ("stopped other", put(STOPPED, "item_id", "item_9"), "item_id"),
    ("committed in VAD", add("input_audio_buffer.committed", STOPPED, item_id="i"), "server VAD"),
    ("cleared unasked", add("input_audio_buffer.cleared", STOPPED), "without a clear"),
    ("first item", put("conversation.item.created", "previous_item_id", "item_0"), "nothing"),
    ("chain", put("conversation.item.created", "previous_item_id", "item_1s", 2), "previous_item"),
    ("translation link", put("conversation.item.created", "previous_item_id", "x", 1), "previous"),
    ("item twice", put("conversation.item.created", "item.id", "item_1s", 2), "came before"),
    ("source unknown", put(ASR + "completed", "item_id", "item_9"), "unknown item"),
    ("source twice", twice(ASR + "completed"), "after the item was closed"),
    ("source open", drop(ASR + "completed"), "was not closed"),
    ("source failed", put(ASR + "completed", "type", ASR + "failed"), "error"),
    ("response in response", twice("response.created"), "inside another"),
    ("response id", put("response.created", "response.id", ""), "empty"),
    ("response id long", put("response.created", "response.id", "r" * 129), "too long"),
    ("item order", swap("response.output_item.added", "response.content_part.added"), ""),
    ("text done missing", drop("response.audio_transcript.done"), "it follows"),
    ("audio done missing", drop("response.audio.done"), "it follows"),
    ("delta id", put(DELTA, "response_id", "resp_9"), "response_id"),
    ("delta item", put(DELTA, "item_id", "item_9"), "item_id"),
    ("empty audio", put(DELTA, "delta", ""), "empty"),
    ("odd audio", put(DELTA, "delta", "AQAB"), "multiple of 2"),
    ("part text", put("response.content_part.done", "part.text", "Otros."), "the text was"),
    ("item text", put("response.output_item.done", "item.content.0.text", "x"), "the text was"),
    ("output text", put(DONE, "response.output.0.content.0.transcript", "x"), "the text was"),
    ("incomplete", put(DONE, "response.status", "incomplete"), "ended as"),
    ("usage float", put(DONE, "response.usage.input_tokens", 8.0), "wrong type"),
    ("usage audio", put(DELTA, "delta", b64(24_000)), "audio tokens"),
    ("text event in audio", add("response.text.done", "response.audio_transcript.done",
     response_id="resp_1", item_id="item_1t", output_index=0, content_index=0, text=""),
     "not an event of a response"),
    ("no finished", drop(FINISHED), "not answered"),
    ("finished in response", drop(DONE, 1), "while open"),
    ("finished in turn", drop(STOPPED, 1), "while open"),
]  # fmt: skip


def test_good_synthesis():
    found = validate_synthesis(synthesis(), model=TTS_MODEL)
    assert found.responses == [("resp_1", "completed", 24_000), ("resp_2", "completed", 24_000)]


@pytest.mark.parametrize(("change", "words"), [c[1:] for c in BROKEN_SYNTHESIS],
                         ids=[c[0] for c in BROKEN_SYNTHESIS])  # fmt: skip
def test_broken_synthesis(change: Change, words: str):
    log = copy.deepcopy(synthesis())
    change(log)
    with pytest.raises(Violation) as caught:
        validate_synthesis(log, model=TTS_MODEL)
    assert words in str(caught.value)


@pytest.mark.parametrize(("form", "size"), [("wav", 24_044), ("mp3", 671), ("opus", 671)])
def test_good_formats(form: str, size: int):
    found = validate_synthesis(synthesis(form), model=TTS_MODEL)
    assert [total for *_, total in found.responses] == [size, size]


BROKEN_FORMATS: list[tuple[str, str, Change, str]] = [
    ("wav padding", "wav", put(DELTA, "delta", encoded(HEADS["wav"] + b"\1\0")), "multiple of 6"),
    ("wav half a sample", "wav", put(DELTA, "delta", encoded(b"\0" * 11), 1), "multiple of 2"),
    ("wav head", "wav", put(DELTA, "delta", encoded(bytes(12))), "not begin as wav"),
    ("wav two files", "wav", put(DELTA, "delta", encoded(HEADS["wav"]), 1), "second stream"),
    ("wav tokens", "wav", put(DELTA, "delta", encoded(bytes(48_000)), 1), "audio tokens"),
    ("mp3 padding", "mp3", put(DELTA, "delta", encoded(HEADS["mp3"])), "multiple of 3"),
    ("mp3 head", "mp3", put(DELTA, "delta", encoded(bytes(12))), "not begin as mp3"),
    ("opus padding", "opus", put(DELTA, "delta", encoded(HEADS["opus"])), "multiple of 3"),
    ("opus head", "opus", put(DELTA, "delta", encoded(b"OggS" + bytes(80))), "not begin as opus"),
    ("opus two", "opus", put(DELTA, "delta", encoded(HEADS["opus"]), 1), "second stream"),
]


@pytest.mark.parametrize(("form", "change", "words"), [c[1:] for c in BROKEN_FORMATS],
                         ids=[c[0] for c in BROKEN_FORMATS])  # fmt: skip
def test_broken_formats(form: str, change: Change, words: str):
    log = synthesis(form)
    change(log)
    with pytest.raises(Violation) as caught:
        validate_synthesis(log, model=TTS_MODEL)
    assert words in str(caught.value)


def failed() -> Log:
    """The first response of a good log fails in the middle of its speech."""
    log = synthesis()
    put("response.output_item.done", "item.status", "failed")(log)
    put(DONE, "response.status", "failed")(log)
    put(DONE, "response.output.0.status", "failed")(log)
    return log


def test_a_failed_response():
    with pytest.raises(Violation, match="ended as 'failed'"):
        validate_synthesis(failed(), model=TTS_MODEL)
    found = validate_synthesis(failed(), model=TTS_MODEL, failures=True)
    assert [status for _, status, _ in found.responses] == ["failed", "completed"]


def test_a_refused_response():
    """An error inside of it says why; without a sound, as nothing could be spoken."""
    log = failed()
    add("error", "response.audio.done", error=error())(log)
    for _ in range(2):
        drop(DELTA)(log)
    with pytest.raises(Violation, match="an error: No"):
        validate_synthesis(log, model=TTS_MODEL, failures=True)
    found = validate_synthesis(log, model=TTS_MODEL, errors=True)
    assert found.responses[0][1:] == ("failed", 0)
    assert len(found.errors) == 1


@pytest.mark.parametrize("model", [MODEL_A, MODEL_B])
@pytest.mark.parametrize("audio", [True, False])
@pytest.mark.parametrize("manual", [True, False])
def test_good_translation(model: str, audio: bool, manual: bool):
    found = validate_interpretation(interpretation(model, audio=audio, manual=manual), model=model)
    assert found.transcripts == ["My fellow Americans."] * 2
    assert found.translations == ["Mis compatriotas."] * 2
    assert found.audio_bytes == (48_000 if audio else 0)


CASES = [
    *((f"A {n}", MODEL_A, c, w) for n, c, w in A_ONLY + BROKEN_BOTH),
    *((f"B {n}", MODEL_B, c, w) for n, c, w in B_ONLY + BROKEN_BOTH),
]


@pytest.mark.parametrize(("model", "change", "words"), [c[1:] for c in CASES],
                         ids=[c[0] for c in CASES])  # fmt: skip
def test_broken_translation(model: str, change: Change, words: str):
    log = copy.deepcopy(interpretation(model))
    change(log)
    with pytest.raises(Violation) as caught:
        validate_interpretation(log, model=model)
    assert words in str(caught.value)


def test_source_text_that_was_switched_off():
    log = interpretation(MODEL_A)
    log[1][1]["session"]["input_audio_transcription"] = {"model": None}
    with pytest.raises(Violation, match="switched off"):
        validate_interpretation(log, model=MODEL_A)


def test_audio_in_a_text_response():
    log = interpretation(MODEL_A, audio=False)
    add(DELTA, "response.text.done", response_id="resp_1", item_id="item_1t", output_index=0,
        content_index=0, delta=b64(600))(log)  # fmt: skip
    with pytest.raises(Violation, match="not an event of a response"):
        validate_interpretation(log, model=MODEL_A)


def test_errors_can_be_allowed():
    log = synthesis()
    add("error", FINISHED, error=error(event_id="client_2"))(log)
    assert len(validate_synthesis(log, model=TTS_MODEL, errors=True).errors) == 1
