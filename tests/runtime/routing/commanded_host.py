"""A host that does as it is told: answers, fails, hangs, breaks off in the middle."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from dragoman.engines.base import Info, Role, Translation, Utterance
from dragoman.runtime.hosts.engine_work import EngineWork
from dragoman.runtime.hosts.host import EngineFailed, HostStream, TextRefused, Vitals
from dragoman.runtime.hosts.requests import (
    Answer,
    Request,
    StartRequest,
    StreamAnswer,
    StreamItem,
)
from dragoman.speech import Hypothesis, Word


class CommandedHost:
    """An ``EngineHost``. ``mood``: ``well``, ``fails``, ``hangs``, ``refuses``, or ``breaks``: it
    fails behind the first piece or answer. Everything it is asked is in ``asked``.
    """

    capacity = 1
    waiting = 0

    def __init__(
        self, name: str, mood: str = "well", *, role: Role = "mt", gate: float = 0.0
    ) -> None:
        self.info = Info(
            name=name, role=role, licence="-", quality="scripted", confidence_gate=gate
        )
        self.work = EngineWork()
        self.mood = mood
        self.circuit = "closed"
        self.asked: list[object] = []
        self.aborted = 0

    @property
    def vitals(self) -> Vitals:
        return Vitals(1, circuit=self.circuit)

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def _obey(self, request: object) -> None:
        self.asked.append(request)
        if self.mood == "hangs":
            await asyncio.Event().wait()
        if self.mood == "fails":
            raise EngineFailed(f"{self.info.name} as told")
        if self.mood == "refuses":
            raise TextRefused("No runes.")

    async def call(self, request: Request) -> Answer:
        await self._obey(request)
        if isinstance(request, Translation):
            return f"{self.info.name}: {request.text}"
        return Hypothesis((Word(self.info.name),), 0.5)

    async def open(self, request: StartRequest) -> HostStream:
        await self._obey(request)
        steps = 0

        async def step(item: StreamItem | None) -> StreamAnswer:
            nonlocal steps
            await self._obey(item)
            steps += 1
            if self.mood == "breaks" and steps > 1:
                raise EngineFailed(f"{self.info.name} breaks off")
            return Hypothesis((Word(self.info.name),))

        def abort() -> None:
            self.aborted += 1

        return HostStream(step, abort)

    async def speak(
        self, utterance: Utterance, rate_hz: int, *, slack_s: float = 0.0
    ) -> AsyncGenerator[bytes, None]:
        await self._obey(utterance)
        for count in range(3):
            if self.mood == "breaks" and count:
                raise EngineFailed(f"{self.info.name} breaks off")
            yield self.info.name.encode() * 2
