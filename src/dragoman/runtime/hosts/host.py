"""What a host is: the place where an engine lives, as the event loop sees it.

Scope: the Protocol, its exceptions, the loop's end of a stream, and the base of hosts that turn
calls and streams into requests. ``make_host`` makes hosts. All methods are called on the event
loop's thread and none of them blocks it. A host in another process or on another machine is one
more class with these methods.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable
from functools import partial
from itertools import count
from typing import Literal, Protocol, cast

import msgspec

from dragoman.engines.base import Info, Utterance
from dragoman.runtime.hosts.engine_work import EngineWork
from dragoman.runtime.hosts.requests import (
    Answer,
    AnyRequest,
    OpenStream,
    Outcome,
    Request,
    StartRequest,
    StepStream,
    StreamAnswer,
    StreamItem,
)

CircuitState = Literal["closed", "open", "half-open"]


class EngineFailed(Exception):
    """A call failed; the message is for the log only, never for clients."""


class TextRefused(EngineFailed):
    """The text cannot be spoken with what is installed (``engines.base.Unspeakable``).

    Unlike that of other failures, the message is one sentence written for the client.
    """


class Vitals(msgspec.Struct, frozen=True):
    """Whether an engine can work: ``workers`` are the threads or processes that can take a call now
    (for an engine that is loaded on demand: could). ``crashes`` counts the workers that ended
    unasked, ``restarts`` those that took their places. ``circuit`` is the state of its circuit
    breaker (``runtime.routing``), ``openings`` how many times that was opened. Not ``loaded``: the
    engine is unloaded as long as nobody needs it.
    """

    workers: int
    crashes: int = 0
    restarts: int = 0
    circuit: CircuitState = "closed"
    openings: int = 0
    loaded: bool = True


class EngineHost(Protocol):
    """An engine with threads or processes under it."""

    @property
    def info(self) -> Info:
        """The engine's description of itself."""

    @property
    def capacity(self) -> int:
        """How many requests the engine works on at the same time: calls times their batch."""

    @property
    def work(self) -> EngineWork:
        """What its calls cost."""

    @property
    def waiting(self) -> int:
        """How many calls are queued and not yet begun; for load decisions and metrics."""

    @property
    def vitals(self) -> Vitals:
        """How its workers are; for health and metrics."""

    async def start(self) -> None:
        """Load and warm the engine. Raises ``EngineUnavailable``."""

    async def close(self) -> None:
        """End what runs (it fails with ``EngineFailed``), free everything; twice is harmless."""

    async def call(self, request: Request) -> Answer:
        """One stateless call. Requests of one kind that wait at the same time share an engine
        call, where the engine takes batches. Raises ``EngineFailed``.
        """

    async def open(self, request: StartRequest) -> HostStream:
        """A stream in the engine: its state stays there until it is finished or aborted. Raises
        ``EngineFailed``.
        """

    def speak(
        self, utterance: Utterance, rate_hz: int, *, slack_s: float = 0.0
    ) -> AsyncGenerator[bytes, None]:
        """Speech, PCM s16le mono at ``rate_hz``, piece by piece; ``aclose`` cancels.
        ``slack_s`` is how much speech its listener has not played yet: where calls queue, those
        with less slack go first.
        Raises ``EngineFailed`` while iterating, ``TextRefused`` for what the engine cannot read.
        """


class HostStream:
    """An open stream; one step at a time. ``step`` has an item (or None: finish) done in the
    engine, ``abort`` has its state freed there.
    """

    def __init__(
        self,
        step: Callable[[StreamItem | None], Awaitable[StreamAnswer]],
        abort: Callable[[], None],
    ) -> None:
        self._step = step
        self._abort = abort
        self._ended = False
        self.on_end: Callable[[], None] = lambda: None
        """Called once, when the stream was finished or aborted."""

    async def feed(self, item: StreamItem) -> StreamAnswer:
        """Hand over an item; its answer. Raises ``EngineFailed``."""
        return await self._step(item)

    async def finish(self) -> StreamAnswer:
        """No more items come: the last answer. Raises ``EngineFailed``."""
        answer = await self._step(None)
        self._end()
        return answer

    def abort(self) -> None:
        """Give the stream up; returns at once. No effect on one that was finished or aborted."""
        if not self._ended:
            self._abort()
            self._end()

    def _end(self) -> None:
        self._ended = True
        self.on_end()


class RequestHost(ABC):
    """Base of hosts in which every call and every step of a stream is one request."""

    def __init__(self, info: Info, places: int = 1) -> None:
        self.info = info
        self.work = EngineWork(places)
        self._stream_numbers = count(1)

    @abstractmethod
    async def _ask(self, request: AnyRequest) -> Outcome:
        """What became of a request. Raises ``EngineFailed`` for one that is not accepted."""

    @abstractmethod
    def _abort_stream(self, number: int) -> None:
        """Have the stream aborted that was opened with this number, if it is still open."""

    async def call(self, request: Request) -> Answer:
        """See ``EngineHost``."""
        return cast("Answer", await self._answer(request))

    async def open(self, request: StartRequest) -> HostStream:
        """See ``EngineHost``."""
        number = next(self._stream_numbers)
        stream = HostStream(partial(self._step, number), partial(self._abort_stream, number))
        try:
            await self._answer(OpenStream(number, request))
        except BaseException:  # it may have been opened although nobody waits any more
            stream.abort()
            raise
        return stream

    async def _step(self, number: int, item: StreamItem | None) -> StreamAnswer:
        return cast("StreamAnswer", await self._answer(StepStream(number, item)))

    async def _answer(self, request: AnyRequest) -> Answer | StreamAnswer:
        outcome = await self._ask(request)
        if outcome.failure is not None:
            raise EngineFailed(f"{self.info.name}: {outcome.failure}")
        return outcome.answer
