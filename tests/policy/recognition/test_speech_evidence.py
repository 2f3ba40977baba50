"""Whether there was enough speech for the recognised words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.policy.recognition.speech_evidence import (
    PLAIN_MS,
    SpeechEvidence,
    known_hallucination,
)
from dragoman.speech import Word

FRAME_MS = 32
YOU = {"you"}


def evidence_of(*stretches: tuple[float, int]) -> tuple[SpeechEvidence, float]:
    """Frames of these probabilities, and how long they are."""
    evidence, frames = SpeechEvidence(), 0
    for probability, count in stretches:
        for _ in range(count):
            evidence.feed(probability, FRAME_MS)
        frames += count
    return evidence, frames * FRAME_MS


def words(text: str) -> list[Word]:
    return [Word(word) for word in text.split()]


def test_a_short_noise_is_no_word_and_a_plainly_spoken_word_is() -> None:
    evidence, end_ms = evidence_of((0.1, 30), (0.6, 3), (0.1, 30))
    assert not evidence.is_plausible(words("Yes."), end_ms)
    evidence, end_ms = evidence_of((0.1, 10), (0.95, 10), (0.1, 10))
    assert evidence.is_plausible(words("Yes."), end_ms)


def test_a_known_hallucination_needs_plain_speech() -> None:
    evidence, end_ms = evidence_of((0.8, 12))
    assert not evidence.is_plausible(words("You"), end_ms, YOU)
    assert evidence.is_plausible(words("You will"), end_ms, YOU)
    assert evidence.is_plausible(words("No."), end_ms, YOU)
    evidence, end_ms = evidence_of((1.0, int(PLAIN_MS / FRAME_MS) + 1))
    assert evidence.is_plausible(words("You"), end_ms, YOU)
    evidence, end_ms = evidence_of((1.0, 50))
    assert not evidence.is_plausible(words("You"), end_ms, YOU)  # one word does not take so long


@pytest.mark.parametrize(
    ("said", "plausible"), [("you", False), ("a rather long text of it", True)]
)
def test_one_word_for_seconds_of_sound_is_not_plausible(said: str, plausible: bool) -> None:
    evidence, end_ms = evidence_of((0.9, 300))
    assert evidence.is_plausible(words(said), end_ms) is plausible


def test_a_language_without_spaces_is_not_counted_by_words() -> None:
    evidence, end_ms = evidence_of((0.9, 120))
    assert evidence.is_plausible([Word("今天我们来谈谈语音识别的问题")], end_ms)


def test_a_sentence_for_a_click_is_not_plausible() -> None:
    evidence, end_ms = evidence_of((0.9, 4))
    assert not evidence.is_plausible(words("thank you very much for watching this"), end_ms)


@given(st.integers(1, 40), st.floats(0.7, 1.0))
def test_speech_at_any_human_rate_plausible(count: int, probability: float) -> None:
    for word_ms in (180, 400, 1500):  # from hurried to dragging
        evidence, end_ms = evidence_of((probability, -(-count * word_ms // FRAME_MS)))
        assert evidence.is_plausible([Word("word")] * count, end_ms)


def test_only_evidence_up_to_the_time_counts_and_a_cut_drops_it() -> None:
    evidence, _ = evidence_of((0.0, 20), (0.9, 20))
    assert not evidence.is_plausible(words("Yes."), 20 * FRAME_MS)
    assert evidence.is_plausible(words("Yes."), 40 * FRAME_MS)
    evidence.cut(20 * FRAME_MS)
    assert evidence.is_plausible(words("Yes."), 20 * FRAME_MS)
    evidence.cut(20 * FRAME_MS)
    assert not evidence.is_plausible(words("Yes."), 0)


def test_hallucinations_are_compared_without_case_and_marks() -> None:
    assert known_hallucination(words("Thank you.")) == "thank you"
