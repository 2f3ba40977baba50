"""Tokens to hypotheses: loops are cut, runaways and silence are not believed."""

from __future__ import annotations

import pytest

from dragoman.engines.whisper import answers
from dragoman.engines.whisper.answers import Aligned


class OneTokenAWord:
    """A vocabulary in which every id below ``end`` is a word."""

    end = 1_000

    def words(self, ids):
        return [(SAID[token % len(SAID)], [place], False) for place, token in enumerate(ids)]


TEXT = "one after another they left their houses and walked down towards a silent harbour"
SAID = TEXT.split(" ")


WORDS = OneTokenAWord()


def hypothesis(ids, probability=0.9, no_speech=0.0):
    times = [place * 200 for place in range(len(ids))]
    timed = Aligned([probability] * len(ids), times, len(ids) * 200)
    return answers.hypothesis(WORDS, ids, timed, no_speech)


@pytest.mark.parametrize(
    ("ids", "kept"),
    [
        ([1_050, 1, 2, 3, 1_099], [1, 2, 3]),
        ([*range(20), *[7, 8, 9] * 3], [*range(20), 7, 8, 9]),
        ([*range(9), *[5] * 3], [*range(9), 5, 5, 5]),  # people do say no, no, no
        ([1, 2, *[7, 8, 9] * 9], []),
        ([4] * 50, []),
    ],
)
def test_loops_are_cut_and_what_is_mostly_loop_is_nothing(ids, kept) -> None:
    assert answers.text_ids(WORDS, ids) == kept


def test_confidence_and_times_come_from_the_alignment() -> None:
    found = hypothesis([1, 2, 3], 0.81)
    assert found.confidence == pytest.approx(0.81)
    assert [(word.start_ms, word.end_ms) for word in found.words] == [
        (0, 200), (200, 400), (400, 600)
    ]  # fmt: skip
    assert found.words[0].confidence == pytest.approx(0.81)


def test_doubtful_words_of_what_is_probably_no_speech_are_not_believed() -> None:
    assert hypothesis([1, 2], 0.5, no_speech=0.3).confidence > 0.4
    assert hypothesis([1, 2], 0.5, no_speech=0.7).confidence == 0
    assert hypothesis([1, 2], 0.8, no_speech=0.7).confidence > 0.4


def test_text_that_compresses_too_well_is_not_believed() -> None:
    assert hypothesis([*range(14)]).confidence > 0.8
    assert hypothesis([5, 6, 7, 8, 5, 6, 8, 7] * 9).confidence == 0


def test_alignments_give_a_begin_for_each_token() -> None:
    pairs = [(0, 0), (0, 4), (1, 5), (1, 9), (2, 12), (3, 20), (3, 30)]
    timed = answers.aligned(pairs, [0.5, 0.6, 0.7])
    assert timed.starts_ms == [0, 100, 240]
    assert timed.end_ms == 400


def test_tokens_behind_the_end_of_the_alignment_end_with_it() -> None:
    timed = answers.aligned([(0, 0), (1, 10)], [0.5, 0.6, 0.7])
    assert (timed.starts_ms, timed.end_ms) == ([0, 200, 200], 200)
