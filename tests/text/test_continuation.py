"""What a new translation adds to committed text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.text.continuation import continuation, tokens, without_false_stop
from dragoman.text.words import fold


@pytest.mark.parametrize(
    ("translation", "done", "added"),
    [
        ("Era el primero", "", "Era el primero"),
        ("Era el primero gran dolor", "Era el primero", " gran dolor"),
        ("Era el primero, gran dolor", "Era el primero", ", gran dolor"),
        ("Era el primero.", "Era el primero", "."),
        ("Era el primero (y último)", "Era el primero", " (y último)"),
        ("Era — el primero — gran dolor", "Era — el primero", " — gran dolor"),
        ("Fue el primero gran dolor", "Era el primero", " gran dolor"),
        ("Fue el primero, gran dolor", "Era el primero", ", gran dolor"),
        ("Así pues era el primero gran dolor", "Era el primero", " gran dolor"),
        ("Era", "Era el primero", ""),
        ("Eran", "Era", ""),
        ("这是第一个词语", "这是第一", "个词语"),
        ("这是第一，个词语", "这是第一", "，个词语"),
        ("那是第一，个词语", "这是第一，", "个词语"),
        ("完全不同", "", "完全不同"),
        ("la casa grande y verde", "la grande casa", " y verde"),
        ("Eran grandes", "Era", " grandes"),
        ("well-known men", "well", "-known men"),
        ("여러분들 환영합니다", "여러분", " 환영합니다"),
        ("안녕하세요, 여러분", "안녕하세요", ", 여러분"),
        ("コーヒー、ラーメン", "コーヒー", "、ラーメン"),
        ("人々が", "人々", "が"),
    ],
)
def test_continuation(translation: str, done: str, added: str) -> None:
    assert continuation(translation, done) == added


@pytest.mark.parametrize(
    ("upto", "added"),
    [(0, ""), (3, ""), (4, ", gran"), (5, ", gran dolor;"), (9, ", gran dolor; fin")],
)
def test_upto_limits_the_tokens(upto: int, added: str) -> None:
    assert continuation("Era el primero, gran dolor; fin", "Era el primero", upto) == added


@given(
    st.lists(st.sampled_from(["uno", "dos,", "tres", "cuatro.", "cinco"]), max_size=12),
    st.integers(0, 12),
)
def test_a_stable_translation_is_continued_without_loss_or_repetition(
    words: list[str], cut: int
) -> None:
    whole, done = " ".join(words), " ".join(words[:cut])
    grown = done + continuation(whole, done)
    assert [fold(t) for t in grown.split()] == [fold(t) for t in words]


words = st.lists(
    st.sampled_from(["la", "casa", "grande,", "es", "muy", "verde", "y", "azul.", "是", "我们"]),
    max_size=10,
)


@given(words, words)
def test_what_is_added_is_the_end_of_the_translation_and_no_committed_word_again(
    said: list[str], new: list[str]
) -> None:
    done, translation = " ".join(said), " ".join(new)
    added = [token.key for token in tokens(continuation(translation, done))]
    keys = [token.key for token in tokens(translation)]
    assert keys[len(keys) - len(added) :] == added
    taken = keys[: len(keys) - len(added)]
    again = [key for key in [token.key for token in tokens(done)] if len(key) >= 4]
    for key in taken:
        if key in again:
            again.remove(key)
    assert not added or added[0] not in again


@given(words.filter(bool), st.sampled_from(["s", "들", "们"]), words)
def test_only_whole_words_are_added_where_the_last_committed_one_grew(
    said: list[str], ending: str, new: list[str]
) -> None:
    done = " ".join(said)
    translation = f"{done}{ending} {' '.join(new)}"
    added = [token.key for token in tokens(continuation(translation, done))]
    keys = [token.key for token in tokens(translation)]
    assert keys[len(keys) - len(added) :] == added


@pytest.mark.parametrize(
    ("translation", "source", "text"),
    [
        ("La casa.", "The house", "La casa"),
        ("La casa.", "The house.", "La casa."),
        ("La casa.", 'The house."', "La casa."),
        ("en EE.UU.", "in the USA", "en EE.UU."),
        ("¿La casa?", "The house", "¿La casa?"),
        ("那个房子。", "The house", "那个房子"),
        ("", "The", ""),
    ],
)
def test_a_full_stop_that_the_source_does_not_have_is_not_committed(
    translation: str, source: str, text: str
) -> None:
    assert without_false_stop(translation, source) == text
