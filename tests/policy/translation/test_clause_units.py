"""Where source text is cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dragoman.policy.translation.clause_units import PACES, ClauseUnit, ClauseUnits, UnitLengths
from dragoman.speech import Word


def words(text: str) -> list[Word]:
    return [Word(word) for word in text.split()]


def cuts(
    text: str, *, tail: str = "", paused: bool = False, final: bool = False
) -> list[ClauseUnit]:
    return ClauseUnits("en").update(words(text), words(tail), paused=paused, final=final)


def test_a_sentence_mark_closes_and_a_comma_cuts_a_clause() -> None:
    found = cuts("When the rain had stopped, they went home. Then")
    assert found == [
        ClauseUnit(0, "When the rain had stopped,", 5, closes=False),
        ClauseUnit(0, "When the rain had stopped, they went home.", 8, closes=True),
    ]


def test_a_short_clause_waits() -> None:
    assert cuts("And so, my fellow") == []


def test_titles_and_initials_end_no_sentence() -> None:
    assert cuts("Mr. Quilter and J. Smith") == []


def test_an_uncommitted_opener_cuts_once_enough_words_wait() -> None:
    text = "it is of the first importance today"
    assert cuts(text, tail="because of") == [ClauseUnit(0, text, 7, closes=False)]
    assert cuts(text, tail="of") == []


def test_no_unit_is_longer_than_most() -> None:
    text = " ".join(f"w{i}" for i in range(30))
    found = cuts(text)
    assert [len(unit.source.split()) for unit in found] == [12, 24]
    assert not any(unit.closes for unit in found)


def test_a_pause_cuts_from_the_least_length_and_the_end_cuts_all() -> None:
    assert cuts("one two three", paused=True) == []
    assert cuts("one two three four", paused=True) == [
        ClauseUnit(0, "one two three four", 4, closes=False)
    ]
    assert cuts("one", final=True) == [ClauseUnit(0, "one", 1, closes=True)]


def test_a_mark_that_comes_after_the_cut_closes_the_sentence() -> None:
    units = ClauseUnits("en")
    said = "the forms of printed letters should be"
    assert units.update(words(said + " beautiful"), paused=True, final=False)
    late = units.update(words(said + " beautiful. And"), paused=False, final=False)
    assert late == [ClauseUnit(0, said + " beautiful.", 8, closes=True)]


@given(
    st.lists(
        st.sampled_from(["the", "cat,", "sat.", "and", "because", "mat", "Mr.", "who;", "one?"]),
        max_size=60,
    ),
    st.lists(st.booleans(), min_size=60, max_size=60),
)
def test_every_word_is_cut_exactly_once_and_in_order(texts: list[str], pauses: list[bool]) -> None:
    units = ClauseUnits("en", UnitLengths(2, 3, 5))
    spoken = words(" ".join(texts))
    sentences: dict[int, str] = {}
    for count in range(len(spoken) + 1):
        final = count == len(spoken)
        for unit in units.update(spoken[:count], paused=pauses[count % 60], final=final):
            assert unit.source.startswith(sentences.get(unit.sentence, ""))
            sentences[unit.sentence] = unit.source
    assert " ".join(sentences[n] for n in sorted(sentences)) == " ".join(texts)


# ---------------------------------------------------------------- silences, characters, phrases
def timed(*words: tuple[str, int, int]) -> list[Word]:
    return [Word(text, None, start_ms, end_ms) for text, start_ms, end_ms in words]


def test_a_silence_before_the_next_word_cuts_and_a_long_one_closes() -> None:
    said = timed(("one", 0, 200), ("two", 200, 400), ("three", 400, 600), ("four", 600, 800))
    units = ClauseUnits("en").update
    assert units(said, timed(("five", 1049, 1200)), paused=False, final=False) == []
    assert units(said, timed(("five", 1050, 1200)), paused=False, final=False) == [
        ClauseUnit(0, "one two three four", 4, closes=False)
    ]
    (closed,) = ClauseUnits("en").update(said, timed(("x", 1500, 1600)), paused=False, final=False)
    assert closed.closes
    assert (
        ClauseUnits("en").update(said[:3], timed(("x", 1900, 1950)), paused=False, final=False)
        == []
    )


def test_a_word_without_a_start_time_follows_no_silence() -> None:
    said = [Word(text, None, None, at) for at, text in enumerate(["one", "two", "three", "four"])]
    assert (
        ClauseUnits("en").update(said, [Word("five", None, None, 9000)], paused=False, final=False)
        == []
    )


def test_without_spaces_characters_are_counted() -> None:
    said = [Word(char, joined=True) for char in "我们今天要谈的，"]
    assert ClauseUnits("zh").update(said, paused=False, final=False) == [
        ClauseUnit(0, "我们今天要谈的，", 8, closes=False)
    ]
    long = [Word(char, joined=True) for char in "一二三四五六七八九十" * 3]
    found = ClauseUnits("zh", PACES["eager"]).update(long, paused=False, final=False)
    assert [unit.end for unit in found] == [14, 28]


def test_a_clause_opener_of_a_language_without_spaces_is_a_beginning() -> None:
    said = [Word(char, joined=True) for char in "今天天气非常好我们去公园玩"]
    assert ClauseUnits("zh").update(
        said, [Word("但是他们", joined=True)], paused=False, final=False
    )
    assert not ClauseUnits("zh").update(
        said, [Word("他们", joined=True)], paused=False, final=False
    )


def test_a_phrase_that_must_stay_together_is_not_cut_but_a_sentence_end_is() -> None:
    text = "one two three four, five six"
    whole = ClauseUnits("en", together=lambda _words, end: end in (3, 4))
    assert whole.update(words(text), paused=False, final=False) == []
    ends = ClauseUnits("en", together=lambda _words, _end: True)
    assert [u.closes for u in ends.update(words("one two."), paused=False, final=False)] == [True]


def test_paces_differ() -> None:
    text = words(" ".join(f"w{n}" for n in range(40)))
    counts = {
        name: len(ClauseUnits("en", pace).update(text, paused=False, final=False))
        for name, pace in PACES.items()
    }
    assert counts["eager"] > counts["even"] > counts["careful"]
