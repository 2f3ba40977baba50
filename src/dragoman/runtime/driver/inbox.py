"""The bounded queue of a job's inputs.

Scope: order and bounds. ``put`` never waits, because the session's step that pushes is synchronous;
the socket reader, which makes inputs arrive, waits in ``room`` instead. So what a job holds is
bounded by the high-water mark plus what one client event pushes.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from dragoman.speech import HEARING_RATE_HZ, Audio, Image, Input, Interpret, Say

_ITEM = 64
"""What an input costs besides its content, roughly, so that empty ones are bounded, too."""


def weight(item: Input) -> int:
    """How much an input counts: bytes of audio or image, or of text as UTF-8 at most."""
    match item:
        case Audio(pcm=pcm):
            return _ITEM + len(pcm)
        case Image(data=data):
            return _ITEM + len(data)
        case Say(text=text):
            return _ITEM + 4 * len(text)
    return _ITEM


class Inbox:
    """First in, first out; one reader. ``listened_s`` counts the audio that was taken."""

    def __init__(self, high_water: int) -> None:
        self.listened_s = 0.0
        self.rate_hz = HEARING_RATE_HZ
        """The rate of the audio: the reader sets that of its task, later tasks bring their own."""
        self._items: deque[Input] = deque()
        self._high_water = high_water
        self._weight = 0
        self.audio_bytes = 0
        """How much audio waits, as PCM."""
        self._ended = False
        self.on_work: Callable[[], None] = lambda: None
        """Called when an input comes and when it is taken."""
        # One reader, an item for every 100 ms of every session: cheaper than an Event.
        self._loop = asyncio.get_running_loop()
        self._arrival: asyncio.Future[None] | None = None
        self._room = asyncio.Event()
        self._room.set()

    @property
    def queued_s(self) -> float:
        """How much audio waits."""
        return self.audio_bytes / (2 * self.rate_hz)

    def put(self, item: Input) -> None:
        """Add an input; after ``end`` it is dropped."""
        if self._ended:
            return
        self.on_work()
        self._items.append(item)
        self._weight += weight(item)
        if isinstance(item, Audio):
            self.audio_bytes += item.size(self.rate_hz)
        if self._weight > self._high_water:
            self._room.clear()
        self._wake()

    def end(self) -> None:
        """No more inputs come."""
        self._ended = True
        self._wake()

    def close(self) -> None:
        """The reader is gone: drop what waits, and have room for ever."""
        self._items.clear()
        self._weight = self.audio_bytes = 0
        self._room.set()
        self.end()

    async def get(self) -> Input | None:
        """The next input, or None when all were taken and no more come."""
        if not self._items:  # else nothing to wait for
            await self.arrival()
        return self._take() if self._items else None

    async def arrival(self) -> None:
        """Wait until ``get`` would return at once; may be cancelled without loss."""
        while not self._items and not self._ended:
            self._arrival = self._loop.create_future()
            await self._arrival

    async def arrival_or(self, other: asyncio.Future[Any]) -> None:
        """Wait for an arrival or until ``other`` is done, without a task for either."""
        other.add_done_callback(self._wake)
        try:
            while not (self._items or self._ended or other.done()):
                self._arrival = self._loop.create_future()
                await self._arrival
        finally:
            other.remove_done_callback(self._wake)

    def get_now(self) -> Input | None:
        """The next input if one waits, else None."""
        return self._take() if self._items else None

    def peek(self) -> Input | None:
        """What ``get_now`` would give, without taking it."""
        return self._items[0] if self._items else None

    @property
    def arrived_s(self) -> float:
        """How much audio has come in so far."""
        return self.listened_s + self.queued_s

    @property
    def has_room(self) -> bool:
        """Whether ``room`` would return at once."""
        return self._room.is_set()

    async def room(self) -> None:
        """Wait until at most the high-water mark is queued."""
        await self._room.wait()

    def _wake(self, _done: object = None) -> None:
        arrival, self._arrival = self._arrival, None
        if arrival is not None and not arrival.done():  # done: its reader was cancelled
            arrival.set_result(None)

    def _take(self) -> Input:
        self.on_work()
        item = self._items.popleft()
        self._weight -= weight(item)
        if self._weight <= self._high_water:
            self._room.set()
        if isinstance(item, Audio):
            size = item.size(self.rate_hz)
            self.audio_bytes -= size
            self.listened_s += size / (2 * self.rate_hz)
        elif isinstance(item, Interpret):
            self.rate_hz = item.rate_in
        return item
