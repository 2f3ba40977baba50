"""The cascade under random schedules: every word and every sound belongs to its turn."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman.engines.base import Translation, Utterance, Window
from dragoman.runtime.driver.inbox import Inbox
from dragoman.runtime.hosts.host import EngineFailed
from dragoman.speech import (
    Audio,
    Clear,
    Endpointing,
    EndTurn,
    Heard,
    Image,
    Input,
    Interpret,
    InterpretationOptions,
    PolicyName,
    Result,
    SpeechStarted,
    SpeechStopped,
    Translated,
    TurnDone,
    Voiced,
)
from tests.runtime.cascade.fake_cascade import (
    ANY,
    TASK,
    FakeEngines,
    final,
    pcm,
    pieces,
    run,
    start,
)
from tests.runtime.fake_engines import spoken


def voices(facts: list[Result]) -> dict[int, str]:
    sound: dict[int, bytes] = defaultdict(bytes)
    for fact in facts:
        if isinstance(fact, Voiced):
            sound[fact.turn] += fact.pcm
    return {
        turn: " ".join(data.replace(b"\0", b" ").decode().split()) for turn, data in sound.items()
    }


def check_grammar(facts: list[Result]) -> None:
    """Started, then text and sound, stopped, finals, done; committed text only grows."""
    seen: dict[int, list[str]] = defaultdict(list)
    texts: dict[tuple[int, type], str] = defaultdict(str)
    for fact in facts:
        turn = fact.turn
        seen[turn].append(type(fact).__name__)
        if isinstance(fact, Heard | Translated):
            key = (turn, type(fact))
            assert fact.text.startswith(texts[key])
            texts[key] = fact.text
            assert not (fact.final and fact.stash)
    for kinds in seen.values():
        assert kinds[0] == "SpeechStarted"
        assert kinds[-1] == "TurnDone"
        assert kinds.count("SpeechStarted") == kinds.count("SpeechStopped") == 1
        assert kinds.count("TurnDone") == 1
        assert kinds.index("SpeechStopped") < len(kinds) - 1
    started = [f for f in facts if isinstance(f, SpeechStarted | SpeechStopped)]
    assert [f.turn for f in started] == sorted(f.turn for f in started)
    assert [f.at_ms for f in started] == sorted(f.at_ms for f in started)


levels = st.lists(st.integers(2, 90), min_size=1, max_size=12)


@settings(deadline=None, max_examples=25)
@given(
    st.lists(levels, min_size=1, max_size=4),
    st.lists(st.integers(1, 2000).map(lambda ms: ms * 16), min_size=1, max_size=5),
    st.sampled_from([320, None]),
    st.sampled_from(["auto", "agree", "units", "turn"]),
    st.integers(0, 999),
)
def test_any_chunks_any_schedule(
    turns: list[list[int]], sizes: list[int], step_ms: int | None, policy: PolicyName, seed: int
) -> None:
    parts: list[str | int] = [320]
    for turn in turns:
        parts += [f"w{level}" for level in turn]
        parts.append(1600)
    engines = FakeEngines(random.Random(seed), step_ms=step_ms)
    task = msgspec.structs.replace(TASK, conduct=InterpretationOptions(policy=policy))
    facts = run(engines, pieces(spoken(*parts), sizes), task)
    check_grammar(facts)
    said = {n: " ".join(f"w{level}" for level in turn) for n, turn in enumerate(turns, 1)}
    assert final(facts, Heard) == said
    translated = {n: " ".join(f"{w}'" for w in text.split()) for n, text in said.items()}
    assert final(facts, Translated) == translated
    assert voices(facts) == translated


def test_speech_without_a_pause_is_cut_at_thirty_seconds_and_no_word_is_lost() -> None:
    names = [f"w{2 + n % 80}" for n in range(200)]  # 80 s
    facts = run(FakeEngines(), pieces(spoken(*names, 1600), [1600]))
    check_grammar(facts)
    spans = {f.turn: [f.at_ms] for f in facts if isinstance(f, SpeechStarted)}
    for fact in facts:
        if isinstance(fact, SpeechStopped):
            spans[fact.turn].append(fact.at_ms)
    assert len(spans) == 3
    assert all(stop - start <= 30_000 for start, stop in spans.values())
    assert spans[2][0] == spans[1][1]
    heard = final(facts, Heard)
    assert " ".join(heard[n] for n in sorted(heard)).split() == names


def test_translation_and_speech_begin_while_the_speaker_talks() -> None:
    names = [f"w{n}" for n in range(2, 32)]
    facts = run(FakeEngines(), pieces(spoken(*names, 1600), [1600]))
    kinds = [type(f) for f in facts]
    assert kinds.index(Voiced) < kinds.index(SpeechStopped)
    first = next(f for f in facts if isinstance(f, Translated) and f.text)
    assert len(first.text.split()) < len(names)


def test_silence_and_noise_make_no_turn() -> None:
    hiss = np.random.default_rng(1).normal(0, 0.001, 16_000 * 5).astype(np.float32)
    assert run(FakeEngines(), [Audio(pcm(hiss))]) == []


def test_in_manual_mode_commits_make_turns_even_of_silence() -> None:
    task = Interpret(target="es", source="en", endpointing=None)
    inputs: list[Input] = [
        Audio(pcm(spoken("w5", "w6", 2500, "w7"))), EndTurn(),
        Audio(pcm(spoken(300))), EndTurn(),
        EndTurn(),
    ]  # fmt: skip
    facts = run(FakeEngines(), inputs, task)
    check_grammar(facts)
    assert final(facts, Heard) == {1: "w5 w6 w7", 2: "", 3: ""}


def test_many_commits_that_end_inside_a_frame_keep_the_clock_of_the_session() -> None:
    task = Interpret(target="es", source="en", endpointing=None)
    length = 1010 * 16 + 7  # neither whole frames nor whole milliseconds
    inputs: list[Input] = []
    for _ in range(40):
        inputs += [Audio(pcm(spoken("w5", 700)[:length])), EndTurn()]
    facts = run(FakeEngines(), inputs, task)
    begun = [fact.at_ms for fact in facts if isinstance(fact, SpeechStarted)]
    ended = [fact.at_ms for fact in facts if isinstance(fact, SpeechStopped)]
    assert begun == pytest.approx([number * length / 16 for number in range(40)], abs=2)
    assert ended == pytest.approx([number * length / 16 for number in range(1, 41)], abs=2)


def test_a_commit_under_vad_closes_the_open_turn_and_has_no_effect_without_one() -> None:
    audio = spoken("w5", "w6", "w7")
    facts = run(FakeEngines(), [EndTurn(), Audio(pcm(audio)), EndTurn(), EndTurn()])
    assert final(facts, Heard) == {1: "w5 w6 w7"}


def test_clear_ends_the_turn_with_what_was_committed() -> None:
    audio = spoken("w5", "w6", "w7", "w8", "w9")
    after = Audio(pcm(spoken(700, "w3", 1600)))
    facts = run(FakeEngines(), [*pieces(audio, [1600]), Clear(), after])
    check_grammar(facts)
    heard = final(facts, Heard)
    assert heard[1].split() == ["w5", "w6", "w7", "w8", "w9"][: len(heard[1].split())]
    assert heard[2] == "w3"


def test_settings_apply_from_the_next_turn() -> None:
    silent = Interpret(target="fr", source="en", speak=False, endpointing=TASK.endpointing)
    inputs: list[Input] = [
        Audio(pcm(spoken("w5", "w6"))), silent, Audio(pcm(spoken("w7", 1600, "w8", 1600))),
    ]  # fmt: skip
    facts = run(FakeEngines(), inputs)
    assert final(facts, Heard) == {1: "w5 w6 w7", 2: "w8"}
    assert set(voices(facts)) == {1}


def test_a_turn_says_how_much_audio_had_been_examined_when_it_was_found() -> None:
    """So whoever changes the task in between knows which task the turn has."""
    words = pcm(spoken(1000, "w5", "w6", 1600))
    facts = run(FakeEngines(), [Audio(words)])
    (begun,) = (fact for fact in facts if isinstance(fact, SpeechStarted))
    assert begun.at_ms < 1000 <= (begun.found_ms or 0) <= 1000 + 4 * 32


def test_detection_settings_that_come_during_a_turn_hold_for_the_next_one() -> None:
    padded = msgspec.structs.replace(TASK, endpointing=Endpointing(silence_ms=600, prefix_ms=0))
    inputs: list[Input] = [
        Audio(pcm(spoken(960, "w5"))), padded, Audio(pcm(spoken(3200, "w8", 1600))),
    ]  # fmt: skip
    facts = run(FakeEngines(), inputs)
    first, second = (fact.at_ms for fact in facts if isinstance(fact, SpeechStarted))
    assert first == pytest.approx(960 - TASK.endpointing.prefix_ms, abs=32)
    assert second == pytest.approx(960 + 400 + 3200, abs=32)


def test_the_same_language_passes_through_without_a_translator() -> None:
    def fail(request: Any) -> bool:
        return isinstance(request, Translation)

    task = Interpret(target="en", source="en", endpointing=TASK.endpointing)
    facts = run(FakeEngines(fail=fail), [Audio(pcm(spoken("w5", "w6", 1600)))], task)
    assert final(facts, Translated) == {1: "w5 w6"}
    assert facts[-1] == TurnDone(1, len(b"w5      w6      ") * 500 // 24_000, "completed")


@pytest.mark.parametrize("kind", [Window, Translation, Utterance])
def test_a_failing_engine_fails_its_turn_and_the_next_turn_goes_on(
    kind: type, caplog: pytest.LogCaptureFixture
) -> None:
    broken = True

    def fail(request: Any) -> bool:
        return broken and isinstance(request, kind)

    async def main() -> list[Result]:
        nonlocal broken
        engines, inbox, facts = FakeEngines(fail=fail), Inbox(320_000), []
        done = asyncio.Event()

        async def emit(fact: Result) -> None:
            facts.append(fact)
            if isinstance(fact, TurnDone):
                done.set()

        job = start(engines, inbox, emit)
        inbox.put(Audio(pcm(spoken("w5", "w6", "w7", 1600))))
        await done.wait()
        broken = False
        inbox.put(Audio(pcm(spoken("w8", "w9", 1600))))
        inbox.end()
        await asyncio.wait_for(job, 20)
        return facts

    facts = asyncio.run(main())
    check_grammar(facts)
    done = {f.turn: f.status for f in facts if isinstance(f, TurnDone)}
    assert done == {1: "failed", 2: "completed"}
    heard = final(facts, Heard)
    assert heard[2] == "w8 w9"
    assert heard.get(1) == (None if kind is Window else "w5 w6 w7")
    (line,) = [r.getMessage() for r in caplog.records if r.name == "dragoman.session"]
    assert line.startswith("turn 1 is not ")  # the operator learns which engine, and why
    assert line.endswith(": as told")


@pytest.mark.parametrize("step_ms", [320, None])
def test_a_recogniser_that_keeps_failing_ends_the_job(step_ms: int | None) -> None:
    engines = FakeEngines(fail=lambda request: isinstance(request, Window), step_ms=step_ms)
    audio = spoken(*["w5", 1600] * 4)
    with pytest.raises(ExceptionGroup) as failure:
        run(engines, pieces(audio, [1600]))
    assert failure.group_contains(EngineFailed)


@pytest.mark.parametrize("takes", [True, False])
def test_the_latest_picture_goes_to_translators_that_take_one(takes: bool) -> None:
    seen: list[bytes] = []

    def look(request: Any) -> bool:
        if isinstance(request, Translation):
            seen.append(request.image)
        return False

    engines = FakeEngines(fail=look)
    engines.translator("en", "es").preferred.info = msgspec.structs.replace(ANY, takes_images=takes)
    inputs: list[Input] = [
        Image(b"old", 0), Image(b"slide", 0), Audio(pcm(spoken("w5", "w6", 1600))),
    ]  # fmt: skip
    run(engines, inputs)
    assert set(seen) == {b"slide" if takes else b""}


def test_eight_kilohertz_input_is_recognised() -> None:
    task = Interpret(target="es", source="en", rate_in=8000, endpointing=TASK.endpointing)
    narrow = np.concatenate((np.full(4800, 0.05), np.zeros(12_800))).astype(np.float32)
    facts = run(FakeEngines(), pieces(narrow, [800]), task)
    stopped = next(f for f in facts if isinstance(f, SpeechStopped))
    assert 550 <= stopped.at_ms <= 700
