"""Where source is cut, and how a translation joins what was said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.policy.agreement import fold
from dragoman.policy.units import Pace, Unit, Units, continuation
from dragoman.speech import Word


def words(text: str) -> list[Word]:
    return [Word(word) for word in text.split()]


def cuts(text: str, *, tail: str = "", paused: bool = False, final: bool = False) -> list[Unit]:
    return Units("en").update(words(text), words(tail), paused=paused, final=final)


def test_a_sentence_mark_closes_and_a_comma_cuts_a_clause() -> None:
    found = cuts("When the rain had stopped, they went home. Then")
    assert found == [
        Unit(0, "When the rain had stopped,", closes=False),
        Unit(0, "When the rain had stopped, they went home.", closes=True),
    ]


def test_a_short_clause_waits() -> None:
    assert cuts("And so, my fellow") == []


def test_titles_and_initials_end_no_sentence() -> None:
    assert cuts("Mr. Quilter and J. Smith") == []


def test_an_opener_cuts_once_enough_waits_even_if_it_is_not_certain() -> None:
    text = "it is of the first importance today"
    assert cuts(text, tail="because of") == [Unit(0, text, closes=False)]
    assert cuts(text, tail="of") == []


def test_no_unit_is_longer_than_most() -> None:
    text = " ".join(f"w{i}" for i in range(30))
    found = cuts(text)
    assert [len(unit.source.split()) for unit in found] == [12, 24]
    assert not any(unit.closes for unit in found)


def test_a_pause_cuts_what_is_long_enough_and_the_end_cuts_all() -> None:
    assert cuts("one two three", paused=True) == []
    assert cuts("one two three four", paused=True) == [Unit(0, "one two three four", closes=False)]
    assert cuts("one", final=True) == [Unit(0, "one", closes=True)]


def test_a_mark_that_comes_after_the_cut_closes_the_sentence() -> None:
    units = Units("en")
    said = "the forms of printed letters should be"
    assert units.update(words(said + " beautiful"), paused=True, final=False)
    late = units.update(words(said + " beautiful. And"), paused=False, final=False)
    assert late == [Unit(0, said + " beautiful.", closes=True)]


@given(
    st.lists(
        st.sampled_from(["the", "cat,", "sat.", "and", "because", "mat", "Mr.", "who;", "one?"]),
        max_size=60,
    ),
    st.lists(st.booleans(), min_size=60, max_size=60),
)
def test_every_word_is_cut_exactly_once_and_in_order(texts: list[str], pauses: list[bool]) -> None:
    units = Units("en", Pace(2, 3, 5))
    spoken = words(" ".join(texts))
    sentences: dict[int, str] = {}
    for count in range(len(spoken) + 1):
        final = count == len(spoken)
        for unit in units.update(spoken[:count], paused=pauses[count % 60], final=final):
            assert unit.source.startswith(sentences.get(unit.sentence, ""))
            sentences[unit.sentence] = unit.source
    assert " ".join(sentences[n] for n in sorted(sentences)) == " ".join(texts)


@pytest.mark.parametrize(
    ("translation", "done", "added"),
    [
        ("Era el primero", "", "Era el primero"),
        ("Era el primero gran dolor", "Era el primero", " gran dolor"),
        ("Era el primero, gran dolor", "Era el primero", ", gran dolor"),
        ("Era el primero.", "Era el primero", "."),
        ("Fue el primero gran dolor", "Era el primero", " gran dolor"),
        ("Así pues era el primero gran dolor", "Era el primero", " gran dolor"),
        ("Era", "Era el primero", ""),
        ("这是第一个词语", "这是第一", "个词语"),
    ],
)
def test_continuation(translation: str, done: str, added: str) -> None:
    assert continuation(translation, done) == added


@given(
    st.lists(st.sampled_from(["uno", "dos,", "tres", "cuatro.", "cinco"]), max_size=12),
    st.integers(0, 12),
)
def test_a_stable_translation_is_continued_without_loss_or_repetition(
    tokens: list[str], cut: int
) -> None:
    whole, done = " ".join(tokens), " ".join(tokens[:cut])
    grown = done + continuation(whole, done)
    assert [fold(t) for t in grown.split()] == [fold(t) for t in tokens]
