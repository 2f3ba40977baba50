"""Stateless calls where the engine runs: batches, and what fails alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dragoman.engines.base import Translation, Window
from dragoman.engines.scripted import ScriptedSpeaker
from dragoman.runtime.hosts.engine_calls import answer_batch, batching_of
from dragoman.runtime.hosts.requests import EncodeVoice, Outcome, VoiceVector, WarmDirection
from tests.runtime.hosts import tiny_engines as tiny


class Batches(tiny.UpperCase):
    """A translator that takes batches; one bad text fails its whole batch."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def translate_batch(self, requests: Sequence[Translation]) -> list[str]:
        self.sizes.append(len(requests))
        return [self.translate(request) for request in requests]


def texts(*words: str) -> list[Translation]:
    return [Translation(word, "en", "es") for word in words]


def test_a_translator_with_batches_gets_them() -> None:
    engine = Batches()
    assert batching_of(engine).kinds == {Translation}
    assert batching_of(tiny.UpperCase()).kinds == frozenset()
    assert batching_of(tiny.Listener()).kinds == {Window}
    assert answer_batch(engine, texts("a", "b")) == [Outcome("A"), Outcome("B")]
    assert engine.sizes == [2]


def test_a_bad_text_fails_alone_and_is_tried_alone() -> None:
    engine = Batches()
    good, bad, other = answer_batch(engine, texts("a", "!raise", "b"))
    assert (good, other) == (Outcome("A"), Outcome("B"))
    assert bad.failure is not None
    assert engine.sizes == [3, 1, 1, 1]


def test_other_calls_reach_the_method_of_their_kind() -> None:
    samples = np.sin(np.arange(16_000) / 5).astype(np.float32)
    (outcome,) = answer_batch(ScriptedSpeaker(), [EncodeVoice(samples.tobytes())])
    assert isinstance(outcome.answer, VoiceVector)
    vector = np.frombuffer(outcome.answer.values, np.float32)
    assert np.array_equal(vector, ScriptedSpeaker().encode(samples))
    assert answer_batch(tiny.UpperCase(), [WarmDirection("en", "es")]) == [Outcome()]
    (refused,) = answer_batch(ScriptedSpeaker(), [WarmDirection("en", "es")])
    assert refused.failure == "engine scripted-speaker (speaker) takes no WarmDirection"
