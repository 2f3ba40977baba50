"""The bounded queue of a job's inputs.

Law of this file: ``put`` never waits, because the session's step that pushes is synchronous;
whoever *makes* the client's inputs arrive waits in ``room`` instead, and only the socket reader
does. So what a job holds is bounded by the high-water mark plus what one client event pushes.
"""

from __future__ import annotations

import asyncio
from collections import deque

from dragoman.speech import Audio, Image, Input, Say


def weight(item: Input) -> int:
    """How much an input counts: bytes of audio or image, or of text as UTF-8 at most."""
    match item:
        case Audio(pcm=pcm):
            return len(pcm)
        case Image(data=data):
            return len(data)
        case Say(text=text):
            return 4 * len(text)
    return 64


class Inbox:
    """First in, first out; one reader."""

    def __init__(self, high_water: int) -> None:
        self._items: deque[Input] = deque()
        self._high_water = high_water
        self._weight = 0
        self._ended = False
        self._arrived = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    def put(self, item: Input) -> None:
        """Add an input; after ``end`` it is dropped."""
        if self._ended:
            return
        self._items.append(item)
        self._weight += weight(item)
        if self._weight > self._high_water:
            self._room.clear()
        self._arrived.set()

    def end(self) -> None:
        """No more inputs come."""
        self._ended = True
        self._arrived.set()

    def close(self) -> None:
        """The reader is gone: forget what waits and never hold anybody up again."""
        self._items.clear()
        self._weight = 0
        self._room.set()
        self.end()

    async def get(self) -> Input | None:
        """The next input, or None when all were taken and no more come."""
        while not self._items:
            if self._ended:
                return None
            self._arrived.clear()
            await self._arrived.wait()
        return self._take()

    def get_now(self) -> Input | None:
        """The next input if one waits."""
        return self._take() if self._items else None

    def peek(self) -> Input | None:
        """What ``get_now`` would give, left in place."""
        return self._items[0] if self._items else None

    async def room(self) -> None:
        """Wait until less than the high-water mark is queued."""
        await self._room.wait()

    def _take(self) -> Input:
        item = self._items.popleft()
        self._weight -= weight(item)
        if self._weight <= self._high_water:
            self._room.set()
        return item
