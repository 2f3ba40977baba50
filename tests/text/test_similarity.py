"""Measures of how much words look and sound alike."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dragoman.text.similarity import (
    edits,
    letters,
    shared_length,
    skeleton,
    sound_distance,
    sound_key,
    sounds_farther,
)

words = st.text("abcdeghkstuy", max_size=9)


def test_looks() -> None:
    assert edits("kitten", "sitting", 3) == 3
    assert edits("kitten", "sitting", 2) == 3
    assert edits(["a", "big", "dog"], ["a", "dog"]) == 1
    assert shared_length(["a", "big"], ["a", "bad"]) == 1
    assert shared_length("abc", "abcd") == 3
    assert letters("Ünö-X") == "unox"


def test_sounds() -> None:
    assert skeleton("Kubernetes") == skeleton("Cooper Netties")
    assert skeleton("Thessaloniki") == skeleton("Tessalonicki")
    assert skeleton("") == ""
    assert sound_key("Phil") == sound_key("fil")
    assert sound_distance(sound_key("Phil"), sound_key("fil")) == 0.0


@given(words, words)
def test_the_sound_distance_is_symmetric_and_the_fast_bound_never_exceeds_it(
    left: str, right: str
) -> None:
    one, other = sound_key(left), sound_key(right)
    distance = sound_distance(one, other)
    assert abs(distance - sound_distance(other, one)) < 1e-9
    for most in (0.1, 0.25, 0.5):
        assert not sounds_farther(one, other, most) or distance > most
