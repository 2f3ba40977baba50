"""A language is decided on evidence, and then it sticks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dragoman.policy.recognition.source_language import SourceLanguage


def test_a_declared_language_is_not_argued_with() -> None:
    turn = SourceLanguage("de", "en")
    for _ in range(9):
        turn.heard("fr", 9)
    assert (turn.settled, turn.best, turn.end(), turn.doubtful) == ("de", "de", "de", False)


def test_the_first_turn_settles_on_two_words_heard_twice() -> None:
    turn = SourceLanguage(None, None)
    turn.heard("fr", 1)
    assert turn.settled is None
    assert turn.doubtful
    turn.heard("fr", 3)
    assert turn.settled == "fr"
    assert not turn.doubtful


def test_another_language_than_usual_needs_more_and_until_then_words_wait() -> None:
    turn = SourceLanguage(None, "en")
    turn.heard("es", 2)
    turn.heard("es", 3)
    assert turn.settled is None
    assert turn.doubtful
    turn.heard("es", 4)
    assert turn.settled == "es"


def test_a_guess_that_does_not_come_again_switches_nothing() -> None:
    turn = SourceLanguage(None, "en")
    turn.heard("es", 6)
    turn.heard("en", 6)
    assert turn.settled == "en"


def test_a_short_turn_is_in_the_usual_language() -> None:
    turn = SourceLanguage(None, "en")
    turn.heard("es", 1, final=True)
    assert turn.end() == "en"


def test_an_engine_that_does_not_say_is_not_spoken_for() -> None:
    turn = SourceLanguage(None, "en")
    turn.heard(None, 7, final=True)
    assert turn.end() is None


guesses = st.lists(
    st.tuples(st.sampled_from(["en", "es", "fr", None]), st.integers(0, 12), st.booleans()),
    max_size=20,
)


@given(guesses, st.sampled_from([None, "en", "de"]))
def test_a_settled_language_never_changes(
    heard: list[tuple[str | None, int, bool]], usual: str | None
) -> None:
    turn = SourceLanguage(None, usual)
    settled = None
    for language, words, final in heard:
        turn.heard(language, words, final=final)
        assert settled is None or turn.settled == settled
        settled = turn.settled
    assert settled is None or turn.end() == settled
