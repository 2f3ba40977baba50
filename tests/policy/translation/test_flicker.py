"""The shown tail does not flicker."""

from __future__ import annotations

from dragoman.policy.reading.voice_language import language_of
from dragoman.policy.translation.flicker import DraftStability, FlickerFilter


def test_a_small_change_is_shown_at_once() -> None:
    calm = FlickerFilter()
    assert calm.show("", "ask not what", 0.0) == "ask not what"
    assert calm.show("", "ask not what you", 0.1) == "ask not what you"


def test_a_rewrite_of_more_than_half_waits_300_ms() -> None:
    calm = FlickerFilter()
    calm.show("We", " went to the shore", 0.0)
    assert calm.show("We", " want two of these now", 0.1) == " went to the shore"
    assert calm.show("We", " want two of these now", 0.35) == " want two of these now"


def test_only_pending_words_stay() -> None:
    calm = FlickerFilter()
    calm.show("", "We went to the shore", 0.0)
    assert calm.show("We went", " by car home", 0.1) == " to the shore"


def test_a_stash_whose_beginning_was_committed_in_other_words_is_stale() -> None:
    calm = FlickerFilter()
    calm.show("", "We want to", 0.0)
    assert calm.show("We went", " home", 0.1) == " home"


def test_an_empty_stash_is_shown_at_once() -> None:
    calm = FlickerFilter()
    calm.show("", "the end", 0.0)
    assert calm.show("The end.", "", 0.05) == ""


def test_language_of_scripts() -> None:
    assert language_of("你好，世界") == "zh"
    assert language_of("こんにちは世界") == "ja"
    assert language_of("안녕하세요") == "ko"
    assert language_of("Привет") == "ru"
    assert language_of("12:30") == "en"
    assert language_of("Guten Tag", default="de") == "de"


def test_a_translator_that_revises_its_drafts_shows_less_of_them() -> None:
    stability = DraftStability()
    draft = "one two three four five six"
    assert stability.sure_part(draft, alone=False) == "one two three four five"
    for _ in range(60):
        stability.learn("one two three four", "one 2 3 4 5")
    assert stability.sure_part(draft, alone=False) == ""
    assert stability.sure_part(draft, alone=True) == "one"
    for _ in range(60):
        stability.learn("one two three four", "one two three four five")
    assert stability.sure_part(draft, alone=False) == "one two three four five"
    assert stability.sure_part("one", alone=False) == "one"
    assert stability.sure_part("", alone=True) == ""
