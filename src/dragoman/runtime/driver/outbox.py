"""The bounded queue of frames to one client.

Scope: order and bounds. ``put`` never waits, so a session's answer to a client event always goes
out in order; jobs wait in ``room`` before they report. Jobs stop at the high-water mark. What lies
above that are answers to a client that asks and does not read: at twice the mark the socket reader
waits, too, in ``room_to_answer``. Long before that, snapshots replace older unsent ones.
"""

from __future__ import annotations

import asyncio

_WRITE_CHARS = 64 * 1024
"""What is taken in one write at least, if there is so much."""
_CONFLATE_CHARS = 64 * 1024
"""From here on the client does not keep up: a newer snapshot takes the place of an older one."""


class Outbox:
    """Encoded text frames, first in, first out; ends with a close code."""

    def __init__(self, high_water: int) -> None:
        self.closing: tuple[int, str] | None = None
        """Close code and reason, to be sent behind all frames."""
        self.frames: list[str] = []
        """What waits; only ``put`` and ``take`` change it. A list, as an empty deque takes more."""
        self.chars = 0
        """How much that is."""
        self._high_water = high_water
        self._taken = 0
        self._snapshots: dict[str, int] = {}  # by key, of what waits: frames from the first one on
        self._shrinks: asyncio.Event | None = None  # made when somebody waits: few ever do

    def put(self, frame: str, supersedes: str = "") -> None:
        """Queue a frame; after ``close`` nothing more is taken. A frame may take the place of one
        with the same key ``supersedes`` that still waits, if the client does not keep up.
        """
        if self.closing is not None:
            return
        if supersedes and self._replace(frame, supersedes):
            return
        self.frames.append(frame)
        self.chars += len(frame)

    def _replace(self, frame: str, key: str) -> bool:
        at = self._snapshots.get(key, -1) - self._taken
        if at >= 0 and self.chars > _CONFLATE_CHARS:
            self.chars += len(frame) - len(self.frames[at])
            self.frames[at] = frame
            return True
        self._snapshots[key] = self._taken + len(self.frames)
        return False

    def close(self, code: int, reason: str) -> None:
        """The last thing to do, behind all frames."""
        if self.closing is None:
            self.closing = (code, reason)
            self._wake()

    def take(self) -> list[str]:
        """The next frames, about as many as one write should have."""
        count = size = 0
        while count < len(self.frames) and size < _WRITE_CHARS:
            size += len(self.frames[count])
            count += 1
        frames = self.frames[:count]
        del self.frames[:count]
        self.chars -= size
        self._taken += len(frames)
        if self._snapshots:  # those that were sent cannot be replaced any more
            self._snapshots = {k: at for k, at in self._snapshots.items() if at >= self._taken}
        self._wake()
        return frames

    @property
    def has_room(self) -> bool:
        """Whether a job may report without waiting."""
        return self.closing is not None or self.chars <= self._high_water

    @property
    def has_room_to_answer(self) -> bool:
        """Whether ``room_to_answer`` would return at once."""
        return self.closing is not None or self.chars <= 2 * self._high_water

    async def room(self) -> None:
        """Wait until at most the high-water mark is queued."""
        while not self.has_room:
            await self._shrunk()

    async def room_to_answer(self) -> None:
        """Wait until at most twice the high-water mark is queued."""
        while not self.has_room_to_answer:
            await self._shrunk()

    async def _shrunk(self) -> None:
        if self._shrinks is None:
            self._shrinks = asyncio.Event()
        await self._shrinks.wait()

    def _wake(self) -> None:
        if self._shrinks is not None:
            self._shrinks.set()
            self._shrinks = None
