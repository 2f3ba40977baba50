"""Diarizing over the scripted voices: tones as speakers, any chunking, failing and slow engines."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from dragoman.engines.base import Samples, SpeakerEncoder
from dragoman.engines.scripted.engines import ScriptedSpeaker
from dragoman.engines.silero import Silero
from dragoman.engines.wespeaker.engine import Wespeaker
from dragoman.policy.diarization.change_detection import SpeakerChange
from dragoman.runtime.cascade.diarizer import Diarizer
from dragoman.runtime.hosts.host import EngineFailed
from dragoman.runtime.hosts.make_host import make_host
from dragoman.runtime.hosts.requests import EncodeVoice, VoiceVector
from tests import recordings

RATE = 16_000
FRAME = 512
Frame = tuple[int, Samples, float]


def tone(hz: int, ms: int) -> Samples:
    time = np.arange(ms * RATE // 1000) / RATE
    return (0.2 * np.sin(2 * np.pi * hz * time)).astype(np.float32) * (hz > 0)


def frames(*parts: tuple[int, int], at_ms: int = 0) -> list[Frame]:
    """Tones (0 Hz: silence) and their lengths as frames with their probabilities."""
    audio = np.concatenate([tone(hz, ms) for hz, ms in parts])
    found = []
    for number, at in enumerate(range(0, len(audio) - FRAME + 1, FRAME)):
        piece = audio[at : at + FRAME]
        found.append((at_ms + number * 32, piece, 1.0 if np.abs(piece).max() > 0.1 else 0.0))
    return found


class Host:
    """An ``EngineHost`` as far as it is needed; every call waits for ``before``."""

    def __init__(self, before: Callable[[], Any], engine: SpeakerEncoder | None = None) -> None:
        self._before = before
        self._engine = engine or ScriptedSpeaker()
        self.calls = self.under_way = self.most = 0

    async def call(self, request: EncodeVoice) -> VoiceVector:
        self.calls += 1
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await self._before()
            vector = self._engine.encode(np.frombuffer(request.samples, np.float32))
            return VoiceVector(vector.tobytes())
        finally:
            self.under_way -= 1


async def heard(diarizer: Diarizer, given: list[Frame]) -> list[SpeakerChange]:
    found = [await diarizer.feed(*frame) for frame in given]
    return [change for change in found if change is not None]


TALK = ((440, 6_000), (0, 320), (660, 5_000), (0, 320), (440, 4_000))


def test_tones_are_speakers() -> None:
    async def run() -> None:
        host = make_host(ScriptedSpeaker(), spec="scripted-speaker", threads=1, workers=1)
        await host.start()
        diarizer = Diarizer(host)
        diarizer.open(0)
        assert diarizer.speaker == 0
        changes = await heard(diarizer, frames(*TALK))
        assert [change.speaker for change in changes] == [1, 0]
        assert abs(changes[0].at_ms - 6_320) <= 32
        assert abs(changes[1].at_ms - 11_640) <= 32
        assert await diarizer.close() is None
        assert diarizer.speaker == 0
        diarizer.open(30_000)
        assert diarizer.speaker is None, "who that is has to be heard first"
        assert await heard(diarizer, frames((660, 2_000), at_ms=30_000)) == []
        assert diarizer.speaker == 1
        await host.close()

    asyncio.run(run())


@pytest.mark.parametrize("turns_of_the_loop", [0, 1, 40])
def test_changes_do_not_depend_on_how_long_the_engine_takes(turns_of_the_loop: int) -> None:
    async def wait() -> None:
        for _ in range(turns_of_the_loop):
            await asyncio.sleep(0)

    async def run() -> None:
        host = Host(wait)
        diarizer = Diarizer(host)  # type: ignore[arg-type]  # a fake
        diarizer.open(0)
        changes = await heard(diarizer, frames(*TALK))
        assert [(c.at_ms, c.speaker) for c in changes] == [(6_304, 1), (11_616, 0)]
        assert host.most == 1, "one look at a time"

    asyncio.run(run())


def test_frames_that_come_again_are_passed_over() -> None:
    async def run() -> None:
        host = Host(lambda: asyncio.sleep(0))
        diarizer = Diarizer(host)  # type: ignore[arg-type]  # a fake
        diarizer.open(0)
        given = frames(*TALK)
        twice = [
            frame for start in range(0, len(given), 10) for frame in given[start : start + 10] * 2
        ]
        assert [c.speaker for c in await heard(diarizer, twice)] == [1, 0]

    asyncio.run(run())


def test_a_failing_engine_leaves_the_last_speaker(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise EngineFailed("as told")

    async def run() -> None:
        host = Host(fail)
        diarizer = Diarizer(host)  # type: ignore[arg-type]  # a fake
        diarizer.open(0)
        assert await heard(diarizer, frames(*TALK)) == []
        assert await diarizer.close() is None
        diarizer.open(40_000)
        assert diarizer.speaker == 0
        assert await heard(diarizer, frames((660, 4_000), at_ms=40_000)) == []
        assert host.calls == 1

    asyncio.run(run())
    assert len(caplog.records) == 1


def test_a_session_that_ends_leaves_nothing_running() -> None:
    async def run() -> None:
        host = Host(asyncio.Event().wait)
        diarizer = Diarizer(host)  # type: ignore[arg-type]  # a fake
        diarizer.open(0)
        await heard(diarizer, frames((440, 2_100)))
        await asyncio.sleep(0)
        assert host.under_way == 1
        diarizer.abandon()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert host.under_way == 0

    asyncio.run(run())


# ---------------------------------------------------------------- real voices
@pytest.fixture(scope="module")
def encoder() -> Iterator[Wespeaker]:
    encoder = Wespeaker()
    encoder.load()
    yield encoder
    encoder.close()


def listened(encoder: Wespeaker, *readings: Samples, gap_ms: int = 300) -> list[SpeakerChange]:
    """The changes in readings one after the other, found in one turn."""
    parts = [np.concatenate((reading, tone(0, gap_ms))) for reading in readings]
    audio = np.concatenate(parts)
    silero = Silero()
    silero.load()
    detection = silero.start()
    given = [
        (at // 16, audio[at : at + FRAME], detection.feed(audio[at : at + FRAME]))
        for at in range(0, len(audio) - FRAME + 1, FRAME)
    ]

    async def run() -> list[SpeakerChange]:
        host = Host(lambda: asyncio.sleep(0), encoder)
        diarizer = Diarizer(host)  # type: ignore[arg-type]  # a fake
        diarizer.open(0)
        found = await heard(diarizer, given)
        last = await diarizer.close()
        return [*found, *([last] if last is not None else [])]

    return asyncio.run(run())


@pytest.mark.engine
@recordings.needs_pocketsphinx
def test_two_readers_are_told_apart_at_the_gap_and_recognised_again(encoder: Wespeaker) -> None:
    dickens = recordings.read(recordings.two_cities())
    austen = recordings.pocketsphinx()[0].samples()
    changes = listened(encoder, dickens[: 8 * RATE], austen, dickens[10 * RATE : 15 * RATE])
    assert [change.speaker for change in changes] == [1, 0]
    gaps_ms = (8_000, 8_300 + len(austen) // 16)
    for change, gap_ms in zip(changes, gaps_ms, strict=True):
        assert gap_ms - 200 < change.at_ms < gap_ms + 1_400, "in the gap or the breath behind it"


@pytest.mark.engine
def test_one_reader_is_never_cut(encoder: Wespeaker) -> None:
    assert listened(encoder, recordings.read(recordings.two_cities())) == []


@pytest.mark.engine
@recordings.needs_shared
def test_no_english_recording_is_cut(encoder: Wespeaker) -> None:
    readers: dict[str, list[Samples]] = {}
    for recording in recordings.shared("en"):
        name = recording.id[:6] if "LJ" in recording.id else recording.id
        if sum(map(len, readers.get(name, []))) < 15 * RATE:
            readers.setdefault(name, []).append(recording.samples()[: 15 * RATE])
    assert len(readers) > 8
    assert {
        name: found for name, own in readers.items() if (found := listened(encoder, *own))
    } == {}
