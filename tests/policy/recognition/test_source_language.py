"""The language of a turn is decided on evidence, and the decision is sticky."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dragoman.policy.recognition.source_language import SourceLanguage


def test_a_declared_language_is_always_taken() -> None:
    turn = SourceLanguage("de", "en")
    for _ in range(9):
        turn.add_hypothesis("fr", 9)
    assert (turn.settled, turn.best, turn.end(), turn.is_doubtful) == ("de", "de", "de", False)


def test_the_first_turn_settles_on_two_words_recognised_twice() -> None:
    turn = SourceLanguage(None, None)
    turn.add_hypothesis("fr", 1)
    assert turn.settled is None
    assert turn.is_doubtful
    turn.add_hypothesis("fr", 3)
    assert turn.settled == "fr"
    assert not turn.is_doubtful


def test_another_language_than_usual_needs_more_and_until_then_words_wait() -> None:
    turn = SourceLanguage(None, "en")
    turn.add_hypothesis("es", 2)
    turn.add_hypothesis("es", 3)
    assert turn.settled is None
    assert turn.is_doubtful
    turn.add_hypothesis("es", 4)
    assert turn.settled == "es"


def test_a_guess_that_is_not_repeated_does_not_switch() -> None:
    turn = SourceLanguage(None, "en")
    turn.add_hypothesis("es", 6)
    turn.add_hypothesis("en", 6)
    assert turn.settled == "en"


def test_a_short_turn_is_in_the_usual_language() -> None:
    turn = SourceLanguage(None, "en")
    turn.add_hypothesis("es", 1, final=True)
    assert turn.end() == "en"


def test_an_unsure_engine_has_to_find_the_language_again_and_again() -> None:
    turn = SourceLanguage(None, None)
    guesses = 0
    while turn.settled is None:
        turn.add_hypothesis("fr", 9, confidence=0.7)
        guesses += 1
    assert guesses == 4, "0.3 to the power of 4 is less than a hundredth"


def test_guesses_of_the_same_audio_are_no_new_evidence() -> None:
    turn = SourceLanguage(None, None)
    turn.add_hypothesis("fr", 9, confidence=0.9)
    for _ in range(50):
        turn.add_hypothesis("fr", 9, confidence=0.95, new_s=0)
    assert turn.settled is None
    for _ in range(3):
        turn.add_hypothesis("fr", 9, confidence=0.95, new_s=0.3)
    assert turn.settled == "fr"


def test_doubt_begins_anew_with_another_guess() -> None:
    turn = SourceLanguage(None, None)
    for language in ("fr", "fr", "es", "fr", "fr"):
        turn.add_hypothesis(language, 9, confidence=0.8)
    assert turn.settled is None
    turn.add_hypothesis("fr", 9, confidence=0.8)
    assert turn.settled == "fr"


def test_the_usual_language_needs_less_evidence() -> None:
    turn = SourceLanguage(None, "fr")
    turn.add_hypothesis("fr", 2, confidence=0.8)
    assert turn.settled is None
    turn.add_hypothesis("fr", 2, confidence=0.8)
    assert turn.settled == "fr"


def test_a_pause_settles_no_language_that_the_engine_doubts() -> None:
    turn = SourceLanguage(None, None)
    turn.add_hypothesis("fr", 9, confidence=0.6, final=True)
    assert turn.settled is None
    turn.add_hypothesis("fr", 9, confidence=0.9, final=True)
    assert turn.settled == "fr"


def test_an_engine_that_names_no_language_gives_none() -> None:
    turn = SourceLanguage(None, "en")
    turn.add_hypothesis(None, 7, final=True)
    assert turn.end() is None


guesses = st.lists(
    st.tuples(
        st.sampled_from(["en", "es", "fr", None]),
        st.integers(0, 12),
        st.floats(0, 1),
        st.booleans(),
    ),
    max_size=20,
)


@given(guesses, st.sampled_from([None, "en", "de"]))
def test_a_settled_language_never_changes(
    hypotheses: list[tuple[str | None, int, float, bool]], usual: str | None
) -> None:
    turn = SourceLanguage(None, usual)
    settled = None
    for language, words, confidence, final in hypotheses:
        turn.add_hypothesis(language, words, confidence=confidence, final=final)
        assert settled is None or turn.settled == settled
        settled = turn.settled
    assert settled is None or turn.end() == settled
