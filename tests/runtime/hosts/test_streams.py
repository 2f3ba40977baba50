"""Streams are the same wherever the engine lives: loop, threads, processes, or on demand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from dragoman.engines.energy import Energy
from dragoman.engines.scripted.interpreter import ScriptedInterpreter
from dragoman.runtime.hosts.host import EngineFailed, EngineHost, HostStream
from dragoman.runtime.hosts.make_host import make_host
from dragoman.runtime.hosts.on_demand_host import OnDemandHost
from dragoman.runtime.hosts.requests import (
    DetectedFrames,
    DetectionAudio,
    RecognitionAudio,
    StartDetection,
    StartInterpretation,
    StartRecognition,
)
from dragoman.speech import Audio, Hypothesis, Interpret, SpeechStarted
from tests.runtime.hosts import tiny_engines as tiny
from tests.runtime.hosts.shared_hosts import open_host, shared

pytestmark = [pytest.mark.anyio, pytest.mark.live]
PLACES = ["loop", "thread", "process", "on demand", "shared"]


@pytest.fixture(autouse=True)
def _workers_find_the_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(tiny.__file__).parent))


class OnDemandCounter(tiny.Counter):
    def check(self) -> None: ...


@asynccontextmanager
async def hosted(place: str, engine: Any = None, workers: int = 1) -> AsyncIterator[EngineHost]:
    engine = engine or OnDemandCounter()
    runs_in = "thread" if place in {"on demand", "shared"} else place
    engine.info = msgspec.structs.replace(engine.info, runs_in=runs_in)
    host = make_host(engine, spec=tiny.COUNTER, threads=workers, workers=workers)
    if place == "on demand":
        host = OnDemandHost(engine, host, idle_s=0.01)
    async with asyncio.timeout(30), open_host(host) if place != "shared" else shared(host) as host:
        yield host


def audio(count: int, level: float = 0.5) -> RecognitionAudio:
    return RecognitionAudio(np.full(count, level, np.float32).tobytes())


async def words(answer: Any) -> list[str]:
    hypothesis = await answer
    assert isinstance(hypothesis, Hypothesis)
    return [word.text for word in hypothesis.words]


async def events(host: EngineHost) -> list[str]:
    """The engine's log of calls, read through one more stream."""
    return (await words((await host.open(StartRecognition("last"))).finish()))[:-1]


@pytest.mark.parametrize("place", PLACES)
async def test_every_stream_has_its_own_state(place: str) -> None:
    async with hosted(place) as host:
        first, second = [await host.open(StartRecognition(name)) for name in "ab"]
        assert (await words(first.feed(audio(10))))[0] == "10"
        assert (await words(second.feed(audio(5))))[0] == "5"
        assert (await words(first.feed(audio(10))))[0] == "20"
        assert await first.feed(audio(3, 0.0)) is None
        assert await words(first.finish()) == ["feed a", "feed b", "feed a", "feed a", "finish a"]
        second.abort()


@pytest.mark.parametrize("place", PLACES)
async def test_abort_reaches_the_engine_once_and_never_behind_finish(place: str) -> None:
    async with hosted(place) as host:
        finished, aborted = [await host.open(StartRecognition(name)) for name in "fa"]
        await finished.finish()
        for _ in range(2):
            finished.abort()
            aborted.abort()
        assert await events(host) == ["finish f", "abort a"]


@pytest.mark.parametrize("place", PLACES)
async def test_what_a_stream_raises_fails_its_step(place: str) -> None:
    async with hosted(place) as host:
        with pytest.raises(EngineFailed, match="as asked"):
            await host.open(StartRecognition("raise"))
        with pytest.raises(EngineFailed, match="cannot serve"):
            await host.open(StartDetection())
        stream = await host.open(StartRecognition("s"))
        with pytest.raises(EngineFailed, match="as asked"):
            await stream.feed(audio(1, 2.0))
        stream.abort()
        assert await events(host) == ["feed s", "abort s"]


async def test_abort_waits_for_the_step_that_runs_and_a_queued_step_is_left_out() -> None:
    engine = tiny.Counter()
    async with hosted("thread", engine, workers=2) as host:
        stream = await host.open(StartRecognition("s"))
        engine.gate.clear()
        running = asyncio.create_task(stream.feed(audio(1)))
        await asyncio.to_thread(engine.entered.acquire)
        running.cancel()
        await asyncio.wait([running])
        stream.abort()
        engine.gate.set()
        assert await events(host) == ["feed s", "abort s"]
        assert all(name.startswith("counter") for name in engine.threads)


