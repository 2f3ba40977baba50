"""The cascade on fake engines: what its tests share."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Collection
from typing import Any

import msgspec

from dragoman.engines.base import Info, Samples
from dragoman.runtime.cascade.cascade import interpret
from dragoman.runtime.driver.inbox import Inbox
from dragoman.runtime.hosts.load import RecognizerLoad
from dragoman.runtime.loaded_engine import LoadedEngine
from dragoman.runtime.observer import Event
from dragoman.runtime.routing.fallback_host import FallbackHost
from dragoman.speech import Audio, Endpointing, Heard, Input, Interpret, Result, Translated
from tests.runtime.fake_engines import FakeHost, LevelDetector, cut

ASR = Info(name="levels", role="asr", licence="-", quality="scripted", languages=("en",),
           confidence_gate=0.5, max_window_s=6.0)  # fmt: skip
ANY = Info(name="any", role="mt", licence="-", quality="scripted")
TASK = Interpret(target="es", source="en", endpointing=Endpointing(silence_ms=600))


class Events:
    """An ``Observer`` that keeps everything it is told."""

    def __init__(self) -> None:
        self.all: list[Event] = []

    def on(self, event: Event) -> None:
        self.all.append(event)

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.all if isinstance(event, kind)]


class FakeEngines:
    """What jobs ask of ``EngineSet``, on fake hosts, and a clock that ticks with every look."""

    detector_engine = LevelDetector()
    only_source = "en"
    first_language = "en"
    text_reader = None
    speaker_encoder = None

    def __init__(
        self,
        rng: random.Random | None = None,
        *,
        fail: Callable[[Any], bool] = lambda _request: False,
        step_ms: int | None = 320,
    ) -> None:
        self.detector = FakeHost(LevelDetector.info, engine=LevelDetector(), rng=rng)
        info = msgspec.structs.replace(ASR, step_ms=step_ms)
        self.asr = FakeHost(info, rng=rng, fail=fail)
        self.load = RecognizerLoad()
        self.events = Events()
        self._other = FakeHost(ANY, rng=rng, fail=fail)
        self.translators = [self._other]
        self._ticks = 0.0

    def recognizer(self, language: str | None) -> LoadedEngine:
        return LoadedEngine("levels", self.asr, self.asr, load=self.load)

    def recognizers(self, language: str | None, avoid: Collection[str] = ()) -> list[LoadedEngine]:
        return [self.recognizer(language)]

    def translator(self, source: str, target: str) -> FallbackHost:
        return FallbackHost(self.translators)

    def translates_speech(self, source: str | None, target: str) -> bool:
        return any(host.info.takes_speech for host in self.translator(source or "", target).hosts)

    def synthesizer(self, language: str) -> FakeHost:
        return self._other

    def now_s(self) -> float:
        self._ticks += 0.1
        return self._ticks


def pcm(samples: Samples) -> bytes:
    return (samples * 32768).astype("<i2").tobytes()


def pieces(samples: Samples, sizes: list[int]) -> list[Input]:
    """The samples as inputs of these sizes, taken round and round."""
    return [Audio(pcm(piece)) for piece in cut(samples, sizes)]


def start(engines: FakeEngines, inbox: Inbox, emit: Any, task: Interpret = TASK) -> asyncio.Task:
    """The running job."""
    return asyncio.create_task(
        interpret(task, inbox, emit, engines, engines.events, now_s=engines.now_s)
    )


async def facts_of(engines: FakeEngines, inputs: list[Input], task: Interpret) -> list[Result]:
    inbox, facts = Inbox(320_000), []

    async def emit(fact: Result) -> None:
        facts.append(fact)
        await asyncio.sleep(0)

    job = start(engines, inbox, emit, task)
    for item in inputs:
        await inbox.room()
        inbox.put(item)
        await asyncio.sleep(0)
    inbox.end()
    await asyncio.wait_for(job, 20)
    return facts


def run(engines: FakeEngines, inputs: list[Input], task: Interpret = TASK) -> list[Result]:
    """The facts of a job with these inputs."""
    return asyncio.run(facts_of(engines, inputs, task))


def final(facts: list[Result], kind: type[Heard] | type[Translated]) -> dict[int, str]:
    """The final text of each turn."""
    return {f.turn: f.text for f in facts if isinstance(f, kind) and f.final}
