"""Erasure, arrival of words and LAAL against cases computed by hand."""

from __future__ import annotations

import pytest

from dragoman_bench.interpret.shown_text import Shown, arrivals, erased_words, violations
from dragoman_bench.interpret.text_lag import laal


# ---------------------------------------------------------------- erasure, violations
def test_growing_text_erases_nothing() -> None:
    assert erased_words(["", "it", "it was", "it was the best"]) == 0


def test_a_changed_word_takes_those_behind_it_along() -> None:
    # "was the work" -> "worst of": kept "it was the", erased one; then all four are taken back.
    assert erased_words(["it was the work", "it was the worst of", "she said"]) == 1 + 5


def test_a_word_that_gets_a_mark_is_another_word_on_the_screen() -> None:
    assert erased_words(["best of times.", "best of times, it"]) == 1


def test_certain_text_must_only_grow() -> None:
    assert violations(["", "It was", "It was the", "It was the"]) == 0
    assert violations(["It was", "It is", "It is so", "It"]) == 2


# ---------------------------------------------------------------- when a word was there
def test_a_word_counts_from_its_final_form_in_the_certain_text() -> None:
    shown = [
        Shown(100, "", " era"),
        Shown(200, "Era", " el"),
        Shown(300, "Era el", " mejor"),
        Shown(400, "Era el peor de"),
    ]
    assert arrivals(shown) == [200, 300, 400, 400]


def test_a_word_that_was_taken_back_counts_from_its_return() -> None:
    shown = [Shown(1, "a b"), Shown(2, "a c"), Shown(3, "a b c")]
    assert arrivals(shown) == [1, 3, 3]


def test_a_mark_behind_a_word_does_not_delay_it() -> None:
    assert arrivals([Shown(1, "uno dos"), Shown(9, "uno dos. Tres")]) == [1, 1, 9]


def test_no_text_has_no_arrivals() -> None:
    assert arrivals([]) == []
    assert arrivals([Shown(5, "", "only a stash")]) == []


# ---------------------------------------------------------------- LAAL
def test_laal_of_perfect_pace_is_the_delay() -> None:
    # Four words of 1000 ms speech, each 500 ms after an even speaker (0, 250, 500, 750).
    assert laal([500, 750, 1000, 1250], 1000, 4) == pytest.approx(500)


def test_laal_stops_at_the_first_word_after_the_speech() -> None:
    # d = 300, 900, 1200, 9000 with X = 1000, rate 250: (300 + 650 + 700) / 3; the last is left out.
    assert laal([300, 900, 1200, 9000], 1000, 4) == pytest.approx(550)


def test_laal_does_not_reward_few_words() -> None:
    # Against five reference words a word is due every 200 ms: (400 + (800 - 200)) / 2.
    assert laal([400, 800], 1000, 5) == pytest.approx(500)


def test_laal_does_not_reward_many_words() -> None:
    # Five words where two were due: one every 200 ms, not every 500 (which would give -400).
    assert laal([200, 400, 600, 800, 1000], 1000, 2) == pytest.approx(200)


@pytest.mark.parametrize(("delays", "length"), [([], 1000.0), ([100.0], 0.0)])
def test_laal_of_nothing_is_nothing(delays: list[float], length: float) -> None:
    assert laal(delays, length, 3) is None
