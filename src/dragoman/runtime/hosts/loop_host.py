"""Engines on the event loop itself, for those whose every call takes microseconds.

Scope: no threads. A hop to a thread and back costs the loop more than such an engine's work
(measured: about 30 µs for the hop, 10 for the work). A segment of speech takes longer, so it is
given out in pieces, and other tasks run in between.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import closing, suppress
from typing import TypeVar, cast

from dragoman.engines.base import Engine, Synthesizer, Unspeakable, Utterance
from dragoman.runtime.hosts.engine_calls import answer_batch
from dragoman.runtime.hosts.engine_stream import EngineStream
from dragoman.runtime.hosts.host import EngineFailed, HostStream, TextRefused, answer_of
from dragoman.runtime.hosts.requests import (
    Answer,
    Request,
    StartRequest,
    StreamAnswer,
    StreamItem,
)
from dragoman.runtime.hosts.synthesize_segment import synthesize_segment

T = TypeVar("T")


class LoopHost:
    """An ``EngineHost`` that calls the engine where it is called itself."""

    capacity = 1
    waiting = 0
    """Nothing is ever queued."""

    def __init__(self, engine: Engine) -> None:
        self.info = engine.info
        self._engine = engine
        self._synthesizer = engine if isinstance(engine, Synthesizer) else None
        self._open = False

    async def start(self) -> None:
        """As in the Protocol; loading may read files, so that is done in a thread."""
        await asyncio.to_thread(self._engine.load)
        self._open = True

    async def close(self) -> None:
        """As in the Protocol."""
        self._open = False
        await asyncio.to_thread(self._engine.close)

    async def call(self, request: Request) -> Answer:
        """As in the Protocol."""
        self._admit()
        return cast("Answer", answer_of(answer_batch(self._engine, (request,))[0], self.info))

    async def open(self, request: StartRequest) -> HostStream:
        """As in the Protocol."""
        stream = EngineStream(self._engine, request)
        self._do(stream.start)

        async def step(item: StreamItem | None) -> StreamAnswer:
            return self._do(stream.step, item)

        def abort() -> None:
            with suppress(Exception):
                stream.abort()

        return HostStream(step, abort)

    async def speak(
        self,
        utterance: Utterance,
        rate_hz: int,
        *,
        slack_s: float = 0.0,  # first come, first served
    ) -> AsyncGenerator[bytes, None]:
        """As in the Protocol."""
        if self._synthesizer is None:
            raise EngineFailed(f"{self.info.name} ({self.info.role}) does not speak")
        with closing(synthesize_segment(self._synthesizer, utterance, rate_hz)) as pieces:
            while (pcm := self._do(_next, pieces)) is not None:
                yield pcm
                await asyncio.sleep(0)

    def _do(self, function: Callable[..., T], *args: object) -> T:
        self._admit()
        try:
            return function(*args)
        except Unspeakable as refusal:
            raise TextRefused(str(refusal)) from refusal
        except Exception as error:
            raise EngineFailed(f"{self.info.name}: {error!r}") from error

    def _admit(self) -> None:
        if not self._open:
            raise EngineFailed(f"the host of {self.info.name} is not open")


def _next(pieces: Generator[bytes, None, None]) -> bytes | None:
    return next(pieces, None)
