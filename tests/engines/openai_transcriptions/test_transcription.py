"""Answers of transcription endpoints as hypotheses."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest

from dragoman.engines.openai_transcriptions.transcription import Transcription, hypothesis_of
from dragoman.speech import Hypothesis, joined_text


def heard(asked: str | None = None, length_s: float = 4.0, **answer: Any) -> Hypothesis:
    return hypothesis_of(msgspec.convert(answer, Transcription), asked, length_s)


def words(hypothesis: Hypothesis) -> list[tuple[str, int | None, int | None]]:
    return [(word.text, word.start_ms, word.end_ms) for word in hypothesis.words]


def test_text_alone_has_no_times_and_says_nothing_of_how_sure_it_is() -> None:
    found = heard(text=" Hello, world. ")
    assert words(found) == [("Hello,", None, None), ("world.", None, None)]
    assert found.confidence == 1.0
    assert found.language is None


def test_words_have_the_times_of_the_words_and_the_marks_of_the_text() -> None:
    timed = [{"word": "Hello", "start": 0.5, "end": 1.0}, {"word": "world", "start": 1.5, "end": 2}]
    segments = [{"text": "Hello, world.", "start": 0, "end": 4}]
    found = heard(text="Hello, world.", words=timed, segments=segments)
    assert words(found) == [("Hello,", 500, 1000), ("world.", 1500, 2000)]


def test_without_words_segments_give_the_times() -> None:
    segments = [{"text": "aa bb", "start": 1.0, "end": 2.0}, {"text": "cc", "start": 3, "end": 3.5}]
    assert words(heard(text="aa bb cc", segments=segments)) == [
        ("aa", 1000, 1500),
        ("bb", 1500, 2000),
        ("cc", 3000, 3500),
    ]
    empty = [{"text": "aa bb cc", "start": 0.0, "end": 0.0}]
    assert words(heard(text="aa bb", segments=empty)) == [("aa", None, None), ("bb", None, None)]


def test_times_lie_within_the_audio() -> None:
    timed = [{"word": "a", "start": -1e9, "end": 1e300}, {"word": "b", "start": 9.0, "end": 8.0}]
    for _, start_ms, end_ms in words(heard(text="a b", words=timed)):
        assert start_ms is not None
        assert end_ms is not None
        assert 0 <= start_ms <= end_ms <= 4_000


@pytest.mark.parametrize(
    ("logprobs", "expected"),
    [
        ([-0.1], math.exp(-0.1)),
        ([-2.0], math.exp(-2.0)),
        ([0.0], 1.0),
        ([0.7], 1.0),
        ([-1e9], 0.0),
        ([None], 1.0),
        ([-0.5, -1.5, None], (math.exp(-0.5) + math.exp(-1.5)) / 2),
    ],
)
def test_the_confidence_is_what_the_model_says(
    logprobs: list[float | None], expected: float
) -> None:
    segments = [{"text": "four", "avg_logprob": logprob} for logprob in logprobs]
    found = heard(text="four", segments=segments)
    assert found.confidence == pytest.approx(expected)
    assert found.language_confidence == found.confidence


@pytest.mark.parametrize(
    ("text", "expected", "language"),
    [
        ("language English<asr_text>Hello.", "Hello.", "en"),
        ("language Chinese<asr_text>你好", "你好", "zh"),
        ("language Chinese,English<asr_text>你好", "你好", "zh"),
        ("Language Cantonese<ASR_TEXT>x", "x", "yue"),
        ("language None<asr_text>", "", None),
        ("<asr_text>Hello.</asr_text>", "Hello.", None),
        ("The language English is <rich>.", "The language English is <rich>.", None),
        ("<|en|><|0.00|>Hello.<|endoftext|>", "Hello.", None),
    ],
)
def test_what_models_write_around_the_text_is_understood(
    text: str, expected: str, language: str | None
) -> None:
    found = heard(text=text)
    assert joined_text(found.words) == expected
    assert found.language == language
    assert not found.words or found.confidence == 1.0


@pytest.mark.parametrize(
    ("said", "asked", "expected"),
    [("english", None, "en"), ("de", None, "de"), ("auto", "fr", "fr"), (None, "fr", "fr"),
     ("german", "fr", "de"), ("", None, None)],
)  # fmt: skip
def test_the_language_is_the_one_that_was_recognised(
    said: str | None, asked: str | None, expected: str | None
) -> None:
    assert heard(asked, text="x", language=said).language == expected


def test_silence_is_no_words_without_confidence_and_in_no_language() -> None:
    found = heard(text="  ", language="nynorsk", segments=[])
    assert found.words == ()
    assert (found.confidence, found.language, found.language_confidence) == (0.0, None, 0.0)
    assert heard("de", text="", language="english").language == "de"


def test_a_decoder_that_loops_is_not_believed() -> None:
    found = heard(text="no " * 500)
    assert found.words == ()
    assert found.confidence == 0.0
    assert heard(text="quick words " * 8).words


@pytest.mark.parametrize(
    "text", ["language" + " " * 100_000, " " * 100_000 + "language \t" * 50_000]
)
def test_a_head_without_an_end_is_read_at_once(text: str) -> None:
    """A model that loops over spaces: the pattern must not try every way to share them out."""
    assert heard(text=text) == Hypothesis(confidence=0.0, language_confidence=0.0)
