"""Several engines as one: the first that works is asked, and the next one when it fails.

Scope: the order, and when another engine may still be asked. An engine whose circuit is open comes
behind the others; none is left out, as an engine that failed lately is better than none. A call
that fails is made again elsewhere. Speech is begun elsewhere as long as nothing of the segment was
passed on: nothing is said twice. A text that is refused is an answer. Requests depend on the engine
(placeholders, pictures): who prepares them gives ``ask`` a function of the host.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing
from typing import TypeVar

from msgspec.structs import replace

from dragoman.engines.base import Info, Utterance
from dragoman.runtime.hosts.engine_work import EngineWork
from dragoman.runtime.hosts.host import EngineFailed, EngineHost, HostStream, TextRefused, Vitals
from dragoman.runtime.hosts.requests import Answer, Request, StartRequest
from dragoman.runtime.observer import FailedOver, session_observer
from dragoman.runtime.routing.fallback_stream import FallbackStream
from dragoman.speech import Hypothesis

LOG = logging.getLogger("dragoman.session")

T = TypeVar("T")
_NOT_BELIEVED = -1.0


class FallbackHost:
    """An ``EngineHost`` of one or more ``hosts``, in the order in which they are to be asked, for
    work that each of them can do.
    """

    def __init__(self, hosts: Sequence[EngineHost]) -> None:
        self.hosts = tuple(hosts)

    # ------------------------------------------------------------ who would be asked now
    @property
    def preferred(self) -> EngineHost:
        """The engine that would be asked now."""
        return next(self._in_order())

    @property
    def info(self) -> Info:
        """Of that engine."""
        return self.preferred.info

    @property
    def capacity(self) -> int:
        """Of that engine."""
        return self.preferred.capacity

    @property
    def work(self) -> EngineWork:
        """Of that engine."""
        return self.preferred.work

    @property
    def waiting(self) -> int:
        """Of that engine."""
        return self.preferred.waiting

    @property
    def vitals(self) -> Vitals:
        """Of that engine."""
        return self.preferred.vitals

    def _in_order(self) -> Iterator[EngineHost]:
        """Those whose circuit is open last. Lazily: the first one is asked before others are looked
        at.
        """
        if len(self.hosts) == 1:
            yield from self.hosts
            return
        left_alone = []
        for host in self.hosts:
            if host.vitals.circuit == "open":
                left_alone.append(host)
            else:
                yield host
        yield from left_alone

    # ------------------------------------------------------------ asking
    async def ask(self, attempt: Callable[[EngineHost], Awaitable[T]]) -> T:
        """What ``attempt`` gets from the first engine that does not fail. Raises ``EngineFailed``,
        that of the last one.
        """
        order = self._in_order()
        host = next(order)
        while True:
            try:
                return await attempt(host)
            except EngineFailed as failure:
                host = self._after(host, failure, order)

    def _after(
        self, host: EngineHost, failure: EngineFailed, order: Iterator[EngineHost]
    ) -> EngineHost:
        """The engine to ask behind this failure, which is raised if there is none."""
        following = None if isinstance(failure, TextRefused) else next(order, None)
        if following is None:
            raise failure
        tell_failover(host.info, following.info, failure)
        return following

    async def start(self) -> None:
        """Nothing: the hosts are started by themselves."""

    async def close(self) -> None:
        """Nothing."""

    async def call(self, request: Request) -> Answer:
        """As in the Protocol. The confidence of a hypothesis is to be judged by the first engine's
        gate, whichever answered.
        """
        gate = self.hosts[0].info.confidence_gate

        async def attempt(host: EngineHost) -> Answer:
            answer = await host.call(request)
            return _judged(answer, host.info.confidence_gate, gate)

        return await self.ask(attempt)

    async def open(self, request: StartRequest) -> HostStream:
        """As in the Protocol; it may move to another engine until it has answered."""
        order = self._in_order()
        if len(self.hosts) == 1:
            return await next(order).open(request)
        return await FallbackStream(request, order, self._after).open()

    async def speak(
        self, utterance: Utterance, rate_hz: int, *, slack_s: float = 0.0
    ) -> AsyncGenerator[bytes, None]:
        """As in the Protocol."""
        order = self._in_order()
        host, sounds = next(order), False
        while True:
            try:
                async with aclosing(host.speak(utterance, rate_hz, slack_s=slack_s)) as pieces:
                    async for pcm in pieces:
                        sounds = True
                        yield pcm
            except EngineFailed as failure:
                if sounds:
                    raise
                host = self._after(host, failure, order)
            else:
                return


def tell_failover(failed: Info, following: Info, failure: EngineFailed) -> None:
    """To the log and to the observer of the session that asked."""
    values = {"failure": failure, "engine": following.name}
    LOG.warning("%(engine)s is asked instead: %(failure)s", values)
    observer = session_observer.get()
    if observer is not None:
        observer.on(FailedOver(failed.name, failed.role))


def _judged(answer: Answer, own_gate: float, asked_gate: float) -> Answer:
    """The answer for one who judges confidence by the gate of another engine: what is not believed
    by its own is not believed there either, and what is believed is.
    """
    if own_gate == asked_gate or not isinstance(answer, Hypothesis):
        return answer
    is_believed = answer.confidence >= own_gate
    least = max(answer.confidence, asked_gate) if is_believed else _NOT_BELIEVED
    return replace(answer, confidence=least)
