"""How much committed text is spoken at a time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.policy.speaking.speech_chunks import SpeechChunks


def spoken(pieces: list[str], language: str = "es") -> tuple[list[str], str]:
    units = SpeechChunks(language)
    found = [text for piece in pieces for text in units.add(piece, 0.0)]
    return found, units.waiting


def test_a_clause_mark_ends_a_piece_of_three_words() -> None:
    found, left = spoken(["Hoy,", " por", " fin,", " llueve"])
    assert found == ["Hoy, por fin,"]
    assert left == " llueve"


def test_eight_words_are_enough_and_an_opener_begins_the_next_piece() -> None:
    assert spoken([f" w{n}" for n in range(8)])[0] == ["".join(f" w{n}" for n in range(8))]
    found, left = spoken([" a b c d e porque f g"])
    assert found == [" a b c d e"]
    assert left == " porque f g"


def test_what_is_a_clause_is_spoken_at_once_however_long() -> None:
    units = SpeechChunks("es")
    assert units.add(" uno dos", 0.0) == []
    text = " ".join(f"w{n}" for n in range(14))
    assert units.add(" " + text, 0.1, ends=True) == [" uno dos " + text]
    assert units.due_s is None


def test_a_second_is_long_enough_unless_the_voice_is_busy() -> None:
    units = SpeechChunks("es")
    assert units.add("Sí", 10.0) == []
    assert units.add(" claro", 10.9) == []
    assert units.due_s == 11.0
    assert units.ripe(10.99) == []
    assert units.ripe(11.0, busy=True) == []
    assert units.ripe(11.0) == ["Sí claro"]
    assert units.due_s is None


def test_a_mark_alone_waits_for_nothing() -> None:
    units = SpeechChunks("es")
    units.add(".", 0.0)
    assert units.due_s is None


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
    units, out, now_s = SpeechChunks(language), "", 0.0
    for piece, (ends, passed_s) in zip(pieces, how, strict=False):
        now_s += passed_s
        out += "".join(units.add(piece, now_s, ends=ends) + units.ripe(now_s))
        assert (units.due_s is None) == (not any(char.isalnum() for char in units.waiting))
    assert out + "".join(units.flush()) == "".join(pieces)
