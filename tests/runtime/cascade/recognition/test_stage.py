"""Audio to turns: cut where they should be, each word once, with the settings that held."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman.engines.base import Samples, Window
from dragoman.engines.scripted.engines import ScriptedSpeaker
from dragoman.runtime.capacity import Speaker
from dragoman.runtime.cascade.image_reader import ImageReader
from dragoman.runtime.cascade.recognition.open_decoder import open_decoder
from dragoman.runtime.cascade.recognition.stage import RecognitionStage
from dragoman.runtime.cascade.recognition.turn import TurnPublisher
from dragoman.runtime.cascade.word_mailbox import TurnWords, WordMailbox
from dragoman.runtime.driver.inbox import Inbox
from dragoman.runtime.hosts.load import RecognizerLoad
from dragoman.runtime.loaded_engine import LoadedEngine
from dragoman.speech import (
    Audio,
    Clear,
    Endpointing,
    EndTurn,
    Heard,
    Hypothesis,
    Input,
    Interpret,
    InterpretationOptions,
    Result,
    SpeechStarted,
    SpeechStopped,
    Word,
)
from tests.runtime.cascade.fake_cascade import FakeEngines, final, pieces
from tests.runtime.fake_engines import FakeHost, spoken

PATIENT = Endpointing(silence_ms=3000)
TASK = Interpret(target="es", source="en", endpointing=PATIENT)


class MarkingAsr(FakeHost):
    """Recognises levels as words; a full stop stands behind every word in ``stops``, and then a
    capital letter.
    """

    stops: tuple[str, ...] = ()
    confidence = 1.0
    languages: Mapping[str, str] = MappingProxyType({})
    unsure: tuple[str, ...] = ()

    async def call(self, request: Any) -> Hypothesis | str:
        heard = await super().call(request)
        assert isinstance(heard, Hypothesis)
        texts = [word.text for word in heard.words]
        begins = [False, *(text in self.stops for text in texts)]
        words = tuple(
            Word((text.upper() if begin else text) + "." * (text in self.stops))
            for text, begin in zip(texts, begins, strict=False)
        )
        spoken_in = [self.languages[w.text] for w in heard.words if w.text in self.languages]
        language = spoken_in[-1] if spoken_in else heard.language
        is_sure = not any(word.text in self.unsure for word in heard.words)
        return Hypothesis(words, heard.confidence * self.confidence * is_sure, language)


class TalkEngines(FakeEngines):
    """Engines whose recogniser has sentence ends where the test wants them; counts the decoders."""

    def __init__(self, rng: random.Random | None = None, **options: Any) -> None:
        super().__init__(rng, step_ms=options.pop("step_ms", 320))
        self.asr = MarkingAsr(self.asr.info, rng=rng)
        for name, value in options.items():
            setattr(self.asr, name, value)
        self.decoders = 0
        self.speaker_encoder = FakeHost(ScriptedSpeaker().info, engine=ScriptedSpeaker())

    def recognizer(self, language: str | None) -> LoadedEngine:
        self.decoders += 1
        return super().recognizer(language)


def stage(engines: TalkEngines, task: Interpret, emit: Any, words: WordMailbox) -> RecognitionStage:
    publisher = TurnPublisher(emit, words, engines.events, engines.now_s, lambda: 0.0)
    images = ImageReader(None, engines.events, engines.now_s)
    return RecognitionStage(task, engines, publisher, images, Speaker())


async def recognise(
    engines: TalkEngines, inputs: list[Input], task: Interpret = TASK, *, pause: Any = None
) -> tuple[list[Result], list[TurnWords]]:
    """The facts, and what the next stage was given last of every turn."""
    inbox, words = Inbox(320_000), WordMailbox()
    facts: list[Result] = []
    given: list[TurnWords] = []

    async def emit(fact: Result) -> None:
        facts.append(fact)
        await asyncio.sleep(0)

    async def translate() -> None:
        while (newest := await words.get()) is not None:
            given.append(newest)

    async def send() -> None:
        for item in inputs:
            await inbox.room()
            inbox.put(item)
            for _ in range(pause() if pause else 1):
                await asyncio.sleep(0)
        inbox.end()

    recognition = stage(engines, task, emit, words)
    await asyncio.wait_for(asyncio.gather(recognition.run(inbox), translate(), send()), 60)
    return facts, given


def run(
    engines: TalkEngines, inputs: list[Input], task: Interpret = TASK, **how: Any
) -> list[Result]:
    return asyncio.run(recognise(engines, inputs, task, **how))[0]


def spans(facts: list[Result]) -> list[tuple[int, int]]:
    begun = [fact.at_ms for fact in facts if isinstance(fact, SpeechStarted)]
    ended = [fact.at_ms for fact in facts if isinstance(fact, SpeechStopped)]
    return list(zip(begun, ended, strict=True))


def plain(facts: list[Result]) -> list[str]:
    texts = final(facts, Heard)
    return " ".join(texts[n] for n in sorted(texts)).replace(".", "").lower().split()


# ---------------------------------------------------------------- long talks
NAMES = [f"w{2 + n % 80}" for n in range(150)]  # a minute without a pause


@pytest.mark.parametrize("chunk", [320, 1600, 32_000])
def test_a_monologue_is_cut_behind_a_sentence_and_no_word_is_lost_or_doubled(chunk: int) -> None:
    engines = TalkEngines(
        stops=("w22", "w45", "w50", "w70")
    )  # at 8, 18, 20, 28 s, and again 32 s later
    facts = run(engines, pieces(spoken(*NAMES, 4000), [chunk]))
    texts = final(facts, Heard)
    assert texts[1].endswith("w45.")  # the first one that ends after 15 s
    assert texts[2].startswith("W46 ")
    assert plain(facts) == NAMES
    lengths = [stop - start for start, stop in spans(facts)]
    assert 15_000 <= lengths[0] <= 20_000
    assert all(length <= 30_000 for length in lengths)
    assert engines.decoders == 1 or texts[1].endswith("w45.")


def test_a_cut_behind_a_sentence_asks_for_no_new_recogniser_and_decodes_nothing_twice() -> None:
    plainly = TalkEngines()
    run(plainly, pieces(spoken(*NAMES[:60], 4000), [1600]))
    engines = TalkEngines(stops=("w45",))
    facts = run(engines, pieces(spoken(*NAMES[:60], 4000), [1600]))
    assert len(spans(facts)) == 2
    assert engines.decoders == 1
    assert len(engines.asr.windows) == len(plainly.asr.windows)


def test_sentences_shorter_than_a_turn_stay_together() -> None:
    engines = TalkEngines(stops=tuple(f"w{n}" for n in range(5, 40, 5)))
    facts = run(engines, pieces(spoken(*NAMES[:36], 4000), [1600]))
    assert len(spans(facts)) == 1  # 14.4 s


def test_the_length_of_turns_is_a_setting() -> None:
    task = msgspec.structs.replace(TASK, conduct=InterpretationOptions(turn_s=5.0))
    facts = run(
        TalkEngines(stops=("w9", "w20", "w31")), pieces(spoken(*NAMES[:40], 4000), [1600]), task
    )
    texts = final(facts, Heard)
    assert texts[1].endswith("w20.")  # w9 ends at 3.2 s
    assert plain(facts) == NAMES[:40]


@pytest.mark.parametrize(("pause_ms", "turns"), [(500, 1), (1000, 2)])
def test_after_a_long_while_a_pause_of_sentence_length_ends_the_turn(
    pause_ms: int, turns: int
) -> None:
    facts = run(TalkEngines(), pieces(spoken(*NAMES[:40], pause_ms, *NAMES[40:50], 4000), [1600]))
    assert len(spans(facts)) == turns
    assert plain(facts) == NAMES[:50]


def test_after_twenty_five_seconds_any_pause_does() -> None:
    facts = run(TalkEngines(), pieces(spoken(*NAMES[:65], 400, *NAMES[65:75], 4000), [1600]))
    assert len(spans(facts)) == 2
    assert plain(facts) == NAMES[:75]


def test_a_manual_commit_is_one_turn_however_long() -> None:
    task = msgspec.structs.replace(TASK, endpointing=None)
    inputs = [*pieces(spoken(*NAMES), [16_000]), EndTurn()]
    facts = run(TalkEngines(stops=("w45",)), inputs, task)
    assert len(spans(facts)) == 1
    assert plain(facts) == NAMES


# ---------------------------------------------------------------- chunks and paces
sizes = st.lists(st.integers(1, 2000).map(lambda ms: ms * 16), min_size=1, max_size=4)


@settings(deadline=None, max_examples=15)
@given(sizes, st.integers(0, 999))
def test_a_fixed_step_gives_the_same_text_for_any_chunks_and_any_pace(
    chunks: list[int], seed: int
) -> None:
    audio = spoken(700, *NAMES[:9], 450, *NAMES[9:52], 3200, *NAMES[60:70], 3200)
    stops = ("w8", "w45")
    expected = run(TalkEngines(stops=stops), pieces(audio, [512]))
    rng = random.Random(seed)
    engines = TalkEngines(rng, stops=stops)
    facts = run(engines, pieces(audio, chunks), pause=lambda: rng.randrange(8))
    assert final(facts, Heard) == final(expected, Heard)
    assert spans(facts) == spans(expected)


def test_chunks_do_not_matter_at_eight_kilohertz_either() -> None:
    task = msgspec.structs.replace(TASK, rate_in=8000)
    narrow = np.repeat(spoken(640, "w9", "w50", 3200, "w70", 3200)[::2], 1)
    found = [spans(run(TalkEngines(), pieces(narrow, [size]), task)) for size in (160, 777, 16_000)]
    assert found[0] == found[1] == found[2]
    assert len(found[0]) == 2


# ---------------------------------------------------------------- settings that change
@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.integers(0, 120), max_size=6, unique=True).map(sorted),
    st.integers(0, 999),
    st.sampled_from([320, None]),
)
def test_updates_at_any_moment_lose_no_word_and_hold_from_the_next_turn(
    moments: list[int], seed: int, step_ms: int | None
) -> None:
    rng = random.Random(seed)
    words = [f"w{n}" for n in range(2, 62)]
    audio = spoken(*words[:8], 900, *words[8:14], 3200, *words[14:], 3600)
    inputs = pieces(audio, [rng.choice([512, 1600, 5000])])
    tasks, received, sent = [(-1, TASK)], 0, []
    due = [moment * len(inputs) // 120 for moment in moments]
    for number, item in enumerate(inputs):
        if number in due:
            task = Interpret(
                target=f"t{number}", source=rng.choice(["en", None]),
                speak=rng.random() < 0.5, conduct=InterpretationOptions(turn_s=rng.choice([5.0,
                15.0])), endpointing=Endpointing(silence_ms=rng.choice([600, 1000, 3000])),
            )  # fmt: skip
            sent.append(task)
            tasks.append((received * 1000 // 16_000, task))
        sent.append(item)
        assert isinstance(item, Audio)
        received += len(item.pcm) // 2
    engines = TalkEngines(rng, stops=("w30", "w44"), step_ms=step_ms)
    facts, given_on = asyncio.run(recognise(engines, sent, pause=lambda: rng.randrange(6)))
    assert plain(facts) == words
    held = {words.turn: words.settings for words in given_on}
    for fact in facts:
        if isinstance(fact, SpeechStarted):  # as the session works it out
            since = [task for since_ms, task in tasks if since_ms < (fact.found_ms or 0)]
            assert held[fact.turn] == since[-1]


def test_clearing_in_the_middle_forgets_only_what_was_not_certain() -> None:
    inputs = [*pieces(spoken(*NAMES[:20]), [1600]), Clear(), *pieces(spoken(900, *NAMES[30:35], 4000), [1600])]  # fmt: skip  # noqa: E501 - reads as one line of audio
    facts = run(TalkEngines(), inputs)
    texts = final(facts, Heard)
    kept = texts[1].split()
    assert kept == NAMES[: len(kept)]
    assert len(kept) >= 17
    assert texts[2].split() == NAMES[30:35]


# ---------------------------------------------------------------- languages
def test_the_language_sticks_to_the_turn_and_switches_between_turns() -> None:
    auto = Interpret(target="en", endpointing=Endpointing(silence_ms=600))
    languages = {f"w{n}": "fr" for n in range(40, 60)} | {"w7": "fr"}
    audio = spoken(
        "w2", "w3", "w7", "w4", 1500, "w40", 1500, *[f"w{n}" for n in range(41, 49)], 1500
    )
    engines = TalkEngines(languages=languages)
    facts, given_on = asyncio.run(recognise(engines, pieces(audio, [1600]), auto))
    told = [fact.language for fact in facts if isinstance(fact, Heard) and fact.final]
    assert told == ["en", "en", "fr"]  # one French word is no reason
    for turn, language in ((1, "en"), (3, "fr")):
        taken = [words for words in given_on if words.turn == turn and words.committed]
        assert {words.language for words in taken} == {language}
    assert plain(facts) == ["w2", "w3", "w7", "w4", "w40", *[f"w{n}" for n in range(41, 49)]]


def test_a_turn_that_is_decoded_once_at_its_end_has_the_language_of_that_decode() -> None:
    """The input ends with the speaker: no decode came before, and no pause."""
    auto = Interpret(target="en", endpointing=PATIENT)
    engines = TalkEngines(languages=dict.fromkeys(NAMES, "de"), step_ms=5_000)
    audio = pieces(spoken(*NAMES[:6]), [1600])
    facts, given_on = asyncio.run(recognise(engines, audio, auto))
    assert len(engines.asr.windows) == 1
    assert [(fact.text, fact.language) for fact in facts if isinstance(fact, Heard)] == [
        (" ".join(NAMES[:6]), "de")
    ]
    assert [words.language for words in given_on if words.committed] == ["de"]


def test_a_hypothesis_that_is_refused_says_nothing_of_the_language() -> None:
    """Behind the last cut there is next to no speech: the engine's guess is worth nothing."""
    names = NAMES[:30]
    engines = TalkEngines(languages=dict.fromkeys(names, "de"), unsure=(NAMES[30],))
    speech, rest = spoken(*names), spoken(NAMES[30])

    async def main() -> str | None:
        decoder = open_decoder(engines, Interpret(target="en", endpointing=PATIENT), Speaker())
        await decoder.feed(speech, 0)
        await decoder.pause()
        decoder.resume(1000)
        await decoder.feed(rest, len(speech) // 16 + 1000)
        await decoder.finish()
        return decoder.language

    assert asyncio.run(main()) == "de"


def test_a_settled_language_is_asked_for_in_the_rest_of_the_turn() -> None:
    auto = Interpret(target="en", endpointing=PATIENT)
    engines = TalkEngines()
    run(engines, pieces(spoken(*NAMES[:10], 3500), [1600]), auto)
    asked = [window.language for window in engines.asr.windows]
    assert asked[0] is None
    assert asked[-1] == "en"


class TwoRecognizers(TalkEngines):
    """``asr`` knows every language, ``english`` only one and is preferred for it. It is stricter
    with confidences, and can do longer windows.
    """

    only_source = None

    def __init__(self, rng: random.Random | None = None, **options: Any) -> None:
        super().__init__(rng, **options)
        info = msgspec.structs.replace(
            self.asr.info, name="english", confidence_gate=0.9, max_window_s=9.0
        )
        self.english = MarkingAsr(info, rng=rng)
        self.english_load = RecognizerLoad()

    def recognizer(self, language: str | None) -> LoadedEngine:
        if language == "en":
            return LoadedEngine("english", self.english, self.english, load=self.english_load)
        return super().recognizer(language)


@pytest.mark.parametrize("step_ms", [320, None])
@pytest.mark.parametrize("seed", range(4))
def test_the_preferred_engine_goes_on_once_the_language_is_settled(
    step_ms: int | None, seed: int
) -> None:
    auto = Interpret(target="es", endpointing=PATIENT)
    engines = TwoRecognizers(random.Random(seed), step_ms=step_ms, confidence=0.7)
    names = NAMES[:30]
    facts = run(engines, pieces(spoken(*names, 3500), [1600]), auto)
    assert plain(facts) == names, "no word is lost or said twice"
    assert {window.language for window in engines.asr.windows} == {None}
    assert {window.language for window in engines.english.windows} == {"en"}
    assert len(engines.asr.windows) <= 5
    assert max(len(w.samples) for w in engines.english.windows) > 6.5 * 16_000 * 4
    heard = [fact.text for fact in facts if isinstance(fact, Heard)]
    assert all(later.startswith(before) for before, later in pairwise(heard))
    assert not engines.load.lags
    assert not engines.english_load.lags


def test_another_language_stays_with_the_engine_of_many_languages() -> None:
    auto = Interpret(target="en", endpointing=PATIENT)
    engines = TwoRecognizers(languages=dict.fromkeys(NAMES, "fr"))
    facts = run(engines, pieces(spoken(*NAMES[:12], 3500), [1600]), auto)
    assert plain(facts) == NAMES[:12]
    assert not engines.english.windows
    assert engines.asr.windows[-1].language == "fr"


def test_a_decode_at_a_pause_is_made_again_by_the_engine_that_goes_on() -> None:
    """Its confidence was that of another engine, which the stricter gate would refuse."""
    auto = Interpret(target="es", endpointing=Endpointing(silence_ms=600))
    engines = TwoRecognizers(step_ms=5_000, confidence=0.7)
    facts = run(engines, pieces(spoken(*NAMES[:6], 1500), [1600]), auto)
    assert plain(facts) == NAMES[:6]
    assert [window.language for window in engines.english.windows] == ["en"]


def test_a_turn_that_the_engine_of_many_languages_refuses_is_asked_of_the_likely_one() -> None:
    """A word or two: too little for an engine that has to guess the language as well."""
    auto = Interpret(target="es", endpointing=Endpointing(silence_ms=600))
    engines = TwoRecognizers(confidence=0.1)
    facts = run(engines, pieces(spoken(*NAMES[:2], 1500), [1600]), auto)
    assert plain(facts) == NAMES[:2]
    assert [window.language for window in engines.english.windows] == ["en"]
    engines = TwoRecognizers(confidence=0.1)
    engines.english.confidence = 0.1  # it is not sure, either: another language, or no speech
    assert plain(run(engines, pieces(spoken(*NAMES[:2], 1500), [1600]), auto)) == []


# ---------------------------------------------------------------- speakers
def notes(*parts: tuple[int, int]) -> Samples:
    """Stretches of tone, (Hz, milliseconds); 0 Hz is silence."""
    return np.concatenate(
        [0.2 * np.sin(2 * np.pi * hz * np.arange(ms * 16) / 16_000) * (hz > 0) for hz, ms in parts]
    ).astype(np.float32)


class SecondCounter(FakeHost):
    """Recognises one word, ``s<n>``, for every second of the session wholly in the window."""

    async def call(self, request: Any) -> Hypothesis | str:
        assert isinstance(request, Window)
        self.windows.append(request)
        end_ms = request.at_ms + len(request.samples) // 64
        seconds = range(-(-request.at_ms // 1000), end_ms // 1000)
        return Hypothesis(tuple(Word(f"s{second}") for second in seconds), 1.0, "en")


def test_a_turn_ends_where_another_speaker_begins() -> None:
    both = msgspec.structs.replace(
        TASK, by_speaker=True, conduct=InterpretationOptions(turn_s=29, turn_most_s=29)
    )
    audio = notes((220, 9000), (0, 450), (660, 9000), (0, 3500))
    engines = TalkEngines()
    engines.asr = SecondCounter(engines.asr.info)
    facts = run(engines, pieces(audio, [1600]), both)
    begun = [fact for fact in facts if isinstance(fact, SpeechStarted)]
    assert [fact.speaker for fact in begun] == [0, 1]
    assert begun[1].at_ms == pytest.approx(9450, abs=700)
    kinds = [(type(fact), fact.turn) for fact in facts if not isinstance(fact, Heard)]
    assert kinds == [
        (SpeechStarted, 1), (SpeechStopped, 1), (SpeechStarted, 2), (SpeechStopped, 2),
    ]  # fmt: skip
    alone = run(TalkEngines(), pieces(audio, [1600]), TASK)
    assert [fact.speaker for fact in alone if isinstance(fact, SpeechStarted)] == [0]


# ---------------------------------------------------------------- lag
def test_the_lag_is_what_came_in_and_was_not_decoded() -> None:
    async def main() -> None:
        engines = TalkEngines(step_ms=None)
        slow = asyncio.Event()
        real = engines.asr.call

        async def held(request: Any) -> Any:
            await slow.wait()
            return await real(request)

        engines.asr.call = held  # type: ignore[method-assign]  # a recogniser that hangs
        inbox = Inbox(320_000)

        async def emit(_fact: Result) -> None: ...

        job = asyncio.create_task(stage(engines, TASK, emit, WordMailbox()).run(inbox))
        for item in pieces(spoken(*NAMES[:8]), [1600]):  # 3.2 s
            inbox.put(item)
            await asyncio.sleep(0)
        for _ in range(200):
            await asyncio.sleep(0)
        (lag,) = engines.load.lags
        assert 2900 <= lag.total_ms <= 3200
        slow.set()
        inbox.end()
        await job
        assert engines.load.lags == []

    asyncio.run(main())
