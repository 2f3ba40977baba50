"""An hour of interpretation in seconds, on a clock that jumps: nothing grows, nothing is lost."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import tracemalloc
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import numpy as np
import pybase64
import pytest

from dragoman.engines import registry
from dragoman.engines.base import Window
from dragoman.engines.scripted.engines import ScriptedAsr
from dragoman.engines.scripted.rules import rule_word
from dragoman.protocol.core.codec import Codec
from dragoman.protocol.core.events import ClientEvent, Ids, Malformed
from dragoman.protocol.core.session import Limits
from dragoman.protocol.registry import INTERPRETATION, lookup, make_session
from dragoman.runtime.engine_set import EngineSet
from dragoman.runtime.jobs import run_session
from dragoman.runtime.observer import Event, JobFailed
from dragoman.speech import Hypothesis, InterpretationOptions
from tests.runtime.virtual_time import run_in_virtual_time

pytestmark = pytest.mark.slow

MODEL = "qwen3.5-livetranslate-flash-realtime"
CELL_MS, CHUNK_MS, MINUTE_MS = 400, 1_000, 60_000
TALK_MS = 44_000
PAUSES = {  # minutes in turns: how somebody who talks for 44 s draws breath, when and for how long
    "sentences": [],  # by the marks alone
    "nothing": [],
    "short pauses": [(10_000, 400), (26_000, 400)],
    "long pauses": [(6_000, 800), (17_200, 800)],
}
LENGTHS_S = {  # of the turns that make a minute, by the rule of 15, 25 and 30 seconds
    "sentences": [16, 16, 12],
    "nothing": [30, 14],
    "short pauses": [26, 17.6],
    "long pauses": [17.2, 26],
}
KINDS = list(PAUSES)
CYCLE = len(KINDS)
SETTINGS = {
    "translation": {"language": "es"},
    "input_audio_transcription": {"model": "qwen3-asr-flash-realtime", "language": "en"},
}


def kind(at_ms: int) -> str:
    """How people talk at this time."""
    return KINDS[at_ms // MINUTE_MS % CYCLE]


def word(cell: int) -> str:
    """What is said there, without a mark: where audio is cut, none is known."""
    return rule_word(cell).rstrip(".")


class MarkedAsr(ScriptedAsr):
    """Puts marks only where sentences are spoken."""

    def transcribe(self, windows: Sequence[Window]) -> list[Hypothesis]:
        return [
            msgspec.structs.replace(
                heard,
                words=tuple(
                    msgspec.structs.replace(one, text=one.text.rstrip("."))
                    if kind(window.at_ms + one.start_ms + 1) != "sentences"
                    else one
                    for one in heard.words
                ),
            )
            for window, heard in zip(windows, super().transcribe(windows), strict=True)
        ]


def loud(at_ms: int) -> bool:
    """Whether there is sound at this time of the talk."""
    within = at_ms % MINUTE_MS
    silent = any(begin <= within < begin + length for begin, length in PAUSES[kind(at_ms)])
    return within < TALK_MS and not silent


def sound(begin_ms: int) -> bytes:
    cells = [loud(at) for at in range(begin_ms, begin_ms + CHUNK_MS, 100)]
    return (np.repeat(cells, 1_600) * 3_000).astype("<i2").tobytes()


class Microphone:
    """A connection that talks at its pace, and keeps what comes of it."""

    is_gone = False
    is_writable = True

    def __init__(self, codec: Codec, minutes: int) -> None:
        self._codec = codec
        self._events = self._script(minutes)
        self._arrived: list[ClientEvent | Malformed] = []
        self.lengths_s: list[float] = []
        self.odd: list[str] = []
        """What was heard otherwise than it was said."""
        self._open: dict[str, int] = {}
        self.words = (word(n) for n in range(minutes * MINUTE_MS // CELL_MS) if loud(n * CELL_MS))
        self.counts: Counter[str] = Counter()
        self.minutes: list[tuple[int, int, int]] = []
        """At the end of each minute: tasks, blocks of memory, traced memory."""

    def _script(self, minutes: int) -> Iterator[dict[str, object]]:
        yield {"type": "session.update", "session": SETTINGS}
        for at_ms in range(0, minutes * MINUTE_MS, CHUNK_MS):
            audio = pybase64.b64encode(sound(at_ms)).decode()
            yield {"type": "input_audio_buffer.append", "audio": audio}
        yield {"type": "session.finish"}

    async def arrival(self) -> None:
        event = next(self._events, None)
        if event is None:
            await asyncio.Event().wait()
        if event is not None and "audio" in event:
            await asyncio.sleep(CHUNK_MS / 1000)
            self.counts["chunks"] += 1
            if self.counts["chunks"] * CHUNK_MS % MINUTE_MS == 0:
                self._look()
        self._arrived.append(self._codec.decode(json.dumps(event)))

    def take(self) -> list[ClientEvent | Malformed]:
        taken, self._arrived = self._arrived, []
        return taken

    def _look(self) -> None:
        if (len(self.minutes) + 1) % CYCLE == 0:
            gc.collect()
        traced = tracemalloc.get_traced_memory()[0]
        self.minutes.append((len(asyncio.all_tasks()), sys.getallocatedblocks(), traced))

    def write(self, texts: Sequence[str]) -> None:
        for text in texts:
            self._receive(json.loads(text))

    async def drain(self) -> None: ...

    def _receive(self, event: dict[str, Any]) -> None:
        name = event["type"]
        self.counts[name] += 1
        if name.endswith("speech_started"):
            self._open[event["item_id"]] = event["audio_start_ms"]
        elif name.endswith("speech_stopped"):
            begin_ms = self._open.pop(event["item_id"])
            self.lengths_s.append((event["audio_end_ms"] - begin_ms) / 1000)
        elif name.endswith("transcription.completed"):
            heard = event["transcript"].replace(".", "").split()
            self.odd += [one for one in heard if one != next(self.words, None)]

    async def close(self, code: int, reason: str) -> None:
        assert (code, reason) == (1000, "")


class Failures:
    """An observer that is told of no failure."""

    def on(self, event: Event) -> None:
        assert not isinstance(event, JobFailed), event


def talk(minutes: int) -> Microphone:
    """Talk for so long to the scripted engines."""
    make = registry.make
    with pytest.MonkeyPatch.context() as patch:
        ours = {"scripted-asr": MarkedAsr}
        patch.setattr(
            registry, "make", lambda spec, role: ours[spec]() if spec in ours else make(spec, role)
        )
        engines = EngineSet(registry.parse_choice("scripted"))
    asyncio.run(engines.load())

    async def session() -> Microphone:
        codec = INTERPRETATION.codec
        microphone = Microphone(codec, minutes)
        session = make_session(
            lookup(MODEL),
            Ids("n" * 15),
            Limits(),
            engines.coverage,
            options=(InterpretationOptions(step_ms=1_500),),
        )
        clock = asyncio.get_running_loop().time
        await run_session(session, microphone, codec.encode, engines, Failures(), now_s=clock)
        return microphone

    return run_in_virtual_time(session(), turn_s=1e-6)


@pytest.fixture(scope="module")
def hour() -> Microphone:
    return talk(60)


def test_every_word_of_an_hour_is_recognised_once_and_in_order(hour: Microphone) -> None:
    assert hour.odd == []
    assert next(hour.words, None) is None


def test_every_turn_of_an_hour_is_completed(hour: Microphone) -> None:
    counts = hour.counts
    assert counts["error"] == 0
    assert counts["session.finished"] == 1
    turns = 60 // CYCLE * sum(map(len, LENGTHS_S.values()))
    assert len(hour.lengths_s) == turns
    for event in (
        "input_audio_buffer.speech_stopped",
        "conversation.item.input_audio_transcription.completed",
        "response.created",
        "response.done",
    ):
        assert counts[event] == turns, event


def test_turns_go_on_closing_after_15_25_and_30_seconds(hour: Microphone) -> None:
    cycle = [length for minute in LENGTHS_S.values() for length in minute]
    expected = cycle * (60 // CYCLE)
    assert hour.lengths_s == pytest.approx(expected, abs=0.5)


def test_tasks_and_memory_of_an_hour_are_flat(hour: Microphone) -> None:
    assert len({tasks for tasks, _, _ in hour.minutes}) == 1
    early, *_, late = [blocks for _, blocks, _ in hour.minutes[2 * CYCLE - 1 :: CYCLE]]
    assert late - early < 1_000  # of some hundred thousand; the figures of this test are in it


def test_buffers_of_a_session_do_not_grow() -> None:
    tracemalloc.start()
    try:
        minutes = talk(2 * CYCLE).minutes
    finally:
        tracemalloc.stop()
    early, late = (minutes[cycles * CYCLE - 1][2] for cycles in (1, 2))
    assert late - early < 16 * 1024
