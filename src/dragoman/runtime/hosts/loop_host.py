"""Engines on the event loop itself, for those whose every call takes microseconds.

Scope: no threads. A hop to a thread and back costs the loop more than such an engine's work
(measured: about 30 µs for the hop, 10 for the work). A segment of speech takes longer, so it is
given out in pieces, and other tasks run in between.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import closing

from dragoman.engines.base import Engine, Synthesizer, Unspeakable, Utterance
from dragoman.runtime.hosts.engine_calls import RequestServer
from dragoman.runtime.hosts.host import EngineFailed, RequestHost, TextRefused, Vitals
from dragoman.runtime.hosts.requests import AnyRequest, Outcome
from dragoman.runtime.hosts.synthesize_segment import synthesize_segment


class LoopHost(RequestHost):
    """An ``EngineHost`` that calls the engine where it is called itself."""

    capacity = 1
    waiting = 0
    """Nothing is ever queued."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine.info)
        self._engine = engine
        self._server = RequestServer(engine)
        self._synthesizer = engine if isinstance(engine, Synthesizer) else None
        self._open = False

    @property
    def vitals(self) -> Vitals:
        """As in the Protocol; the loop is the worker."""
        return Vitals(int(self._open))

    async def start(self) -> None:
        """As in the Protocol; loading may read files, so that is done in a thread."""
        await asyncio.to_thread(self._engine.load)
        self._open = True

    async def close(self) -> None:
        """As in the Protocol."""
        self._open = False
        await asyncio.to_thread(self._engine.close)

    async def _ask(self, request: AnyRequest) -> Outcome:
        self._admit()
        return self._server.answer((request,))[0]

    def _abort_stream(self, number: int) -> None:
        self._server.abort(number)

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
            while True:
                self._admit()
                try:
                    pcm = next(pieces, None)
                except Unspeakable as refusal:
                    raise TextRefused(str(refusal)) from refusal
                except Exception as error:
                    raise EngineFailed(f"{self.info.name}: {error!r}") from error
                if pcm is None:
                    return
                yield pcm
                await asyncio.sleep(0)

    def _admit(self) -> None:
        if not self._open:
            raise EngineFailed(f"the host of {self.info.name} is not open")
