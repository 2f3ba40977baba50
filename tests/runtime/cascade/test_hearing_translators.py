"""Translators that hear: each gets the audio of its text, all of it and nobody else's."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman.engines.base import Info, Translation, Window
from dragoman.runtime.cascade.recent_audio import KEPT_MS, LONGEST_MS, RecentAudio
from dragoman.runtime.hosts.host import EngineFailed
from dragoman.speech import (
    Clear,
    EndTurn,
    Heard,
    Input,
    Interpret,
    InterpretationOptions,
    Translated,
)
from tests.runtime.cascade.fake_cascade import ANY, TASK, FakeEngines, final, pieces, run
from tests.runtime.fake_engines import FakeHost, spoken, transcript

HEARING = msgspec.structs.replace(ANY, name="hearing", takes_speech=True)


class Hearing(FakeHost):
    """A translator that keeps what it was asked. ``fails`` says of which requests nothing comes."""

    def __init__(self, info: Info = HEARING, rng: random.Random | None = None) -> None:
        super().__init__(info, rng=rng)
        self.asked: list[Translation] = []
        self.fails: Callable[[Translation], bool] = lambda _request: False

    async def call(self, request: Any) -> Any:
        if isinstance(request, Translation):
            self.asked.append(request)
            if self.fails(request):
                raise EngineFailed("as told")
        return await super().call(request)


class Timed(FakeHost):
    """A recogniser that knows when words begin and end."""

    async def call(self, request: Any) -> Any:
        answer = await super().call(request)
        if not isinstance(request, Window):
            return answer
        words, level = [], np.frombuffer(request.samples, np.float32)
        edges = np.flatnonzero(np.diff(level != 0, prepend=False, append=False)).tolist()
        spans = [
            pair for pair in zip(edges[::2], edges[1::2], strict=True) if pair[1] - pair[0] > 960
        ]
        for word, (begin, end) in zip(answer.words, spans, strict=True):
            words.append(msgspec.structs.replace(word, start_ms=begin // 16, end_ms=end // 16))
        return msgspec.structs.replace(answer, words=tuple(words))


def engines_with(*translators: FakeHost, seed: int = 0, step_ms: int | None = 320) -> FakeEngines:
    engines = FakeEngines(random.Random(seed), step_ms=step_ms)
    engines.translators = list(translators)
    return engines


def heard_in(request: Translation) -> list[str]:
    """The whole words in the audio of a request."""
    words = transcript(np.frombuffer(request.speech, np.float32))
    return [word.text for word in words if word.text.startswith("w")]


def contains(words: list[str], part: list[str]) -> bool:
    return any(words[at : at + len(part)] == part for at in range(len(words) - len(part) + 1))


levels = st.lists(st.integers(2, 90), min_size=1, max_size=12)


@settings(deadline=None, max_examples=25)
@given(
    st.lists(levels, min_size=1, max_size=4),
    st.lists(st.integers(1, 2000).map(lambda ms: ms * 16), min_size=1, max_size=5),
    st.sampled_from([320, None]),
    st.sampled_from(["auto", "agree", "units", "turn"]),
    st.integers(0, 999),
    st.booleans(),
)
def test_the_audio_holds_the_words_of_the_text_and_of_no_other_turn(
    turns: list[list[int]],
    sizes: list[int],
    step_ms: int | None,
    policy: Any,
    seed: int,
    timed: bool,
) -> None:
    parts: list[str | int] = [320]
    for turn in turns:
        parts += [*(f"w{level}" for level in turn), 1600]
    host = Hearing(rng=random.Random(seed))
    engines = engines_with(host, seed=seed, step_ms=step_ms)
    if timed:
        engines.asr = Timed(engines.asr.info, rng=random.Random(seed))
    task = msgspec.structs.replace(TASK, conduct=InterpretationOptions(policy=policy))
    facts = run(engines, pieces(spoken(*parts), sizes), task)
    said = [[f"w{level}" for level in turn] for turn in turns]
    assert final(facts, Heard) == {n: " ".join(turn) for n, turn in enumerate(said, 1)}
    for request in host.asked:
        heard = heard_in(request)
        assert contains(heard, request.text.split()), (heard, request.text)
        assert any(contains(turn, heard) for turn in said), (heard, said)
        assert not timed or heard == request.text.split()
        assert len(request.speech) <= LONGEST_MS * 64


def test_without_a_hearing_translator_nothing_is_kept_or_sent() -> None:
    plain = Hearing(ANY)
    run(engines_with(plain), pieces(spoken("w5", "w6", 1600), [1600]))
    assert plain.asked
    assert {request.speech for request in plain.asked} == {b""}
    silent = RecentAudio()
    silent.append(0, np.zeros(512, np.float32))
    assert silent.kept_ms == 0


def test_a_text_translator_stands_by_and_hearing_comes_back() -> None:
    """The first one fails in the second turn: those calls are made of the other, without audio."""
    hearing, plain = Hearing(), Hearing(ANY)
    hearing.fails = lambda request: request.text.startswith("w7")
    task = msgspec.structs.replace(TASK, conduct=InterpretationOptions(policy="turn"))
    audio = spoken(320, "w5", "w6", 1600, "w7", "w8", 1600, "w9", "w10", 1600)
    facts = run(engines_with(hearing, plain), pieces(audio, [1600]), task)
    assert final(facts, Translated) == {1: "w5' w6'", 2: "w7' w8'", 3: "w9' w10'"}
    assert all(contains(heard_in(one), one.text.split()) for one in hearing.asked)
    assert hearing.asked[-1].text == "w9 w10"
    assert plain.asked
    assert all(one.text.startswith("w7") and not one.speech for one in plain.asked)


def test_a_long_manual_turn_keeps_a_bounded_piece_of_itself() -> None:
    names = [f"w{2 + n % 80}" for n in range(300)]  # two minutes
    host, task = Hearing(), Interpret(target="es", source="en", endpointing=None)
    inputs: list[Input] = [*pieces(spoken(*names), [1600]), EndTurn()]
    facts = run(engines_with(host), inputs, task)
    assert final(facts, Heard) == {1: " ".join(names)}
    assert all(len(one.speech) <= LONGEST_MS * 64 for one in host.asked)
    assert contains(heard_in(host.asked[-1]), host.asked[-1].text.split()), "the last is there"
    kept = RecentAudio()
    kept.is_wanted = True
    for number in range(10_000):
        kept.append(number * 32, np.zeros(512, np.float32))
        assert kept.kept_ms <= KEPT_MS


def test_cleared_audio_is_nobodys() -> None:
    host, task = Hearing(), Interpret(target="es", source="en", endpointing=None)
    inputs: list[Input] = [
        *pieces(spoken("w5", "w6"), [1600]), Clear(),
        *pieces(spoken("w7", "w8"), [1600]), EndTurn(),
    ]  # fmt: skip
    run(engines_with(host), inputs, task)
    for request in host.asked:
        assert contains(heard_in(request), request.text.split())
        assert not {"w7", "w8"} & set(heard_in(request)) or "w5" not in heard_in(request)


@pytest.mark.parametrize(
    ("begin_ms", "end_ms"), [(-1, 500), (900, 1_100), (500, 500), (600, 500), (0, LONGEST_MS + 1)]
)
def test_a_piece_is_whole_or_is_none(begin_ms: int, end_ms: int) -> None:
    recent = RecentAudio()
    recent.is_wanted = True
    recent.append(0, np.full(16_000, 0.5, np.float32))
    if 0 <= begin_ms < end_ms <= LONGEST_MS:
        found = np.frombuffer(recent.piece(begin_ms, end_ms), np.float32)
        assert len(found) == (end_ms - begin_ms) * 16
        assert set(found[: (1_000 - begin_ms) * 16]) == {np.float32(0.5)}
        assert not found[(1_000 - begin_ms) * 16 :].any()
    else:
        assert recent.piece(begin_ms, end_ms) == b""
