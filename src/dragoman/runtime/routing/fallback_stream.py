"""A stream that is opened at another engine when the first one fails before it has answered.

Scope: what was fed is kept until the first answer, ``_MOST_BYTES`` at most, and fed again to the
next engine. Behind the first answer a failure is the stream's, as nothing may be said twice.
Recognisers do not come here: their turns are begun again by ``cascade.recognition``, also at an
engine of another shape.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator

import msgspec

from dragoman.runtime.hosts.host import EngineFailed, EngineHost, HostStream
from dragoman.runtime.hosts.requests import StartRequest, StreamAnswer, StreamItem

_MOST_BYTES = 30 * 16_000 * 2
"""Half a minute of audio."""


class FallbackStream:
    """The stream ``request`` at the first of ``hosts``. ``after`` gives the host to ask behind a
    failure, or raises it.
    """

    def __init__(
        self,
        request: StartRequest,
        hosts: Iterator[EngineHost],
        after: Callable[[EngineHost, EngineFailed, Iterator[EngineHost]], EngineHost],
    ) -> None:
        self._request = request
        self._hosts = hosts
        self._after = after
        self._host = next(hosts)
        self._stream: HostStream | None = None
        self._kept: list[StreamItem] | None = []
        self._kept_bytes = 0

    async def open(self) -> HostStream:
        """Open it. Raises ``EngineFailed``."""
        await self._attempt(None)
        return HostStream(self._step, self._abort)

    async def _step(self, item: StreamItem | None) -> StreamAnswer:
        answer = await self._attempt(
            lambda stream: stream.finish() if item is None else stream.feed(item)
        )
        if answer:
            self._kept = None
        elif item is not None:
            self._keep(item)
        return answer

    async def _attempt(
        self, step: Callable[[HostStream], Awaitable[StreamAnswer]] | None
    ) -> StreamAnswer:
        while True:
            try:
                stream, answer = await self._opened()
                return answer if step is None else _joined(answer, await step(stream))
            except EngineFailed as failure:
                if self._kept is None:
                    raise
                self._abort()
                self._host = self._after(self._host, failure, self._hosts)

    async def _opened(self) -> tuple[HostStream, StreamAnswer]:
        """The stream, opened if it is not and fed what is kept; and what was answered to that."""
        answer: StreamAnswer = None
        if self._stream is None:
            self._stream = await self._host.open(self._request)
            for item in self._kept or ():
                answer = _joined(answer, await self._stream.feed(item))
        return self._stream, answer

    def _keep(self, item: StreamItem) -> None:
        if self._kept is None:
            return
        self._kept.append(item)
        values = msgspec.structs.astuple(item)
        self._kept_bytes += sum(len(value) for value in values if isinstance(value, bytes))
        if self._kept_bytes > _MOST_BYTES:
            self._kept = None

    def _abort(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.abort()


def _joined(one: StreamAnswer, other: StreamAnswer) -> StreamAnswer:
    """Facts add up; of hypotheses the last one counts."""
    if isinstance(one, tuple) and isinstance(other, tuple):
        return one + other
    return other if other is not None else one