async def test_the_abort_of_a_step_that_hangs_takes_no_thread() -> None:
    engine = tiny.Counter()
    async with hosted("thread", engine, workers=2) as host:
        hanging = await host.open(StartRecognition("h"))
        engine.gate.clear()
        running = asyncio.create_task(hanging.feed(audio(1)))
        await asyncio.to_thread(engine.entered.acquire)
        running.cancel()
        await asyncio.wait([running])
        try:
            hanging.abort()
            async with asyncio.timeout(5):
                assert await events(host) == ["feed h"]  # the other thread still works
        finally:
            engine.gate.set()
        while "abort h" not in await events(host):  # by the thread of the step, behind it
            pass
        assert engine.events.count("abort h") == 1


async def test_an_open_stream_keeps_an_engine_on_demand_loaded() -> None:
    engine = OnDemandCounter()
    engine.info = msgspec.structs.replace(engine.info, runs_in="thread")
    host = OnDemandHost(engine, make_host(engine, spec="", threads=1, workers=1), idle_s=0.0)
    await host.start()
    stream = await host.open(StartRecognition())
    await asyncio.sleep(0.02)  # longer than it may be idle: time itself is what is tested
    assert host.loaded
    stream.abort()
    async with asyncio.timeout(10):
        while host.loaded:
            await asyncio.sleep(0.001)
    await host.close()


# ---------------------------------------------------------------- in worker processes
async def pid(stream: HostStream) -> str:
    return (await words(stream.feed(audio(1))))[1]


async def test_streams_are_spread_over_the_workers_and_stay_there() -> None:
    async with hosted("process", workers=2) as host:
        streams = [await host.open(StartRecognition(str(number))) for number in range(4)]
        first = [await pid(stream) for stream in streams]
        assert sorted(map(first.count, set(first))) == [2, 2]
        assert [await pid(stream) for stream in reversed(streams)] == first[::-1]


async def test_a_worker_that_dies_fails_its_streams_only() -> None:
    async with hosted("process", workers=2) as host:
        bad, good = [await host.open(StartRecognition(name)) for name in "bg"]
        with pytest.raises(EngineFailed, match="SIGKILL"):
            await bad.feed(audio(1, 1.0))
        with pytest.raises(EngineFailed, match="gone"):
            await bad.feed(audio(1))
        bad.abort()
        assert (await words(good.feed(audio(7))))[0] == "7"


# ---------------------------------------------------------------- the other kinds of stream
async def test_detection_gives_the_same_frames_for_any_chunks() -> None:
    sound = (np.sin(np.arange(48_000) / 9) * 9_000).astype("<i2").tobytes()
    found = []
    for size in (640, 7_777, len(sound)):
        async with hosted("thread", plain(Energy())) as host:
            stream = await host.open(StartDetection())
            pieces = [sound[at : at + size & ~1] for at in range(0, len(sound), size & ~1)]
            answers = [await stream.feed(DetectionAudio((Audio(pcm),), 24_000)) for pcm in pieces]
            frames = [answer for answer in answers if isinstance(answer, DetectedFrames)]
            found.append(
                (b"".join(f.samples for f in frames), sum((f.probabilities for f in frames), ()))
            )
    assert found[0] == found[1] == found[2]
    assert len(found[0][1]) == len(found[0][0]) // 2048 > 50


async def test_an_interpreter_gives_facts() -> None:
    task = Interpret(target="es", rate_in=16_000)
    async with hosted("thread", plain(ScriptedInterpreter())) as host:
        stream = await host.open(StartInterpretation(task))
        loud = Audio((np.sin(np.arange(16_000) / 9) * 9_000).astype("<i2").tobytes())
        facts = await stream.feed(loud)
        assert isinstance(facts, tuple)
        assert isinstance(facts[0], SpeechStarted)
        assert await stream.finish()


def plain(engine: Any) -> Any:
    """The engine with an ``info`` that a test may change."""
    info = engine.info
    return type("Plain", (type(engine),), {"info": info})()
