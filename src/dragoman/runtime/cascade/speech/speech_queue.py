"""What waits to be spoken: first in, first out, bounded by how long it would take to say.

Scope: one writer (translation), one reader (speech), both on the loop. The writer waits while
``MOST_S`` seconds of speech or ``MOST_ITEMS`` items wait. That is far beyond where speech begins to
skip, so translation waits only in sessions that have turned skipping off.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, TypeVar

from dragoman.runtime.timed_wait import set_within

MOST_S = 30.0
MOST_ITEMS = 64

T = TypeVar("T")


class SpeechQueue(Generic[T]):
    """Items and their lengths in seconds of speech."""

    def __init__(self) -> None:
        self._items: deque[tuple[T, float]] = deque()
        self._arrived = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self.seconds = 0.0
        """How long it would take to say all that waits."""

    def __len__(self) -> int:
        return len(self._items)

    async def put(self, item: T, seconds: float = 0.0) -> None:
        """Add an item; waits while too much does."""
        await self._room.wait()
        self._items.append((item, seconds))
        self._count(seconds)
        self._arrived.set()

    async def get(self, most_s: float | None = None) -> T:
        """The next item. Raises ``TimeoutError`` when none came in ``most_s`` seconds."""
        if not self._items:
            await set_within(self._arrived, most_s)
            if not self._items:
                raise TimeoutError
        item, seconds = self._items.popleft()
        self._count(-seconds)
        return item

    def _count(self, seconds: float) -> None:
        self.seconds = self.seconds + seconds if self._items else 0.0
        if self.seconds >= MOST_S or len(self._items) >= MOST_ITEMS:
            self._room.clear()
        else:
            self._room.set()
