"""Pieces: the first clause alone, nothing too long, nothing lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dragoman.engines.shared.phoneme_pieces import pieces


def cut(*sentences: str, longest: int = 60) -> list[str]:
    return [piece for piece, _ in pieces(iter(sentences), longest)]


def test_the_first_clause_of_the_first_sentence_is_spoken_alone() -> None:
    first = "the train to the coast leaves late, and nobody knows why."
    assert cut(first, "it is, as they say, so.") == [
        "the train to the coast leaves late,",
        "and nobody knows why.",
        "it is, as they say, so.",
    ]
    assert cut("well, it depends on the weather.") == ["well, it depends on the weather."]


def test_the_last_piece_is_marked() -> None:
    assert list(pieces(iter(["one.", "two."]), 60)) == [("one.", False), ("two.", True)]
    assert list(pieces(iter([]), 60)) == []


@given(st.lists(st.text(alphabet="ab ,.", max_size=200), max_size=4), st.integers(5, 80))
def test_no_piece_is_too_long_and_no_sound_is_lost(sentences: list[str], longest: int) -> None:
    found = cut(*sentences, longest=longest)
    assert all(0 < len(piece) <= longest for piece in found)
    assert "".join(found).replace(" ", "") == "".join(sentences).replace(" ", "")
