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


def test_an_engine_that_names_no_language_gives_none() -> None:
    turn = SourceLanguage(None, "en")
    turn.add_hypothesis(None, 7, final=True)
    assert turn.end() is None


guesses = st.lists(
    st.tuples(st.sampled_from(["en", "es", "fr", None]), st.integers(0, 12), st.booleans()),
    max_size=20,
)


@given(guesses, st.sampled_from([None, "en", "de"]))
def test_a_settled_language_never_changes(
    hypotheses: list[tuple[str | None, int, bool]], usual: str | None
) -> None:
    turn = SourceLanguage(None, usual)
    settled = None
    for language, words, final in hypotheses:
        turn.add_hypothesis(language, words, final=final)
        assert settled is None or turn.settled == settled
        settled = turn.settled
    assert settled is None or turn.end() == settled
