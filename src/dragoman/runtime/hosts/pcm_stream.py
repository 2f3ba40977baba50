"""Speech on its way from an engine to its listener: the event loop's end.

Scope: loop thread only. The bound is kept by the host, which stops the engine when too much waits
here. Pieces that wait together leave as one: every piece costs the loop some 100 µs on its way to
the client, and they wait together when the loop is busy.
"""

from __future__ import annotations

import asyncio
from collections import deque

from dragoman.audio.pcm import bytes_in
from dragoman.runtime.hosts.call_times import CallTimes
from dragoman.runtime.hosts.host import EngineFailed, TextRefused
from dragoman.runtime.hosts.synthesize_segment import LONGEST_MS


class PcmStream:
    """Pieces of PCM s16le at ``rate_hz`` in order, then the end or a failure."""

    def __init__(self, rate_hz: int) -> None:
        self._most = bytes_in(LONGEST_MS, rate_hz)
        self._pieces: deque[bytes] = deque()
        self._failure: EngineFailed | None = None
        self._arrived = asyncio.Event()
        self.ended = False
        self.times = CallTimes()

    def push(self, pcm: bytes) -> None:
        """A piece has come."""
        self.times.answer()
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
        """What has come and not been taken, None at the end. Raises ``EngineFailed`` behind the
        last piece.
        """
        while not self._pieces:
            if self._failure is not None:
                raise self._failure
            if self.ended:
                return None
            self._arrived.clear()
            await self._arrived.wait()
        taken = [self._pieces.popleft()]
        size = len(taken[0])
        while self._pieces and size + len(self._pieces[0]) <= self._most:
            size += len(self._pieces[0])
            taken.append(self._pieces.popleft())
        return b"".join(taken)
