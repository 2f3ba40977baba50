"""A saved log: what belongs to what."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from bench.tests.interpret.sessions import ASR, ROWS, created, heard, log, row, said, voice
from dragoman.client.event_log import EventLog
from dragoman.client.events import Other, SpeechAudio, TranslatedText
from dragoman_bench.figures import BenchFailed
from dragoman_bench.interpret.log import read


def test_speech_that_had_been_sent_by_a_moment() -> None:
    found = log(until_ms=500)
    assert [found.sent_by(at) for at in (0, 104, 105, 350, 9999)] == [0, 0, 100, 300, 500]


def test_a_turn_has_its_texts_and_its_speech() -> None:
    found = log(*ROWS)
    (turn,) = found.turns
    assert (turn.start_ms, turn.end_ms) == (1000, 5000)
    assert turn.source_text == "one two, three four"
    assert turn.target_text == "uno dos, tres cuatro"
    assert [(p.arrived_ms, p.play_ms, p.end_ms) for p in turn.speech] == [
        (3700, 3700, 4500),
        (3710, 4500, 4700),
        (5300, 5300, 6300),
    ]
    assert found.finished_ms == 6100


def test_a_response_belongs_to_the_oldest_item_that_was_heard() -> None:
    found = log(
        row(1, "input_audio_buffer.speech_started", item_id="noise", audio_start_ms=0),
        heard(2, "Hello", item="a"),
        created(3, "r1"),
        heard(4, "Again", item="b"),
        created(5, "r2"),
        said(6, "Otra vez", response="r2"),
        said(7, "Hola", response="r1"),
        voice(8, 20, "r2"),
    )
    texts = [(turn.source_text, turn.target_text) for turn in found.turns]
    assert texts == [("", ""), ("Hello", "Hola"), ("Again", "Otra vez")]
    assert [len(turn.speech) for turn in found.turns] == [0, 0, 1]


def test_an_item_whose_transcript_is_empty_takes_no_response() -> None:
    """A noise opened it: servers complete it without text and open no response."""
    found = log(
        row(1, "input_audio_buffer.speech_started", item_id="noise", audio_start_ms=0),
        row(2, ASR + "completed", item_id="noise", text="", stash="", final=True),
        row(3, "input_audio_buffer.speech_started", item_id="a", audio_start_ms=900),
        heard(4, "", "Hel", item="a"),
        created(5, "r1"),
        said(6, "Hola"),
    )
    texts = [(turn.start_ms, turn.target_text) for turn in found.turns]
    assert texts == [(0, ""), (900, "Hola")]


def test_a_log_without_response_ids_is_sorted_by_items() -> None:
    rows = [heard(1, "Hello", item="a"), said(2, "Hola")]
    del rows[1]["response_id"]
    assert [turn.target_text for turn in log(*rows).turns] == ["Hola"]


def test_errors_are_kept() -> None:
    assert log(row(1, "error", error={"code": "invalid_value"})).problems == ["invalid_value"]


@pytest.mark.parametrize("text", ["{}", "no json", "[1]", '{"t": 1, "dir": "in"}'])
def test_another_file_is_refused_with_its_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "log"
    path.write_text('{"t": 1, "dir": "in", "type": "x"}\n' + text)
    with pytest.raises(BenchFailed, match="line 2"):
        read(path)


def test_what_the_client_writes_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    with EventLog(path) as writing:
        writing.sent("input_audio_buffer.append", bytes(3200))
        raw = {"type": "response.created", "response": {"id": "r9"}}
        writing.received(1.0, Other(type="response.created", raw=raw))
        raw = {"type": "response.text.done"}
        text = TranslatedText(response_id="r9", item_id="o9", text="Hola", final=True, raw=raw)
        writing.received(2.0, text)
        raw = {"type": "response.audio.delta", "response_id": "r9"}
        writing.received(3.0, SpeechAudio(data=bytes(4800), response_id="r9", raw=raw))
    rows = [msgspec.json.decode(line) for line in path.read_bytes().splitlines()]
    assert rows[2]["final"] is True
    found = read(path)
    (turn,) = found.turns
    assert (turn.target_text, turn.speech[0].length_ms) == ("Hola", 100.0)
    assert found.sent[-1][1] == 100.0
