"""The bounded queue of frames to one client.

Law of this file: ``put`` never waits, so a session's answer to a client event always goes out
in order; jobs wait in ``room`` before they report, and only the socket writer takes frames out.
Jobs stop at the high-water mark. At twice that, what lies on top are answers to a client that
asks and does not read: then the socket reader waits too, in ``room_to_answer``.
"""

from __future__ import annotations

import asyncio
from collections import deque


class Outbox:
    """Encoded text frames, first in, first out; ends with a close code."""

    def __init__(self, high_water: int) -> None:
        self._frames: deque[str] = deque()
        self._high_water = high_water
        self._chars = 0
        self._close: tuple[int, str] | None = None
        self._arrived = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._room_to_answer = asyncio.Event()
        self._room_to_answer.set()

    @property
    def chars(self) -> int:
        """How much is queued (frames are ASCII apart from text, so about bytes)."""
        return self._chars

    def put(self, frame: str) -> None:
        """Queue a frame; after ``close`` nothing more is taken."""
        if self._close is not None:
            return
        self._frames.append(frame)
        self._chars += len(frame)
        if self._chars > self._high_water:
            self._room.clear()
        if self._chars > 2 * self._high_water:
            self._room_to_answer.clear()
        self._arrived.set()

    def close(self, code: int, reason: str) -> None:
        """The last thing to do, behind all frames."""
        if self._close is None:
            self._close = (code, reason)
            self._room.set()
            self._room_to_answer.set()
            self._arrived.set()

    async def get(self) -> str | tuple[int, str]:
        """The next frame, or at the end the close code and reason."""
        while not self._frames:
            if self._close is not None:
                return self._close
            self._arrived.clear()
            await self._arrived.wait()
        frame = self._frames.popleft()
        self._chars -= len(frame)
        if self._chars <= self._high_water:
            self._room.set()
        if self._chars <= 2 * self._high_water:
            self._room_to_answer.set()
        return frame

    @property
    def has_room(self) -> bool:
        """Whether a job may report without waiting."""
        return self._room.is_set()

    async def room(self) -> None:
        """Wait until less than the high-water mark is queued."""
        await self._room.wait()

    async def room_to_answer(self) -> None:
        """Wait until less than twice the high-water mark is queued."""
        await self._room_to_answer.wait()
