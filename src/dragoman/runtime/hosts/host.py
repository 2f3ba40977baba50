"""What a host is: the place where an engine lives, as the event loop sees it.

Scope: the Protocols, their exceptions, and the loop's end of a stream. ``make_host`` makes hosts.
All methods are called on the event loop's thread and none of them blocks it. A host in another
process or on another machine is one more class with these methods.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Protocol

from dragoman.engines.base import Info, Utterance
from dragoman.runtime.hosts.requests import (
    Answer,
    Outcome,
    Request,
    StartRequest,
    StreamAnswer,
    StreamItem,
)


class EngineFailed(Exception):
    """A call failed; the message is for the log only, never for clients."""


class TextRefused(EngineFailed):
    """The text cannot be spoken with what is installed (``engines.base.Unspeakable``).

    Unlike that of other failures, the message is one sentence written for the client.
    """


class EngineHost(Protocol):
    """An engine with threads or processes under it."""

    info: Info
    capacity: int
    """How many requests the engine works on at the same time: calls times their batch."""

    @property
    def waiting(self) -> int:
        """How many calls are queued and not yet begun; for load decisions and metrics."""

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

    async def feed(self, item: StreamItem) -> StreamAnswer:
        """Hand over an item; its answer. Raises ``EngineFailed``."""
        return await self._step(item)

    async def finish(self) -> StreamAnswer:
        """No more items come: the last answer. Raises ``EngineFailed``."""
        answer = await self._step(None)
        self._ended = True
        return answer

    def abort(self) -> None:
        """Give the stream up; returns at once. No effect on one that was finished or aborted."""
        if not self._ended:
            self._ended = True
            self._abort()


def answer_of(outcome: Outcome, info: Info) -> Answer | StreamAnswer:
    """The answer in an outcome. Raises ``EngineFailed`` when there is none."""
    if outcome.failure is not None:
        raise EngineFailed(f"{info.name}: {outcome.failure}")
    return outcome.answer
