"""Speech on its way from an engine to whoever asked for it: the event loop's end.

Law of this file: loop thread only. The bound is kept by the host, which stops the engine when
too much waits here.
"""

from __future__ import annotations

import asyncio
from collections import deque

from dragoman.runtime.hosts.host import EngineFailed, TextRefused


class PcmStream:
    """Pieces in order, then the end or a failure."""

    def __init__(self) -> None:
        self._pieces: deque[bytes] = deque()
        self._failure: EngineFailed | None = None
        self._arrived = asyncio.Event()
        self.ended = False

    def push(self, pcm: bytes) -> None:
        """A piece has come."""
        self._pieces.append(pcm)
        self._arrived.set()

    def end(self, failure: str | None = None, refusal: str | None = None) -> None:
        """Nothing more comes. Only the first call counts. ``refusal`` goes before ``failure``."""
        if not self.ended:
            self.ended = True
            if refusal is not None:
                self._failure = TextRefused(refusal)
            elif failure is not None:
                self._failure = EngineFailed(failure)
            self._arrived.set()

    async def next(self) -> bytes | None:
        """The next piece, None at the end. Raises ``EngineFailed`` behind the last piece."""
        while not self._pieces:
            if self._failure is not None:
                raise self._failure
            if self.ended:
                return None
            self._arrived.clear()
            await self._arrived.wait()
        return self._pieces.popleft()
