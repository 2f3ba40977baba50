"""A host whose engine is loaded only while it is needed.

Scope: it wraps another host. When no call has come for ``idle_s`` the engine is closed, which gives
hundreds of megabytes back; the next call loads it again, and those behind it share it. Of an engine
that few sessions need (``OnDemand``), ``start`` only checks whether it could be loaded; any other
one is loaded. A load that fails fails the calls that wait for it; the next call
tries again, but not sooner than ``_RETRY_S`` later.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from dragoman.engines.base import Engine, EngineUnavailable, OnDemand, Utterance
from dragoman.runtime.hosts.host import EngineFailed, EngineHost, HostStream, Vitals
from dragoman.runtime.hosts.requests import Answer, Request, StartRequest

LOG = logging.getLogger(__name__)
_RETRY_S = 60.0
_IDLE_S = 180.0


class OnDemandHost:
    """An ``EngineHost`` around ``inner`` for the engine ``engine``, which ``inner`` holds or makes
    for itself.
    """

    def __init__(self, engine: Engine, inner: EngineHost, *, idle_s: float | None = None) -> None:
        self.info = inner.info
        self.capacity = inner.capacity
        self.work = inner.work
        self._engine = engine
        self._inner = inner
        self._idle_s = _IDLE_S if idle_s is None else idle_s
        self._open = False
        self._loading: asyncio.Task[None] | None = None  # done: loaded
        self._closing: asyncio.Task[None] | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._calls = 0
        self._not_before_s = 0.0

    @property
    def waiting(self) -> int:
        """Calls queued and not begun."""
        return self._inner.waiting

    @property
    def vitals(self) -> Vitals:
        """As in the Protocol; an engine that is not loaded could be, until that has failed."""
        vitals = self._inner.vitals
        if self.loaded:
            return vitals
        can_load = self._open and asyncio.get_running_loop().time() >= self._not_before_s
        return msgspec.structs.replace(vitals, workers=int(can_load), loaded=False)

    @property
    def loaded(self) -> bool:
        """Whether the engine is there now."""
        return self._loading is not None and self._loading.done()

    async def start(self) -> None:
        """As in the Protocol, but an engine that few sessions need is not loaded yet."""
        if isinstance(self._engine, OnDemand):
            await asyncio.to_thread(self._engine.check)
            self._open = True
            return
        await self._inner.start()
        self._open = True
        self._loading = asyncio.get_running_loop().create_task(asyncio.sleep(0))  # is loaded
        async with self._in_use():
            pass  # from now on it may become idle

    async def close(self) -> None:
        """As in the Protocol."""
        self._open = False
        if self._idle is not None:
            self._idle.cancel()
        if self._loading is not None:
            self._loading.cancel()
            await asyncio.gather(self._loading, return_exceptions=True)
        if self._closing is not None:
            await asyncio.gather(self._closing, return_exceptions=True)
        await self._inner.close()

    async def call(self, request: Request) -> Answer:
        """As in the Protocol; the first call waits for the engine to load."""
        async with self._in_use():
            return await self._inner.call(request)

    async def open(self, request: StartRequest) -> HostStream:
        """As in the Protocol; the engine stays loaded until the stream is finished or aborted."""
        await self._enter()
        try:
            stream = await self._inner.open(request)
        except BaseException:
            self._leave()
            raise
        stream.on_end = self._leave
        return stream

    async def speak(
        self, utterance: Utterance, rate_hz: int, *, slack_s: float = 0.0
    ) -> AsyncGenerator[bytes, None]:
        """As in the Protocol."""
        async with self._in_use():
            async for pcm in self._inner.speak(utterance, rate_hz, slack_s=slack_s):
                yield pcm

    # ------------------------------------------------------------ loading and closing
    @asynccontextmanager
    async def _in_use(self) -> AsyncIterator[None]:
        await self._enter()
        try:
            yield
        finally:
            self._leave()

    async def _enter(self) -> None:
        """Count a call and have the engine loaded for it. Raises ``EngineFailed``."""
        if not self._open:
            raise EngineFailed(f"the host of {self.info.name} is not open")
        loop = asyncio.get_running_loop()
        if self._loading is None:
            if loop.time() < self._not_before_s:
                raise EngineFailed(f"{self.info.name} did not load a moment ago")
            self._loading = loop.create_task(self._load(self._closing))
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        self._calls += 1
        loading = self._loading
        try:
            await asyncio.shield(loading)
        except EngineUnavailable as refusal:
            self._leave()
            raise EngineFailed(f"{self.info.name}: {refusal}") from refusal
        except BaseException:
            self._leave()
            if loading.cancelled():  # the host was closed, not this call
                raise EngineFailed(f"the host of {self.info.name} was closed") from None
            raise

    async def _load(self, closing: asyncio.Task[None] | None) -> None:
        if closing is not None:
            await closing
        try:
            await self._inner.start()
        except (EngineUnavailable, EngineFailed) as refusal:
            LOG.warning("%s does not load: %s", self.info.name, refusal)
            self._loading = None
            self._not_before_s = asyncio.get_running_loop().time() + _RETRY_S
            raise

    def _leave(self) -> None:
        self._calls -= 1
        if not self._calls and self._open and self._loading is not None:
            loop = asyncio.get_running_loop()
            self._idle = loop.call_later(self._idle_s, self._close_idle)

    def _close_idle(self) -> None:
        """No call came for ``idle_s``: close the engine."""
        self._idle = None
        if not self._calls and self.loaded:
            self._loading = None
            self._closing = asyncio.get_running_loop().create_task(self._inner.close())
