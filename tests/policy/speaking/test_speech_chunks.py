"""How much committed text is spoken at a time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.policy.speaking.speech_chunks import SpeechChunks


def spoken(pieces: list[str], language: str = "es") -> tuple[list[str], str]:
    chunks = SpeechChunks(language)
    found = [text for piece in pieces for text in chunks.add(piece, 0.0)]
    return found, chunks.waiting


def test_a_clause_mark_ends_a_piece_of_three_words() -> None:
    found, left = spoken(["Hoy,", " por", " fin,", " llueve"])
    assert found == ["Hoy, por fin,"]
    assert left == " llueve"


def test_eight_words_are_enough_and_an_opener_begins_the_next_piece() -> None:
    assert spoken([f" w{n}" for n in range(8)])[0] == ["".join(f" w{n}" for n in range(8))]
    found, left = spoken([" a b c d e porque f g"])
    assert found == [" a b c d e"]
    assert left == " porque f g"


def test_a_whole_clause_is_spoken_at_once_at_any_length() -> None:
    chunks = SpeechChunks("es")
    assert chunks.add(" uno dos", 0.0) == []
    text = " ".join(f"w{n}" for n in range(14))
    assert chunks.add(" " + text, 0.1, ends=True) == [" uno dos " + text]
    assert chunks.due_s is None


def test_a_second_is_long_enough_unless_the_voice_is_busy() -> None:
    chunks = SpeechChunks("es")
    assert chunks.add("Sí", 10.0) == []
    assert chunks.add(" claro", 10.9) == []
    assert chunks.due_s == 11.0
    assert chunks.take_due(10.99) == []
    assert chunks.take_due(11.0, busy=True) == []
    assert chunks.take_due(11.0) == ["Sí claro"]
    assert chunks.due_s is None


def test_a_mark_alone_is_not_due() -> None:
    chunks = SpeechChunks("es")
    chunks.add(".", 0.0)
    assert chunks.due_s is None


def test_titles_end_no_piece() -> None:
    assert spoken(["Y entonces el sr.", " García"]) == ([], "Y entonces el sr. García")


@pytest.mark.parametrize(
    ("language", "pieces", "found"),
    [
        ("zh", ["我们", "今天要", "谈的是，"], ["我们今天要谈的是，"]),
        ("zh", list("一二三四五六七八九十一二三四五六"), ["一二三四五六七八九十一二三四"]),
        ("ja", list("あいうえおかきくけこさしすせそたち"), ["あいうえおかきくけこさしすせそた"]),
    ],
)
def test_without_spaces_characters_count(
    language: str, pieces: list[str], found: list[str]
) -> None:
    assert spoken(pieces, language)[0] == found


@given(
    st.lists(st.sampled_from(["uno", " dos,", " porque", " fin.", "。", "我们", " "]), max_size=40),
    st.lists(st.tuples(st.booleans(), st.floats(0, 2)), min_size=40, max_size=40),
    st.sampled_from(["es", "zh", "th"]),
)
def test_everything_comes_out_once_and_in_order(
    pieces: list[str], how: list[tuple[bool, float]], language: str
) -> None:
    chunks, out, now_s = SpeechChunks(language), "", 0.0
    for piece, (ends, passed_s) in zip(pieces, how, strict=False):
        now_s += passed_s
        out += "".join(chunks.add(piece, now_s, ends=ends) + chunks.take_due(now_s))
        assert (chunks.due_s is None) == (not any(char.isalnum() for char in chunks.waiting))
    assert out + "".join(chunks.flush()) == "".join(pieces)
