"""Fakes for runtime tests: engines whose speech is arithmetic, hosts that take their time.

A *spoken* signal carries words as levels: 260 ms of constant amplitude ``n / 100`` and 140 ms of
nothing are the word ``w<n>``, zeros are silence. A recogniser of it is exact, and hears a word
that a window cuts short as another word, as real ones do.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any, cast

import numpy as np

from dragoman.engines.base import Info, Samples, Translation, Utterance, Window
from dragoman.runtime.hosts.engine_calls import answer_batch
from dragoman.runtime.hosts.engine_stream import EngineStream
from dragoman.runtime.hosts.engine_work import EngineWork
from dragoman.runtime.hosts.host import EngineFailed, HostStream, Vitals
from dragoman.runtime.hosts.requests import (
    Answer,
    Request,
    StartRequest,
    StreamAnswer,
    StreamItem,
)
from dragoman.speech import HEARING_RATE_HZ, Hypothesis, Word

WORD_MS = 400
GAP_MS = 140
_PER_MS = HEARING_RATE_HZ // 1000


def spoken(*parts: str | int) -> Samples:
    """Words (``"w3"``) and silences (milliseconds) one after the other."""
    pieces = []
    for part in parts:
        if isinstance(part, int):
            pieces.append(np.zeros(part * _PER_MS, np.float32))
        else:
            tone = np.full(WORD_MS * _PER_MS, int(part[1:]) / 100, np.float32)
            tone[-GAP_MS * _PER_MS :] = 0.0
            pieces.append(tone)
    return np.concatenate(pieces)


def transcript(window: Samples) -> list[Word]:
    """The words of a window; one cut short at either end is heard wrong."""
    words = []
    levels = np.round(window * 100).astype(int)
    borders = np.flatnonzero(np.diff(levels)) + 1
    for begin, end in itertools.pairwise((0, *borders.tolist(), len(levels))):
        level = int(levels[begin]) if begin < end else 0
        if level > 0:
            if end - begin == (WORD_MS - GAP_MS) * _PER_MS:
                words.append(Word(f"w{level}"))
            elif end - begin > 60 * _PER_MS:
                words.append(Word(f"x{level}"))
    return words


class FakeHost:
    """An ``EngineHost`` on the loop itself. Streams, and calls that are no window or translation,
    are answered by ``engine``. ``rng`` makes it take a random number of turns of the loop for every
    call; ``fail`` lets a call fail.
    """

    def __init__(
        self,
        info: Info,
        *,
        engine: Any = None,
        rng: random.Random | None = None,
        fail: Callable[[Any], bool] = lambda _request: False,
    ) -> None:
        self.info = info
        self.capacity = 1
        self.waiting = 0
        self.work = EngineWork()
        self.vitals = Vitals(1)
        self.windows: list[Window] = []
        self._engine, self._rng, self._fail = engine, rng, fail

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def call(self, request: Request) -> Answer:
        await self._dawdle()
        if self._fail(request):
            raise EngineFailed("as told")
        if isinstance(request, Translation):
            return " ".join(f"{word}'" for word in request.text.split())
        if not isinstance(request, Window):
            return cast("Answer", answer_batch(self._engine, (request,))[0].answer)
        self.windows.append(request)
        words = transcript(np.frombuffer(request.samples, np.float32))
        return Hypothesis(tuple(words), 1.0 if words else 0.0, "en")

    async def open(self, request: StartRequest) -> HostStream:
        stream = EngineStream(self._engine, request)
        await self._dawdle()
        stream.start()

        async def step(item: StreamItem | None) -> StreamAnswer:
            await self._dawdle()
            return stream.step(item)

        return HostStream(step, stream.abort)

    async def speak(
        self, utterance: Utterance, rate_hz: int, *, slack_s: float = 0.0
    ) -> AsyncGenerator[bytes, None]:
        if self._fail(utterance):
            raise EngineFailed("as told")
        for word in utterance.text.split():
            await self._dawdle()
            yield word.encode().ljust(8, b"\0")

    async def _dawdle(self) -> None:
        for _ in range(self._rng.randrange(4) if self._rng else 0):
            await asyncio.sleep(0)


class LevelDetector:
    """A ``Detector`` of spoken signals."""

    frame_samples = 512
    info = Info(name="level", role="vad", licence="-", quality="scripted")

    def load(self) -> None: ...

    def close(self) -> None: ...

    def start(self) -> LevelDetection:
        return LevelDetection()


class LevelDetection:
    def feed(self, frame: Samples) -> float:
        return float(np.abs(frame).max() > 0.005)


def cut(samples: Samples, sizes: Sequence[int]) -> list[Samples]:
    """The samples in pieces of these sizes, the sizes taken round and round."""
    pieces, at, turn = [], 0, 0
    while at < len(samples):
        size = max(1, sizes[turn % len(sizes)])
        pieces.append(samples[at : at + size])
        at, turn = at + size, turn + 1
    return pieces
