"""Running text as words, with the times that a recogniser gives for other pieces of it."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman.engines.shared.transcript_words import TimedPiece, transcript_words
from dragoman.speech import joined_text


def texts(text: str) -> list[str]:
    return [word.text for word in transcript_words(text)]


def times(text: str, *pieces: tuple[str, float, float]) -> list[tuple[int | None, int | None]]:
    words = transcript_words(text, [TimedPiece(*piece) for piece in pieces])
    return [(word.start_ms, word.end_ms) for word in words]


def test_spaces_part_words_and_marks_stay_with_theirs() -> None:
    assert texts("  It was, he said, the best. ") == ["It", "was,", "he", "said,", "the", "best."]
    assert texts("") == []
    assert texts("don't (really) — no") == ["don't", "(really)", "—", "no"]


def test_control_characters_are_no_text() -> None:
    assert texts("He\x1b[31m said\x00\x07 it") == ["He", "[31m", "said", "it"]


def test_times_stay_within_reason() -> None:
    assert times("a b", ("a", 1e300, 1e308), ("b", -1e300, float("inf")))[0][1] == 86_400_000


def test_scripts_without_spaces_are_cut_at_every_character() -> None:
    words = transcript_words("我们用Python写。对！")
    assert [word.text for word in words] == ["我", "们", "用", "Python", "写。", "对！"]
    assert [word.joined for word in words] == [False, True, True, True, True, True]
    assert texts("他说《你好》吗") == ["他", "说", "《你", "好》", "吗"]


def test_thai_marks_are_not_cut_off() -> None:
    assert "".join(texts("น้ำดื่ม")) == "น้ำดื่ม"
    assert texts("น้ำ")[0].startswith("น้")


@settings(deadline=None)
@given(st.text(alphabet="ab ,.我们「」。ไ่น1-", max_size=40))
def test_the_text_comes_back(text: str) -> None:
    assert joined_text(transcript_words(text)) == " ".join(text.split())


def test_without_times_there_are_none() -> None:
    assert times("one two") == [(None, None)] * 2
    assert times("one two", ("...", 0.0, 1.0)) == [(None, None)] * 2


def test_words_have_the_times_of_the_same_words_without_marks() -> None:
    found = times("Hello, big world!", ("hello", 0.5, 0.9), ("big", 1.2, 1.4), ("world", 1.4, 2.0))
    assert found == [(500, 900), (1200, 1400), (1400, 2000)]


def test_a_segment_spreads_its_words_by_their_letters() -> None:
    assert times("aa bbbb", (" aa bbbb", 1.0, 4.0)) == [(1000, 2000), (2000, 4000)]


def test_pieces_that_are_cut_otherwise_still_give_times_in_order() -> None:
    found = times("It's twenty-one.", ("It", 0.1, 0.2), ("'s", 0.2, 0.3), ("21", 0.5, 1.0))
    flat = [at for pair in found for at in pair]
    assert flat == sorted(flat)
    assert flat[0] == 100
    assert flat[-1] == 1000


def test_nonsense_times_do_no_harm() -> None:
    found = times("one two", ("one", 3.0, -1.0), ("two", -5.0, -4.0))
    flat = [at for pair in found for at in pair]
    assert flat == sorted(flat)
