"""Engines on the event loop itself, for those whose every call takes microseconds.

Law of this file: no threads. A hop to a thread and back costs the loop more than such an engine's
work (measured: about 30 µs for the hop, 10 for the work). What is long all the same, a segment of
speech, is given out in pieces, with the loop's turn in between.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import closing
from typing import Any, TypeVar

from dragoman.engines.base import (
    Engine,
    EngineUnavailable,
    Synthesizer,
    Unspeakable,
    Utterance,
)
from dragoman.runtime.hosts.audio_limit import limit_audio
from dragoman.runtime.hosts.batch_calls import Answer, Request, answer_batch
from dragoman.runtime.hosts.host import EngineFailed, TextRefused
from dragoman.runtime.hosts.synthesize_segment import synthesize_segment

T = TypeVar("T")


class LoopHost:
    """An ``EngineHost`` without anything under it."""

    waiting = 0
    """Nothing ever waits: calls are answered where they are made."""

    def __init__(self, engine: Engine) -> None:
        self.info = engine.info
        self._engine = engine
        self._voice = engine if isinstance(engine, Synthesizer) else None
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
        outcome = answer_batch(self._engine, (request,))[0]
        answer = outcome.answer
        if answer is None:
            raise EngineFailed(f"{self.info.name}: {outcome.failure}")
        return answer

    async def run(self, function: Callable[..., T], *args: Any) -> T:
        """As in the Protocol."""
        self._admit()
        try:
            return function(*args)
        except (EngineFailed, EngineUnavailable):
            raise
        except Exception as error:
            raise EngineFailed(f"{self.info.name}: {error!r}") from error

    async def speak(
        self,
        utterance: Utterance,
        rate_hz: int,
        *,
        slack_s: float = 0.0,  # first come, first served
    ) -> AsyncGenerator[bytes, None]:
        """As in the Protocol."""
        self._admit()
        if self._voice is None:
            raise EngineFailed(f"{self.info.name} ({self.info.role}) does not speak")
        with closing(synthesize_segment(self._voice, utterance, rate_hz)) as pieces:
            heard = limit_audio(pieces, self.info.caps, rate_hz)
            while (pcm := self._next(heard)) is not None:
                yield pcm
                await asyncio.sleep(0)

    def _next(self, pieces: Any) -> bytes | None:
        try:
            return next(pieces, None)
        except Unspeakable as refusal:
            raise TextRefused(str(refusal)) from refusal
        except Exception as error:
            raise EngineFailed(f"{self.info.name}: {error!r}") from error

    def _admit(self) -> None:
        if not self._open:
            raise EngineFailed(f"the host of {self.info.name} is not open")
