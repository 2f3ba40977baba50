"""The messages of one WebSocket that its session has not taken yet.

Scope: a queue with one reader, which takes one message (as ASGI does) or all that are there (as
a session does). It stands in for the ``asyncio.Queue`` of uvicorn's protocol, so it takes what
uvicorn puts: ASGI messages, the disconnect included. Its bound is kept by the protocol, which
stops reading from the socket while more than ``waiting_bytes`` allows is queued.
"""

from __future__ import annotations

import asyncio
from collections import deque

from starlette.types import Message


class Incoming:
    """ASGI messages in order. ``waiting_bytes`` is the size of the frames among them."""

    def __init__(self) -> None:
        self.waiting_bytes = 0
        self._messages: deque[tuple[Message, int]] = deque()
        self._loop = asyncio.get_running_loop()
        self._arrival: asyncio.Future[None] | None = None

    def put_nowait(self, message: Message, size: int = 0) -> None:
        """Queue a message; ``size`` in bytes, of a data frame."""
        self._messages.append((message, size))
        self.waiting_bytes += size
        arrival, self._arrival = self._arrival, None
        if arrival is not None and not arrival.done():  # done: its reader was cancelled
            arrival.set_result(None)

    def empty(self) -> bool:
        """Whether nothing waits."""
        return not self._messages

    async def get(self) -> Message:
        """The next message."""
        return (await self.take(1))[0]

    async def take(self, most: int) -> list[Message]:
        """The next messages, as many as are there, at least one. Cancelling it loses nothing."""
        while not self._messages:
            self._arrival = self._loop.create_future()
            await self._arrival
        taken = [self._messages.popleft() for _ in range(min(most, len(self._messages)))]
        self.waiting_bytes -= sum(size for _, size in taken)
        return [message for message, _ in taken]
