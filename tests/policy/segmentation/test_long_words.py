"""A word of thousands of characters is spoken up to a limit, in whatever segments it comes."""

from __future__ import annotations

import random

import pytest

from dragoman.policy.segmentation.long_words import LongWords
from dragoman.text.spoken import LONGEST_WORD


def spoken(*segments: str) -> tuple[str, int]:
    words = LongWords()
    return "".join(words.cut(segment, segment) for segment in segments), words.dropped


def pieces(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


@pytest.mark.parametrize("size", [1, 7, 199, 200, 201, 10_000])
@pytest.mark.parametrize("letter", ["x", "7", "é", "א", "ß"])
def test_a_long_word(letter: str, size: int) -> None:
    left, dropped = spoken(*pieces(f"One {letter * 5000} two.", size))
    assert left == f"One {letter * LONGEST_WORD} two."
    assert dropped == 5000 - LONGEST_WORD


@pytest.mark.parametrize("size", [1, 7, 199, 200, 10_000])
def test_marks_belong_to_a_word_and_do_not_count(size: int) -> None:
    left, dropped = spoken(*pieces(f"One {'-x' * 2500}; two.", size))
    assert left == f"One {'-x' * LONGEST_WORD}- two."
    assert dropped == len("-x" * 2500 + ";") - len("-x" * LONGEST_WORD + "-")
    for mark in ("." * 5000, "_" * 5000, "😀" * 5000, "\u0301" * 5000):
        text = f"Well{mark}then {mark}all{mark}."
        assert spoken(*pieces(text, size)) == (text, 0)


def test_every_word_has_its_own_limit() -> None:
    text = " ".join("ab" * 150 for _ in range(3))
    assert spoken(*pieces(text, 190))[0].split() == ["ab" * 100] * 3


@pytest.mark.parametrize("text", ["今天天气很好我们去公园" * 300, "สวัสดี" * 500, "今天，ab。" * 500])
def test_scripts_without_spaces_are_spoken_to_the_end(text: str) -> None:
    assert spoken(*pieces(text, 200)) == (text, 0)


def test_ordinary_text_is_left_alone() -> None:
    rng = random.Random(3)
    text = "".join(rng.choice("ab. ,\n中。é") for _ in range(5000))
    segments = []
    while text:
        size = rng.randrange(1, 200)
        segments.append(text[:size])
        text = text[size:]
    assert spoken(*segments)[0] == "".join(segments)


def test_a_new_text_is_a_new_word() -> None:
    words = LongWords()
    assert words.cut("x" * 300, "x" * 300) == "x" * 200
    words.reset()
    assert words.cut("x" * 300, "x" * 300) == "x" * 200
    assert words.cut("x" * 300, "x" * 300) == ""


def test_the_spoken_text_may_differ_from_the_written_text() -> None:
    """Markup is read before words are measured: a long address that is read as "link" is short."""
    words = LongWords()
    assert words.cut("<" + "u" * 300 + "> and", "link and") == "link and"
    assert words.cut(" so on" + "n" * 300, " so on" + "n" * 300) == " so on" + "n" * 198
    assert words.dropped == 102


def test_the_middle_of_an_endless_word_is_dropped_unread() -> None:
    words = LongWords()
    assert not words.drops("x" * 1024), "its beginning is spoken"
    assert words.drops("x" * 1024)
    assert words.drops("/y" * 512)
    assert words.dropped == 2048
    assert not words.drops("x" * 1000 + " and then more"), "its end may be followed by others"
    assert not words.drops("z" * 1024), "another word"
    assert not words.drops("z" * 20)
    assert not words.drops("z" * 1024), "unknown whether the same"
    words.reset()
    assert not words.drops("z" * 1024)
    assert not words.drops("\u4eca" * 1024)
    assert not words.drops("\u4eca" * 1024), "no words in this script"
