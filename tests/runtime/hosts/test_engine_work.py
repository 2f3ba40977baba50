"""The own time of calls, and what a unit of work costs by it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from dragoman.engines.base import Info, Utterance, Window
from dragoman.runtime.hosts.engine_work import EngineWork, RoleWork, SharedCores
from dragoman.runtime.hosts.host import EngineFailed
from dragoman.runtime.hosts.make_host import make_host
from dragoman.runtime.hosts.requests import (
    DetectionAudio,
    OpenStream,
    StartDetection,
    StepStream,
    WarmDirection,
)
from dragoman.speech import Audio, Hypothesis

WINDOW = Window(np.zeros(1600, np.float32).tobytes())


class Clock:
    def __init__(self) -> None:
        self.now_s = 5.0

    def __call__(self) -> float:
        return self.now_s


def test_calls_that_share_the_cores_do_not_cost_more() -> None:
    clock = Clock()
    cores = SharedCores(2, clock)
    work = EngineWork(places=8, cores=cores)
    stints = [work.stint() for _ in range(8)]
    for stint in stints:
        stint.resume()
    clock.now_s += 4.0  # each has a quarter of a core
    for stint in stints:
        stint.pause()
        work.answered([WINDOW], stint.own_s)
    assert work.cost_s == pytest.approx(1.0)
    assert cores.busy_s == pytest.approx(8.0)


def test_calls_that_wait_take_a_place_and_no_core() -> None:
    clock = Clock()
    cores = SharedCores(1, clock)
    work = EngineWork(places=16, cores=cores)
    for _ in range(2):
        stints = [work.stint() for _ in range(16)]
        for stint in stints:
            stint.resume()
        clock.now_s += 1.0
        for stint in stints:
            stint.pause()
            work.answered([WINDOW], stint.own_s, 0.001)
    assert stints[0].own_s == pytest.approx(1.0)  # in the first round all was taken for computing
    assert work.cpu_share < 0.05


def test_a_paused_job_costs_nothing() -> None:
    clock = Clock()
    work = EngineWork(cores=SharedCores(1, clock))
    with work.stint() as stint:
        clock.now_s += 1.0
        stint.pause()
        stint.pause()
        clock.now_s += 100.0
        stint.resume()
        clock.now_s += 1.0
    assert stint.own_s == pytest.approx(2.0)


def test_streams_and_speech_cost_by_the_second_of_audio() -> None:
    vad, tts = EngineWork(), EngineWork()
    audio = (Audio(bytes(8_000)), Audio(bytes(24_000)))
    vad.answered([StepStream(1, DetectionAudio(audio, 16_000))], 0.02)
    assert (vad.unit, vad.cost_s) == ("audio second", pytest.approx(0.02))
    tts.spoke(4.0, 0.2)
    tts.spoke(0.0, 9.0)  # nothing was made: a refused text
    assert tts.cost_s == pytest.approx(0.05)


def test_a_role_costs_what_its_engines_do_of_it() -> None:
    """One call in four goes to an engine that is nine times as slow."""
    quick, slow, role = EngineWork(), EngineWork(), RoleWork(units=0.5)
    quick.role = slow.role = role
    for _ in range(200):
        quick.answered([WINDOW] * 3, 0.3)
        slow.answered([WINDOW], 0.9)
    assert quick.cost_s == pytest.approx(0.1)
    assert role.cost_s == pytest.approx(0.3 * 0.5, rel=0.02)
    for _ in range(300):
        quick.answered([WINDOW], 0.1)
    assert role.cost_s == pytest.approx(0.1 * 0.5, rel=0.05), "what was long ago is forgotten"


def test_only_the_work_of_sessions_counts() -> None:
    work = EngineWork()
    assert work.cost_s == 0.0
    work.answered([OpenStream(1, StartDetection())], 3.0)
    work.answered([WarmDirection("en", "es")], 3.0)
    assert work.cost_s == 0.0


def test_a_cost_follows_what_calls_take_now() -> None:
    work = EngineWork()
    for own_s in [1.0] * 100 + [0.1] * 200:
        work.answered([WINDOW], own_s)
    assert work.cost_s == pytest.approx(0.1, abs=0.05)


class _Timed:
    """Engines whose work takes time on the clock of the test."""

    clock = Clock()

    def load(self) -> None: ...

    def close(self) -> None: ...


class TimedAsr(_Timed):
    info = Info(name="timed-asr", role="asr", licence="-", quality="scripted", max_batch=4)

    def transcribe(self, windows: Sequence[Window]) -> list[Hypothesis]:
        self.clock.now_s += 0.5
        return [Hypothesis() for _ in windows]


class TimedVoice(_Timed):
    info = Info(name="timed-voice", role="tts", licence="-", quality="scripted", rate_hz=16_000)

    def synthesize(self, utterance: Utterance) -> Iterator[bytes]:
        for _ in utterance.text.split():
            self.clock.now_s += 0.1
            yield bytes(32_000)


def test_the_thread_host_measures_calls_and_speech() -> None:
    async def run() -> tuple[float, float]:
        asr, voice = (
            make_host(e, spec="", threads=1, workers=1) for e in (TimedAsr(), TimedVoice())
        )
        for host in (asr, voice):
            host.work.cores = SharedCores(1, _Timed.clock)
            await host.start()
        await asr.call(WINDOW)
        async for _ in voice.speak(Utterance("one two three", "", "en"), 16_000):
            pass
        costs = asr.work.cost_s, voice.work.cost_s
        for host in (asr, voice):
            await host.close()
        return costs

    assert asyncio.run(run()) == (pytest.approx(0.5), pytest.approx(0.1))


class HungAsr(TimedAsr):
    """Its first call hangs for long and fails."""

    hangs = True

    def transcribe(self, windows: Sequence[Window]) -> list[Hypothesis]:
        if self.hangs:
            self.hangs = False
            self.clock.now_s += 25.0
            raise TimeoutError
        return super().transcribe(windows)


def test_a_call_that_hung_and_failed_is_no_measure_of_what_answers_cost() -> None:
    """Else speakers were refused long after an endpoint works again."""

    async def run() -> float:
        host = make_host(HungAsr(), spec="", threads=1, workers=1)
        host.work.cores = SharedCores(1, _Timed.clock)
        await host.start()
        with pytest.raises(EngineFailed):
            await host.call(WINDOW)
        await host.call(WINDOW)
        await host.close()
        return host.work.cost_s

    assert asyncio.run(run()) == pytest.approx(0.5)


class Busy:
    """Its calls take time in which their thread does nothing."""

    def __init__(self, *, own_threads: bool) -> None:
        self.info = Info(
            name="busy", role="asr", licence="-", quality="scripted", own_threads=own_threads
        )

    def load(self) -> None: ...

    def close(self) -> None: ...

    def transcribe(self, windows: Sequence[Window]) -> list[Hypothesis]:
        threading.Event().wait(0.02)
        return [Hypothesis() for _ in windows]


@pytest.mark.parametrize("own_threads", [True, False])
def test_an_engine_that_computes_in_threads_of_its_own_takes_cores(own_threads: bool) -> None:
    async def run() -> float:
        host = make_host(Busy(own_threads=own_threads), spec="", threads=1, workers=1)
        await host.start()
        await host.call(WINDOW)
        await host.close()
        return host.work.cpu_share

    assert (asyncio.run(run()) == 1.0) is own_threads


class HeldVoice(_Timed):
    """A voice that makes long speech; a second text comes while it speaks the first."""

    info = Info(name="held", role="tts", licence="-", quality="scripted", rate_hz=16_000)

    def __init__(self) -> None:
        self.order: list[str] = []
        self.host: object = None

    def synthesize(self, utterance: Utterance) -> Iterator[bytes]:
        for number in range(6):
            self.order.append(utterance.text)
            if number == 1 and utterance.text == "long":
                while not self.host.waiting:  # type: ignore[attr-defined]
                    pass
            yield bytes(32_000)


def test_a_long_segment_lets_the_first_audio_of_another_pass() -> None:
    async def run() -> list[str]:
        voice = HeldVoice()
        host = voice.host = make_host(voice, spec="", threads=1, workers=1)
        await host.start()

        async def speak(text: str) -> None:
            async for _ in host.speak(Utterance(text, "", "en"), 16_000):
                pass

        long = asyncio.create_task(speak("long"))
        while "long" not in voice.order:
            await asyncio.sleep(0)
        await asyncio.gather(long, speak("short"))
        await host.close()
        return voice.order

    order = asyncio.run(run())
    assert order.index("short") < 4  # the long one had four more pieces to make
    assert sorted(order) == ["long"] * 6 + ["short"] * 6
