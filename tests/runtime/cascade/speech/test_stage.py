"""The speech stage in virtual time: what is spoken when, how fast, and what is skipped."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from types import SimpleNamespace

import msgspec
import pytest

from dragoman.engines.base import Utterance
from dragoman.policy.speaking.catch_up import letters
from dragoman.runtime.cascade.speech.speech_queue import MOST_S, SpeechQueue
from dragoman.runtime.cascade.speech.stage import SpeechStage
from dragoman.runtime.hosts.host import EngineFailed, TextRefused
from dragoman.runtime.observer import Event, FanOut, SpeechPlayed, SpeechSkipped
from dragoman.server.observability.lag_stats import LagStats
from dragoman.speech import Interpret, InterpretationOptions, Result, TurnDone, Voiced
from tests.policy.translation.talks import Clause, talk
from tests.runtime.virtual_time import run_in_virtual_time

TASK = Interpret(target="es", source="en", voice="Cherry", rate_out=8000)
NEVER = msgspec.structs.replace(TASK, conduct=InterpretationOptions(skip_after_s=0.0))
LETTER_S, PAUSE_S = 0.075, 0.12
Speech = tuple[float, int, str, bool]
"""When, in which turn, what, and whether a clause is complete with it."""


class Voice:
    """A host: speaks at a fixed pace, each second of sound in ``factor`` seconds."""

    def __init__(
        self,
        *,
        starts_s: float = 0.05,
        factor: float = 0.1,
        fails: Callable[[str], EngineFailed | None] = lambda _text: None,
    ) -> None:
        self.said: list[tuple[float, Utterance]] = []
        self.slacks: list[float] = []
        self._starts_s, self._factor, self._fails = starts_s, factor, fails

    async def speak(
        self, utterance: Utterance, rate_hz: int, *, slack_s: float = 0.0
    ) -> AsyncGenerator[bytes, None]:
        loop = asyncio.get_running_loop()
        self.said.append((loop.time() - 1000, utterance))
        self.slacks.append(slack_s)
        await asyncio.sleep(self._starts_s)
        left_s = letters(utterance.text) * LETTER_S / utterance.rate + PAUSE_S * utterance.pause
        while left_s > 0:
            if failure := self._fails(utterance.text):
                raise failure
            await asyncio.sleep(min(left_s, 0.3) * self._factor)
            yield bytes([len(self.said) % 256]) * (2 * round(min(left_s, 0.3) * rate_hz))
            left_s -= 0.3

    @property
    def texts(self) -> list[str]:
        return [utterance.text for _, utterance in self.said]

    @property
    def rates(self) -> list[float]:
        return [utterance.rate for _, utterance in self.said]


class SpeechEvents:
    """An observer of the lags, the rates and the skips."""

    def __init__(self) -> None:
        self.lags: list[float] = []
        self.rates: list[float] = []
        self.skips: list[float] = []
        self.all = LagStats()

    def on(self, event: Event) -> None:
        if isinstance(event, SpeechPlayed):
            self.lags.append(event.lag_s)
            self.rates.append(event.rate)
            self.all.add(event.lag_s, event.at_s)
        elif isinstance(event, SpeechSkipped):
            self.skips.append(event.seconds)


class Run:
    """The speech stage of one session, given text at its times (seconds from the start)."""

    def __init__(
        self,
        voice: Voice,
        speech: Sequence[Speech],
        *,
        task: Interpret = TASK,
        listened: Callable[[float], float] = lambda t: t,
        bad: frozenset[int] = frozenset(),
    ) -> None:
        self.voice, self.events = voice, SpeechEvents()
        self.facts: list[Result] = []
        self.said_s: list[float] = []  # when translating could go on
        self._speech, self._task, self._bad = speech, task, bad
        self._listened = listened
        run_in_virtual_time(self._main())

    async def _main(self) -> None:
        loop = asyncio.get_running_loop()
        engines = SimpleNamespace(synthesizer=lambda _language: self.voice)
        stage = SpeechStage(
            engines, self._emit, self.events, loop.time,
            listened_s=lambda: self._listened(loop.time() - 1000),
        )  # fmt: skip
        self.stage = stage
        running = asyncio.create_task(stage.run())
        turn = 0
        for at_s, of_turn, text, ends in self._speech:
            await asyncio.sleep(max(0.0, 1000 + at_s - loop.time()))
            for over in range(max(turn, 1), of_turn) if turn else []:
                await stage.close(over, failed=over in self._bad)
            turn = of_turn
            await stage.say(turn, self._task, text, ends=ends)
            self.said_s.append(loop.time() - 1000)
        await stage.close(turn, failed=turn in self._bad)
        await stage.end()
        await running

    async def _emit(self, fact: Result) -> None:
        self.facts.append(fact)

    @property
    def done(self) -> list[TurnDone]:
        return [fact for fact in self.facts if isinstance(fact, TurnDone)]

    @property
    def all_skipped(self) -> int:
        return len(self.events.skips)


def spoken_talk(clauses: Sequence[Clause], per_turn: int = 12) -> list[Speech]:
    """The clauses as text of their lengths: a letter for every ``LETTER_S``, sentences marked.
    Turns end with sentences.
    """
    speech: list[Speech] = []
    turn, in_turn = 1, 0
    for number, clause in enumerate(clauses):
        if clause.begins and in_turn >= per_turn:
            turn, in_turn = turn + 1, 0
        in_turn += 1
        closes = number + 1 == len(clauses) or clauses[number + 1].begins
        name = f" n{number}x"
        rest = max(1, round(clause.length_s / LETTER_S) - letters(name))
        text = name + "a" * rest + (".", ",")[not closes]
        speech.append((clause.commit_s, turn, text, True))
    return speech


# ---------------------------------------------------------------- a talk, start to end
@pytest.mark.parametrize(("load", "skips"), [(0.9, False), (1.25, True), (1.4, True)])
def test_speech_keeps_up_with_a_fast_speaker(load: float, skips: bool) -> None:
    speech = spoken_talk(talk(load, seed=4, minutes=8))
    run = Run(Voice(), speech)
    lags = run.events.all
    assert lags.quantile(0.95) <= 6.8  # from the commitment
    assert max(run.events.lags) <= 8.0
    assert abs(lags.drift) < 0.3
    assert bool(run.events.skips) is skips
    assert len(run.voice.said) + run.all_skipped == len(speech)
    assert 1.0 == min(run.voice.rates) < max(run.voice.rates) <= 1.3
    texts = [text.strip() for _, _, text, _ in speech]
    numbers = [texts.index(text) for text in run.voice.texts]
    assert numbers == sorted(numbers)  # in order, each whole
    for before, number in itertools.pairwise(numbers):
        resumed = number > before + 1
        late_s = run.events.lags[numbers.index(number)]
        assert not resumed or texts[number - 1].endswith(".") or late_s < 1.1


def test_skipped_speech_is_reported_in_seconds(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO, "dragoman.session"):
        speech = spoken_talk(talk(1.4, seed=2, minutes=8))
        run = Run(Voice(), speech)
    said = set(run.voice.texts)
    left_out = [text for _, _, text, _ in speech if text.strip() not in said]
    exact_s = sum(letters(text) * LETTER_S + PAUSE_S for text in left_out)
    assert len(left_out) == run.all_skipped > 10
    assert sum(run.events.skips) == pytest.approx(exact_s, rel=0.1)
    lines = [r.getMessage() for r in caplog.records if "skipped" in r.getMessage()]
    assert 0 < len(lines) <= run.all_skipped  # a queue for each gap, not for each piece
    assert sum(float(queue.split()[0]) for queue in lines) == pytest.approx(
        sum(run.events.skips), abs=0.1 * len(lines)
    )


def test_turns_end_in_order_and_their_length_is_that_of_their_sound() -> None:
    run = Run(Voice(), spoken_talk(talk(1.25, seed=3, minutes=4)), bad=frozenset({2}))
    assert [done.turn for done in run.done] == list(range(1, len(run.done) + 1))
    assert [done.status for done in run.done[:3]] == ["completed", "failed", "completed"]
    sound: dict[int, int] = {}
    latest = 0
    for fact in run.facts:
        if isinstance(fact, Voiced):
            assert fact.turn > latest  # never behind the end of its turn
            sound[fact.turn] = sound.get(fact.turn, 0) + len(fact.pcm)
        elif isinstance(fact, TurnDone):
            latest = fact.turn
            assert fact.audio_ms == sound.get(fact.turn, 0) // 16


def test_with_skipping_off_everything_is_spoken() -> None:
    speech = spoken_talk(talk(1.4, seed=5, minutes=4))
    run = Run(Voice(), speech, task=NEVER)
    assert run.voice.texts == [text.strip() for _, _, text, _ in speech]
    assert not run.events.skips


# ---------------------------------------------------------------- other voices and clients
def test_a_voice_slower_than_speech_skips_instead_of_falling_behind() -> None:
    speech = spoken_talk(talk(0.9, seed=6, minutes=8))
    run = Run(Voice(starts_s=0.5, factor=1.4), speech)
    assert run.events.all.quantile(0.95) <= 8.5
    assert abs(run.events.all.drift) < 0.3
    assert len(run.voice.said) + run.all_skipped == len(speech)
    assert run.all_skipped > 5
    late = [at_s - due_s for at_s, (due_s, *_) in zip(run.said_s, speech, strict=True)]
    assert max(late) < 0.01  # and never holds up the text


def test_a_recording_that_is_sent_at_once_is_spoken_whole_and_at_its_own_pace() -> None:
    """Ten times faster than speech: nobody listens to that as it comes."""
    live = spoken_talk(talk(0.9, seed=7, minutes=4))
    speech = [(at_s / 10, turn, text, ends) for at_s, turn, text, ends in live]
    pushed = Run(Voice(), speech, listened=lambda t: 10 * t)
    assert len(pushed.voice.said) == len(speech)
    assert pushed.voice.rates == pytest.approx(Run(Voice(), live).voice.rates, abs=0.08)
    hurried = Run(Voice(), speech)  # the same text from a live speaker would be skipped
    assert hurried.all_skipped > len(speech) // 2


def test_the_first_words_after_a_silence_are_spoken_however_late_the_voice_is() -> None:
    run = Run(Voice(starts_s=9.0), [(0.0, 1, "Uno dos.", True), (0.1, 1, " Tres.", True)])
    assert run.voice.texts == ["Uno dos.", "Tres."]
    assert run.events.lags == pytest.approx([9.03, 18.0], abs=0.2)


def test_with_skipping_off_a_slow_voice_holds_up_translation_within_bounds() -> None:
    speech = [(0.0, 1, f" n{n} {'a' * 97}.", True) for n in range(20)]
    run = Run(Voice(factor=1.0), speech, task=NEVER)
    assert len(run.voice.said) == 20
    in_time = sum(at_s < 0.01 for at_s in run.said_s)
    assert MOST_S / (100 * LETTER_S) <= in_time <= MOST_S / (100 * LETTER_S) + 2


# ---------------------------------------------------------------- units, rates, terse wording
def test_words_wait_for_their_clause_but_not_longer_than_a_second() -> None:
    words = [(0.0, 1, "Buenos", False), (0.1, 1, " días,", False), (0.2, 1, " señora.", True)]
    run = Run(Voice(), [*words, (8.0, 1, " Hola", False), (20.0, 1, " otra", False)])
    assert [(round(at_s, 1), u.text) for at_s, u in run.voice.said] == [
        (0.2, "Buenos días, señora."), (9.0, "Hola"), (20.0, "otra"),
    ]  # fmt: skip


def test_words_wait_for_more_while_earlier_speech_still_plays() -> None:
    long = "a" * 60
    run = Run(Voice(), [(0.0, 1, f"{long}.", True), (0.1, 1, " uno", False),
                        (2.0, 1, " dos", False), (30.0, 1, " tres", True)])  # fmt: skip
    (first, *_), (second_s, second), _ = run.voice.said
    assert second.text == "uno dos"
    assert second_s == pytest.approx(first + 0.05 + 60 * LETTER_S + PAUSE_S - 0.25, abs=0.1)
    assert 0.1 < run.voice.slacks[1] <= 0.25


def test_late_chunks_are_faster_and_closer_together() -> None:
    run = Run(Voice(), [(0.0, 1, f" {'a' * 20}.", True)] * 5)
    assert run.voice.rates[0] == 1.0
    assert run.voice.rates[1:] == sorted(run.voice.rates[1:])
    assert run.voice.rates[-1] == 1.3
    assert [utterance.pause for _, utterance in run.voice.said] == [1, 0, 0, 0, 0]
    assert run.events.rates == run.voice.rates


def test_terse_wording_is_asked_for_while_speech_is_late() -> None:
    async def main() -> list[bool]:
        loop = asyncio.get_running_loop()
        engines = SimpleNamespace(synthesizer=lambda _language: Voice())
        facts: list[Result] = []

        async def emit(fact: Result) -> None:
            facts.append(fact)

        stage = SpeechStage(engines, emit, FanOut(), loop.time, listened_s=lambda: 0.0)
        running = asyncio.create_task(stage.run())
        answers = [stage.wants_terse(TASK)]
        await stage.say(1, TASK, "a" * 80, ends=True)
        answers.append(stage.wants_terse(TASK))  # not yet spoken
        await asyncio.sleep(1.0)
        answers.append(stage.wants_terse(TASK))
        answers.append(stage.wants_terse(msgspec.structs.replace(TASK, speak=False)))
        await asyncio.sleep(3.0)
        answers.append(stage.wants_terse(TASK))
        await stage.end()
        await running
        return answers

    assert run_in_virtual_time(main()) == [False, True, True, False, False]


def test_a_session_without_speech_speaks_nothing_and_ends_its_turns() -> None:
    run = Run(Voice(), [(0.0, 1, "Uno.", True), (0.1, 2, "Dos.", True)],
              task=msgspec.structs.replace(TASK, speak=False))  # fmt: skip
    assert run.facts == [TurnDone(1, 0, "completed"), TurnDone(2, 0, "completed")]


# ---------------------------------------------------------------- failures
def failing(failure: EngineFailed) -> Callable[[str], EngineFailed | None]:
    return lambda text: failure if "漢" in text else None


MIXED = [(0.0, 1, "Uno dos tres.", True), (0.1, 1, " 漢字.", True), (0.2, 1, " Cuatro.", True),
         (0.3, 1, " 漢.", True), (0.4, 1, " Cinco.", True), (0.5, 2, "Seis.", True)]  # fmt: skip


def test_speech_goes_on_behind_a_refused_text(caplog: pytest.LogCaptureFixture) -> None:
    run = Run(Voice(fails=failing(TextRefused("no kanji"))), MIXED)
    assert run.voice.texts == ["Uno dos tres.", "漢字.", "Cuatro.", "漢.", "Cinco.", "Seis."]
    assert [(d.turn, d.status) for d in run.done] == [(1, "failed"), (2, "completed")]
    assert run.done[0].audio_ms > 1000
    (queue,) = [r.getMessage() for r in caplog.records]
    assert queue == "turn 1 is not spoken to its end: no kanji"


def test_after_a_second_failure_the_rest_of_the_turn_is_not_tried() -> None:
    run = Run(Voice(fails=failing(EngineFailed("died"))), MIXED)
    assert run.voice.texts == ["Uno dos tres.", "漢字.", "Cuatro.", "漢.", "Seis."]
    assert [(d.turn, d.status) for d in run.done] == [(1, "failed"), (2, "completed")]


# ---------------------------------------------------------------- the queue
def test_the_queue_is_bounded_in_seconds_and_in_items() -> None:
    async def main() -> list[int]:
        found = []
        for seconds in (10.0, 0.0):
            queue: SpeechQueue[int] = SpeechQueue()

            async def fill(queue: SpeechQueue[int] = queue, seconds: float = seconds) -> None:
                for number in range(100):
                    await queue.put(number, seconds)

            task = asyncio.create_task(fill())
            await asyncio.sleep(0.1)
            found.append(len(queue))
            assert [await queue.get() for _ in range(100)] == list(range(100))
            await task
            assert queue.seconds == 0.0
            with pytest.raises(TimeoutError):
                await queue.get(0.5)
        return found

    assert run_in_virtual_time(main()) == [3, 64]
