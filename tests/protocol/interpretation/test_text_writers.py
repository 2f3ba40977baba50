"""The same stream of text, written in two ways."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.protocol.core.append_only import AppendOnlyText, Rewritten
from dragoman.protocol.core.events import Ids
from dragoman.protocol.interpretation.text_writers import Deltas, Snapshots, TurnIds

IDS = TurnIds("item_s", "resp_r", "item_t")


def deltas(*, spoken=True):
    ids = Ids("0123456789abcde")
    return Deltas(IDS, spoken, lambda: ids.new("salt"))


def full(*, spoken=True):
    return Snapshots(IDS, spoken, str)


def fields(event):
    return None if event is None else msgspec.to_builtins(event)


def test_snapshots_replace_and_are_not_repeated():
    writer = full()
    assert fields(writer.recognised("", " Go", "en"))["stash"] == " Go"
    assert writer.recognised("", " Go", "en") is None
    shown = fields(writer.recognised("Good", " day", "en"))
    assert (shown["text"], shown["stash"], shown["language"]) == ("Good", " day", "en")
    assert fields(writer.recognised("Good", "", None))["stash"] == ""
    assert "language" not in fields(writer.recognised("Good day", "", None))
    assert fields(writer.completed("en"))["transcript"] == "Good day"


def test_nothing_at_all_is_no_snapshot():
    writer = full()
    assert writer.recognised("", "", "en") is None
    assert writer.translated("", "") is None


@pytest.mark.parametrize("spoken", [True, False])
def test_target_events_by_modality(spoken):
    name = "audio_transcript" if spoken else "text"
    snapshot = fields(full(spoken=spoken).translated("Hola", " a"))
    assert snapshot["type"] == f"response.{name}.text"
    assert (snapshot["response_id"], snapshot["item_id"]) == ("resp_r", "item_t")
    delta = fields(deltas(spoken=spoken).translated("Hola", " a"))
    assert delta["type"] == f"response.{name}.delta"
    assert delta["delta"] == "Hola"
    assert "stash" not in delta


def test_deltas_never_show_the_stash_and_never_come_empty():
    writer = deltas()
    assert writer.recognised("", "tentative", "en") is None
    assert fields(writer.recognised("One", " two", "en"))["delta"] == "One"
    assert writer.recognised("One", " three", "en") is None
    assert fields(writer.recognised("One three", "", "en"))["delta"] == " three"
    assert fields(writer.completed("en")) == {
        "type": "conversation.item.input_audio_transcription.completed",
        "item_id": "item_s",
        "content_index": 0,
        "transcript": "One three",
    }


def test_obfuscation_has_14_characters_and_differs():
    writer = deltas()
    seen = {fields(writer.recognised("x" * n, "", None))["obfuscation"] for n in range(1, 20)}
    assert len(seen) == 19
    assert {len(text) for text in seen} == {14}


@pytest.mark.parametrize("make", [deltas, full])
def test_published_text_is_not_taken_back(make):
    writer = make()
    writer.recognised("Good day", "", None)
    writer.translated("Buen", "")
    for text in ("God", "Good", ""):
        with pytest.raises(Rewritten):
            writer.recognised(text, "", None)
    with pytest.raises(Rewritten):
        writer.translated("Bue", "")
    assert (writer.source.text, writer.target.text) == ("Good day", "Buen")


@given(st.lists(st.tuples(st.text(max_size=5), st.text(max_size=3)), max_size=12))
def test_both_writers_publish_the_same_text(pieces):
    snapshots, increments = full(), deltas()
    text, last, joined = "", "", ""
    for piece, stash in pieces:
        text += piece
        shown, delta = snapshots.translated(text, stash), increments.translated(text, stash)
        if shown is not None:
            assert shown.text.startswith(last)
            last = shown.text
        if delta is not None:
            assert delta.delta
            joined += delta.delta
    assert joined == last == text == increments.target.text == snapshots.target.text


def test_extend_gives_what_is_new():
    grown = AppendOnlyText()
    assert [grown.extend(text) for text in ("", "a", "a", "abc")] == ["", "a", "", "bc"]
