"""The cascade on a stateful recogniser: one stream for each turn, in equal pieces."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from msgspec.structs import replace

from dragoman.engines.base import Info, Samples
from dragoman.runtime.hosts.host import EngineFailed
from dragoman.runtime.loaded_engine import LoadedEngine
from dragoman.runtime.observer import WordsRecognised
from dragoman.speech import (
    Endpointing,
    Heard,
    Hints,
    Hypothesis,
    SpeechStarted,
    Translated,
    TurnDone,
)
from tests.runtime.cascade.fake_cascade import TASK, FakeEngines, facts_of, final, pieces, run
from tests.runtime.fake_engines import FakeHost, spoken, transcript

INFO = Info(name="streams", role="asr", licence="-", quality="scripted", languages=("en",))


class LevelStream:
    """One utterance; knows a word as soon as it is whole, and promises nothing."""

    def __init__(self, engine: StreamingRecognizer) -> None:
        self._engine = engine
        self._samples: list[Samples] = []

    def _hypothesis(self) -> Hypothesis:
        return Hypothesis(tuple(transcript(np.concatenate(self._samples))), 1.0, "en")

    def feed(self, samples: Samples) -> Hypothesis:
        self._engine.sizes.append(len(samples))
        self._samples.append(samples)
        return self._hypothesis()

    def finish(self) -> Hypothesis:
        self._engine.ends.append("finished")
        return self._hypothesis()

    def abort(self) -> None:
        self._engine.ends.append("aborted")


class StreamingRecognizer:
    info = INFO

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.ends: list[str] = []
        self.refusals = 0
        """How many streams do not open."""

    def load(self) -> None: ...

    def close(self) -> None: ...

    def start(self, language: str | None, hints: Hints) -> LevelStream:
        if self.refusals:
            self.refusals -= 1
            raise EngineFailed("the service is down")
        return LevelStream(self)


class StreamEngines(FakeEngines):
    def __init__(self, engine: StreamingRecognizer | None = None) -> None:
        super().__init__()
        self.engine = engine or StreamingRecognizer()

    def recognizer(self, language: str | None) -> LoadedEngine:
        host = FakeHost(INFO, engine=self.engine)
        return LoadedEngine("streams", self.engine, host, load=self.load)


NAMES = ["w5", "w6", "w7", "w8", "w9"]


@pytest.mark.parametrize("size", [160, 1_600, 40_000])
def test_the_engine_gets_the_same_pieces_whatever_the_chunks(size: int) -> None:
    engines = StreamEngines()
    facts = run(engines, pieces(spoken(640, *NAMES, 1_600, "w3", 1_600), [size]))
    assert final(facts, Heard) == {1: "w5 w6 w7 w8 w9", 2: "w3"}
    assert final(facts, Translated) == {1: "w5' w6' w7' w8' w9'", 2: "w3'"}
    assert set(engines.engine.sizes[:10]) == {1_536}  # three frames
    assert engines.engine.ends == ["finished", "finished"]
    assert engines.load.lags == []


def test_words_are_committed_while_the_speaker_talks() -> None:
    facts = run(StreamEngines(), pieces(spoken(*NAMES, 1_600), [1_600]))
    texts = [fact.text for fact in facts if isinstance(fact, Heard) and not fact.final]
    assert "w5 w6" in texts


def test_a_turn_without_a_pause_is_cut_and_goes_on_in_a_new_stream() -> None:
    names = [f"w{2 + n % 80}" for n in range(100)]  # 40 s
    engines = StreamEngines()
    facts = run(engines, pieces(spoken(*names, 1_600), [1_600]))
    assert len([fact for fact in facts if isinstance(fact, SpeechStarted)]) == 2
    assert engines.engine.ends == ["finished", "finished"]


def test_the_stream_of_a_cancelled_job_is_aborted() -> None:
    engines = StreamEngines()

    async def main() -> None:
        job = asyncio.create_task(facts_of(engines, pieces(spoken(*NAMES), [1_600]), TASK))
        while len(engines.engine.sizes) < 10:
            await asyncio.sleep(0)
        job.cancel()
        await asyncio.wait([job])

    asyncio.run(main())
    assert engines.engine.ends == ["aborted"]


def test_a_stream_that_does_not_open_fails_its_turn_and_not_the_session() -> None:
    engines = StreamEngines()
    engines.engine.refusals = 1
    facts = run(engines, pieces(spoken(640, *NAMES, 1_600, "w3", 1_600), [1_600]))
    assert [fact.status for fact in facts if isinstance(fact, TurnDone)] == ["failed", "completed"]
    assert final(facts, Heard)[2] == "w3"
    assert engines.load.lags == []


class TimedStream(LevelStream):
    """Knows when its words were said, in its own time."""

    def _hypothesis(self) -> Hypothesis:
        samples = np.concatenate(self._samples)
        edges = np.flatnonzero(np.diff(samples != 0, prepend=False, append=False)).tolist()
        spans = [(b // 16, e // 16) for b, e in zip(edges[::2], edges[1::2], strict=True)]
        spans = [(begin, end) for begin, end in spans if end - begin > 60]
        words = [
            replace(word, start_ms=begin, end_ms=end)
            for word, (begin, end) in zip(transcript(samples), spans, strict=True)
        ]
        return Hypothesis(tuple(words), 1.0, "en")


class TimedRecognizer(StreamingRecognizer):
    def start(self, language: str | None, hints: Hints) -> LevelStream:
        return TimedStream(self)


def test_times_of_a_stream_become_times_of_the_session() -> None:
    """Across a second turn, and a pause inside it whose begin the stream does not get."""
    engines = StreamEngines(engine=TimedRecognizer())
    heard: list[tuple[str, int]] = []

    class Watching:
        def on(self, event: object) -> None:
            if isinstance(event, WordsRecognised) and event.final:
                heard.extend((word.text, word.start_ms or 0) for word in event.committed)

    engines.events = Watching()  # type: ignore[assignment]  # an observer is all that is needed
    task = replace(TASK, endpointing=Endpointing(silence_ms=4000))
    audio = spoken(960, "w5", "w6", 5000, "w7", 2600, "w8", "w9", 5000)
    run(engines, pieces(audio, [1600]), task)
    said = {"w5": 960, "w6": 1360, "w7": 6760, "w8": 9760, "w9": 10160}
    assert [word for word, _ in heard] == [*said]
    assert all(abs(at_ms - said[word]) <= 32 for word, at_ms in heard), heard
