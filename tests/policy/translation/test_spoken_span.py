"""When words were said, by whatever a recogniser tells."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dragoman.policy.translation.spoken_span import CONTEXT_MS, UNSURE_MS, spoken_span
from dragoman.speech import Word

TURN = (1_000, 9_000)


def timed(*times: tuple[int | None, int | None]) -> list[Word]:
    return [Word("word", None, start, end) for start, end in times]


def test_known_times_have_context_that_is_nobodys() -> None:
    words = timed((1_500, 1_900), (2_000, 2_400), (3_500, 3_900), (3_950, 4_300))
    assert spoken_span(words, 0, 2, TURN) == (1_300, 2_600)
    assert spoken_span(words, 1, 3, TURN) == (1_900, 3_950), "up to the neighbours"
    assert spoken_span(words, 3, 4, TURN) == (3_900, 4_300 + CONTEXT_MS)


def test_an_end_alone_is_late_and_so_more_is_taken() -> None:
    words = timed((None, 2_000), (None, 2_000), (None, 4_000), (None, 4_500))
    assert spoken_span(words, 0, 2, TURN) == (1_000, 2_200), "not before the turn"
    assert spoken_span(words, 1, 3, TURN)[0] == 1_000, "the word before came with this one"
    assert spoken_span(words, 3, 4, TURN) == (4_000 - UNSURE_MS, 4_700)


def test_without_times_words_are_spread_over_the_turn() -> None:
    words = timed(*[(None, None)] * 8)
    assert spoken_span(words, 2, 4, TURN) == (3_000 - UNSURE_MS, 5_000 + UNSURE_MS)
    assert spoken_span(words, 0, 8, TURN) == TURN
    assert spoken_span([], 0, 0, TURN)[0] == 1_000


times = st.none() | st.integers(0, 12_000)


@given(st.lists(st.tuples(times, times), max_size=12), st.data())
def test_any_times_give_a_piece_of_the_turn(
    spans: list[tuple[int | None, int | None]], data: st.DataObject
) -> None:
    words = timed(*spans)
    begin = data.draw(st.integers(0, len(words)))
    end = data.draw(st.integers(begin, len(words)))
    begin_ms, end_ms = spoken_span(words, begin, end, TURN)
    assert TURN[0] <= begin_ms <= end_ms <= TURN[1]
    for word in words[begin:end]:
        for at_ms in (word.start_ms, word.end_ms):
            known = word.start_ms is not None and word.end_ms is not None
            if known and at_ms is not None and TURN[0] <= at_ms <= TURN[1]:
                assert begin_ms <= at_ms <= end_ms
