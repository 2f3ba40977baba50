"""What is committed of a recogniser's revisable hypotheses."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dragoman.policy.recognition.local_agreement import DecodePosition, LocalAgreement
from dragoman.speech import Hypothesis, Word, joined_text
from dragoman.text.words import fold


def hyp(text: str, confidence: float = 1.0, stable: int = 0) -> Hypothesis:
    return Hypothesis(tuple(Word(w) for w in text.split()), confidence, stable=stable)


def committed(agreement: LocalAgreement) -> str:
    return joined_text(agreement.committed)


def test_two_hypotheses_agree_but_their_last_words_never_take_part() -> None:
    agreement = LocalAgreement()
    agreement.update(hyp("ask not what your"), DecodePosition.STEP)
    assert committed(agreement) == ""
    agreement.update(hyp("ask not what your"), DecodePosition.STEP)
    assert committed(agreement) == "ask not what"
    assert joined_text(agreement.tail) == "your"


def test_the_closing_mark_of_a_step_is_not_shown_but_marks_inside_are() -> None:
    agreement = LocalAgreement()
    agreement.update(hyp("it was the best, I think."), DecodePosition.STEP)
    assert joined_text(agreement.tail) == "it was the best, I think"
    agreement.update(hyp("it was the best, I think. It"), DecodePosition.STEP)
    assert committed(agreement) == "it was the best, I"
    assert joined_text(agreement.tail) == "think. It"


def test_a_truncated_last_word_is_not_committed() -> None:
    agreement = LocalAgreement()
    agreement.update(hyp("the exhib"), DecodePosition.STEP)
    agreement.update(hyp("the exhib"), DecodePosition.STEP)
    agreement.update(hyp("the exhibition was"), DecodePosition.STEP)
    agreement.update(hyp("the exhibition was open"), DecodePosition.STEP)
    assert committed(agreement) == "the exhibition"


def test_case_and_punctuation_do_not_break_agreement_and_the_newest_form_counts() -> None:
    agreement = LocalAgreement()
    agreement.update(hyp("and so my fellow"), DecodePosition.STEP)
    agreement.update(hyp("And so, my fellow Americans"), DecodePosition.STEP)
    assert committed(agreement) == "And so, my"


def test_a_pause_commits_everything_but_the_mark_that_may_be_wrong() -> None:
    agreement = LocalAgreement()
    agreement.update(hyp("which we are at present concerned."), DecodePosition.PAUSE)
    assert committed(agreement) == "which we are at present concerned"
    assert agreement.tail == ()
    agreement.update(hyp("which we are at present concerned, differs from"), DecodePosition.STEP)
    agreement.update(
        hyp("which we are at present concerned, differs from most"), DecodePosition.STEP
    )
    assert committed(agreement) == "which we are at present concerned, differs"


def test_the_end_of_the_turn_brings_the_closing_mark() -> None:
    agreement = LocalAgreement()
    agreement.update(hyp("for your country."), DecodePosition.PAUSE)
    agreement.update(hyp("for your country."), DecodePosition.END)
    assert committed(agreement) == "for your country."


def test_below_the_gate_nothing_is_committed_even_at_the_end() -> None:
    agreement = LocalAgreement(gate=0.6)
    for at in (DecodePosition.STEP, DecodePosition.STEP, DecodePosition.PAUSE, DecodePosition.END):
        agreement.update(hyp("you you you", confidence=0.4), at)
    assert agreement.committed == []
    assert agreement.tail == ()
    assert agreement.refused == 4


def test_a_hypothesis_that_revises_committed_words_is_aligned_to_them() -> None:
    agreement = LocalAgreement()
    agreement.update(hyp("we went to the old town"), DecodePosition.PAUSE)
    agreement.update(hyp("well we went to the old town and then home"), DecodePosition.END)
    assert committed(agreement) == "we went to the old town and then home"


def test_a_closed_window_is_not_compared_again() -> None:
    agreement = LocalAgreement()
    agreement.update(hyp("first part."), DecodePosition.PAUSE)
    agreement.close_window(1000)
    agreement.update(hyp("Second part."), DecodePosition.END)
    assert committed(agreement) == "first part. Second part."


def closed(silent_ms: int) -> str:
    agreement = LocalAgreement()
    agreement.update(hyp("it was the age of wisdom."), DecodePosition.PAUSE)
    agreement.close_window(silent_ms)
    second = Hypothesis(hyp("It was the age of foolishness.").words, language="en")
    agreement.update(second, DecodePosition.END)
    return committed(agreement)


def test_a_full_stop_is_kept_after_a_long_pause_and_else_becomes_a_comma() -> None:
    assert closed(900) == "it was the age of wisdom. It was the age of foolishness."
    assert closed(400) == "it was the age of wisdom, it was the age of foolishness."
    assert closed(0) == "it was the age of wisdom it was the age of foolishness."


def test_the_prefix_for_the_engine_is_spelled_as_the_engine_wrote_it() -> None:
    agreement = LocalAgreement()
    agreement.update(hyp("it was the age of wisdom."), DecodePosition.PAUSE)
    agreement.close_window(400)
    for _ in range(2):
        agreement.update(
            Hypothesis(hyp("It was the age").words, language="en"), DecodePosition.STEP
        )
    assert [word.text for word in agreement.window] == ["It", "was", "the"]
    assert committed(agreement).endswith("wisdom, it was the")


def test_words_that_the_engine_calls_stable_are_committed() -> None:
    agreement = LocalAgreement()
    agreement.update(hyp("one two three", stable=2), DecodePosition.STEP)
    assert committed(agreement) == "one two"


def timed(text: str) -> Hypothesis:
    """Words that end at every 400 ms."""
    return Hypothesis(
        tuple(Word(word, end_ms=400 * place) for place, word in enumerate(text.split(), 1)),
        language="en",
    )


def test_a_word_that_the_recogniser_is_unsure_of_is_needed_a_third_time() -> None:
    agreement = LocalAgreement()
    unsure = Hypothesis((Word("an", 0.9), Word("ode", 0.4), Word("to", 0.9), Word("joy", 0.9)))
    counts = []
    for _ in range(3):
        agreement.update(unsure, DecodePosition.STEP)
        counts.append(len(agreement.committed))
    assert counts == [0, 1, 3]


def test_a_sentence_break_is_a_mark_with_a_committed_word_behind_it() -> None:
    agreement = LocalAgreement()
    text = "Mr. Hale is here. He waits"
    agreement.update(timed(text), DecodePosition.STEP)
    agreement.update(timed("Mr. Hale is here. He"), DecodePosition.STEP)
    assert agreement.sentence_end(0) is None  # "He" is not certain yet
    agreement.update(timed(text), DecodePosition.STEP)
    agreement.update(timed(text + " too"), DecodePosition.STEP)
    assert agreement.sentence_end(0) == 4
    assert agreement.sentence_end(1601) is None


def test_released_words_are_the_old_turns_and_the_window_goes_on() -> None:
    agreement = LocalAgreement()
    agreement.update(timed("One. Two. Three"), DecodePosition.PAUSE)
    assert joined_text(agreement.release(2)) == "One. Two."
    assert committed(agreement) == "Three"
    assert joined_text(agreement.window) == "One. Two. Three"  # what the engine may be asked for
    agreement.update(timed("One. Two. Three four."), DecodePosition.END)
    assert committed(agreement) == "Three four."
    agreement.close_window(0)
    assert committed(agreement) == "Three four."


def test_a_word_behind_a_cut_is_spelled_as_it_was_before_the_cut() -> None:
    for expected in ("wisdom", "Wisdom"):
        agreement = LocalAgreement()
        agreement.update(timed(f"the age of {expected} and"), DecodePosition.STEP)
        beyond = agreement.tail
        agreement.update(timed("the age of"), DecodePosition.PAUSE)
        agreement.close_window(0, beyond)
        agreement.update(timed("Wisdom and folly"), DecodePosition.END)
        assert committed(agreement) == f"the age of {expected} and folly"


@given(st.lists(st.integers(0, 5), max_size=8), st.lists(st.integers(1, 6), min_size=1, max_size=9))
def test_releases_at_any_time_neither_lose_nor_double_a_word(
    releases: list[int], windows: list[int]
) -> None:
    agreement, said, turns = LocalAgreement(), [], []
    asked = iter(releases)
    for number, size in enumerate(windows):
        names = [f"w{number}x{place}" for place in range(size)]
        said += names
        for end in range(1, size + 1):
            agreement.update(hyp(" ".join(names[:end])), DecodePosition.STEP)
            count = min(next(asked, 0), len(agreement.committed))
            turns += agreement.release(count)
        agreement.update(hyp(" ".join(names)), DecodePosition.PAUSE)
        agreement.close_window(300)
    turns += agreement.committed
    assert [word.text for word in turns] == said


@given(
    st.lists(
        st.tuples(
            st.lists(st.sampled_from("abcd"), max_size=7), st.sampled_from(["step", "pause"])
        ),
        max_size=10,
    ),
    st.lists(st.sampled_from("abcd"), max_size=9),
)
def test_revisions_change_nothing_committed_and_the_end_commits_the_rest(
    steps: list[tuple[list[str], str]], last: list[str]
) -> None:
    agreement = LocalAgreement()
    before: list[str] = []
    for texts, at in steps:
        agreement.update(hyp(" ".join(texts)), DecodePosition(at))
        now = [word.text for word in agreement.committed]
        assert now[: len(before)] == before
        before = now
    agreement.update(hyp(" ".join(last)), DecodePosition.END)
    now = [word.text for word in agreement.committed]
    assert now[: len(before)] == before
    assert agreement.tail == ()
    if last[: len(before)] == before:  # it agrees with what was committed: then nothing is lost
        assert now == last


words = st.lists(st.sampled_from(["a", "b", "c", "d", "e", "and,", "so.", "No?"]), max_size=8)


@given(
    st.lists(st.tuples(words, st.sampled_from(list(DecodePosition)), st.floats(0, 1)), max_size=12)
)
def test_committed_text_only_ever_grows(
    steps: list[tuple[list[str], DecodePosition, float]],
) -> None:
    agreement = LocalAgreement(gate=0.3)
    before = ""
    for texts, at, confidence in steps:
        agreement.update(hyp(" ".join(texts), confidence), at)
        now = committed(agreement)
        assert now.startswith(before)
        before = now
        if at is DecodePosition.PAUSE:
            agreement.close_window(len(texts) * 200)


@given(
    st.lists(
        st.sampled_from(["the", "quick", "brown", "fox,", "jumps.", "over"]),
        min_size=1,
        max_size=30,
    )
)
def test_a_perfect_recogniser_loses_nothing(spoken: list[str]) -> None:
    agreement = LocalAgreement()
    for count in range(1, len(spoken) + 1):
        agreement.update(hyp(" ".join(spoken[:count])), DecodePosition.STEP)
    agreement.update(hyp(" ".join(spoken)), DecodePosition.END)
    assert [fold(w.text) for w in agreement.committed] == [fold(w) for w in spoken]
