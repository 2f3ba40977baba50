"""What all clients together may cost before and beside their sessions.

Scope: the state that the connections of one server share: the turns of the loop, the memory that
input may take, the connections that are no session (yet). What one connection may cost is in
``http_guard`` and ``websocket_guard``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from dragoman.server.config import ServerLimits
from dragoman.server.observability.metrics import Metrics
from dragoman.server.sockets.heap import trim
from dragoman.server.sockets.loop_turns import LoopTurns

WAITING_CONNECTIONS = 1000
"""Connections that are no session. Beyond it the oldest is cut off, not the newest refused: honest
clients are through in milliseconds, so the oldest is one that holds its place on purpose."""


TRIM_BYTES = 32 * 1024 * 1024
"""When so much less is held than before, the system gets it back."""


class InputHolder(Protocol):
    """A connection that can give its memory back."""

    def give_up(self) -> None:
        """Drop all input that waits, and close."""


class InputMemory:
    """The bytes of input that the connections of a server hold, and a bound on their sum.

    Input is held as frames that are not whole yet, as messages that no session has taken, and by
    sessions until a commit or its turn.
    Beyond the bound, the connection that holds most is closed: never one that holds little, so
    who fills the memory cannot push out others, and nobody waits for memory that never comes.
    """

    def __init__(self, most: int, trim: Callable[[], None] = trim) -> None:
        self._most = most
        self._trim = trim
        self._held: dict[InputHolder, int] = {}
        self._peak = 0
        self.used = 0

    def holds(self, holder: InputHolder, size: int) -> None:
        """``holder`` has ``size`` bytes now."""
        self.used += size - self._held.pop(holder, 0)
        if size:
            self._held[holder] = size
        while self.used > self._most and self._held:
            greatest = max(self._held, key=self._held.__getitem__)
            self.used -= self._held.pop(greatest)
            greatest.give_up()
        self._peak = max(self._peak, self.used)
        if self._peak - self.used >= TRIM_BYTES:
            self._peak = self.used
            self._trim()


class WaitingConnections:
    """Connections that are no session, the oldest first."""

    def __init__(self, most: int = WAITING_CONNECTIONS) -> None:
        self._most = most
        self._waiting: dict[asyncio.Transport, None] = {}

    def add(self, transport: asyncio.Transport) -> bool:
        """One more, at the end; whether another had to go for it."""
        self.remove(transport)
        self._waiting[transport] = None
        if len(self._waiting) <= self._most:
            return False
        oldest = next(iter(self._waiting))
        del self._waiting[oldest]
        oldest.abort()
        return True

    def remove(self, transport: asyncio.Transport) -> None:
        """It has gone, or is a session now. No effect where it is unknown."""
        self._waiting.pop(transport, None)

    def __len__(self) -> int:
        return len(self._waiting)


class ClientBounds:
    """What the connections of one server share."""

    def __init__(self, limits: ServerLimits, metrics: Metrics) -> None:
        self.stall_s = limits.stall_s
        self.turns = LoopTurns()
        self.memory = InputMemory(limits.memory_bytes)
        self.waiting = WaitingConnections()
        self.metrics = metrics

    def waits(self, transport: asyncio.Transport) -> None:
        """A connection is no session yet, or a client's request has its answer."""
        if self.waiting.add(transport):
            self.exceeded("connections")

    def refused(self, status: int, code: str) -> None:
        """Count a request or handshake that was refused before the application saw it."""
        self.metrics.refused.labels(str(status), code).inc()

    def exceeded(self, bound: str) -> None:
        """Count a connection that was closed because it went beyond a bound."""
        self.metrics.bounds.labels(bound).inc()
