"""A host whose calls are counted by a circuit breaker, and end in time where another engine waits.

Scope: it wraps the host of one engine, wherever that lives: in a server of several processes in the
engine process, so that all gateways see one circuit. It refuses nothing: ``fallback`` goes by
``vitals.circuit``. What counts is whether the engine answers: a text that it refuses is an answer,
and a call that nobody waits for any more says nothing. A stream counts when it answers first, and
again when it fails behind that.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager

from msgspec.structs import replace

from dragoman.engines.base import Translation, Utterance, Window
from dragoman.runtime.hosts.host import EngineFailed, EngineHost, HostStream, TextRefused, Vitals
from dragoman.runtime.hosts.requests import (
    Answer,
    Request,
    StartRequest,
    StepStream,
    StreamAnswer,
    StreamItem,
    WarmDirection,
)
from dragoman.runtime.hosts.time_limit import CALL_S
from dragoman.runtime.routing.circuit_breaker import CircuitBreaker, Passage

LOG = logging.getLogger("dragoman.runtime.routing")

_SHARE = 0.5
"""The share of a call's time that an engine gets before another one is asked: two engines in a row
take no longer than one alone may.
"""
_BOUNDED: tuple[type, ...] = (Window, Translation, StepStream)


def call_limits(call_s: float | None, *, is_alone: bool) -> Mapping[type, float]:
    """How long the requests of each kind may take, waiting included, where another engine could be
    asked instead; ``call_s`` is the operator's word, also for an engine that ``is_alone``.
    """
    if is_alone and call_s is None:
        return {}
    return {kind: call_s or _SHARE * CALL_S[kind] for kind in _BOUNDED}


class CircuitHost:
    """An ``EngineHost`` around ``inner``. ``limits_s`` bounds calls and steps of streams by their
    kind; none without it, but those of the inner host. ``name`` is for the log.
    """

    def __init__(
        self, inner: EngineHost, name: str, limits_s: Mapping[type, float] | None = None
    ) -> None:
        self.info = inner.info
        self.capacity = inner.capacity
        self.work = inner.work
        self._inner = inner
        self._name = name
        self._limits_s = limits_s or {}
        self._breaker = CircuitBreaker()

    @property
    def waiting(self) -> int:
        """Calls queued and not begun."""
        return self._inner.waiting

    @property
    def vitals(self) -> Vitals:
        """Those of the inner host, with the circuit."""
        breaker = self._breaker
        state = breaker.state(asyncio.get_running_loop().time())
        return replace(self._inner.vitals, circuit=state, openings=breaker.openings)

    async def start(self) -> None:
        """As in the Protocol."""
        await self._inner.start()

    async def close(self) -> None:
        """As in the Protocol."""
        await self._inner.close()

    async def call(self, request: Request) -> Answer:
        """As in the Protocol."""
        if isinstance(request, WarmDirection):  # may fail for a direction that nobody asks for
            return await self._inner.call(request)
        with _Attempt(self._breaker, self._name) as attempt:
            async with self._in_time(type(request)):
                answer = await self._inner.call(request)
            attempt.succeed()
        return answer

    async def open(self, request: StartRequest) -> HostStream:
        """As in the Protocol."""
        with _Attempt(self._breaker, self._name) as attempt:
            async with self._in_time(StepStream):
                stream = await self._inner.open(request)

        async def step(item: StreamItem | None) -> StreamAnswer:
            with attempt:
                async with self._in_time(StepStream):
                    answer = await (stream.finish() if item is None else stream.feed(item))
                if answer or item is None:
                    attempt.succeed()
            return answer

        def abort() -> None:
            stream.abort()
            attempt.leave()

        return HostStream(step, abort)

    async def speak(
        self, utterance: Utterance, rate_hz: int, *, slack_s: float = 0.0
    ) -> AsyncGenerator[bytes, None]:
        """As in the Protocol. The inner host has a limit of its own for the first sound."""
        with _Attempt(self._breaker, self._name) as attempt:
            async with aclosing(self._inner.speak(utterance, rate_hz, slack_s=slack_s)) as pieces:
                async for pcm in pieces:
                    attempt.succeed()
                    yield pcm
            attempt.succeed()

    @asynccontextmanager
    async def _in_time(self, kind: type) -> AsyncIterator[None]:
        limit_s = self._limits_s.get(kind)
        limit = asyncio.timeout(limit_s)
        try:
            async with limit:
                yield
        except TimeoutError:
            if limit.expired():
                raise EngineFailed(f"{self._name}: no answer in {limit_s:g} s (call_s)") from None
            raise


class _Attempt:
    """One call, stream or segment as the breaker sees it. It is entered for every step in which the
    engine may fail.
    """

    def __init__(self, breaker: CircuitBreaker, name: str) -> None:
        self._breaker = breaker
        self._name = name
        self._now_s: Callable[[], float] = asyncio.get_running_loop().time
        self._passage: Passage | None = breaker.begin(self._now_s())

    def succeed(self) -> None:
        """There is an answer; only the first one counts."""
        passage, self._passage = self._passage, None
        if passage is not None and self._breaker.succeed(passage):
            LOG.info("%s answers again: its circuit is closed", self._name)

    def leave(self) -> None:
        """Nobody waits any more."""
        passage, self._passage = self._passage, None
        if passage is not None:
            self._breaker.leave(passage)

    def __enter__(self) -> _Attempt:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        match error:
            case None:
                pass
            case TextRefused():
                self.succeed()
            case EngineFailed():
                self._fail(error)
            case _:
                self.leave()

    def _fail(self, failure: EngineFailed) -> None:
        now_s = self._now_s()
        passage, self._passage = self._passage or self._breaker.begin(now_s), None
        if self._breaker.fail(passage, now_s):
            values = {"engine": self._name, "s": self._breaker.pause_s, "failure": failure}
            LOG.warning("%(engine)s is left alone for %(s)g s, it fails: %(failure)s", values)
