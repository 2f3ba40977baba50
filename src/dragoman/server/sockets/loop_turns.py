"""Work of many connections, a bounded part of it in each turn of the event loop.

Scope: a queue of small pieces of work and the time that they may take together before the loop
looks after its sockets and timers again. What clients can make the server do by sending bytes
(parsing them, starting requests and handshakes) goes through here. Pieces run in the order in
which they came, one connection after the other; so a connection with much to do waits for itself,
and all of them together cost the others ``TURN_S`` for each turn of the loop.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

TURN_S = 0.002


class LoopTurns:
    """The queue of one event loop; each piece of work bounds itself to about a millisecond."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[Callable[[], None], float]] = deque()

    def add(self, work: Callable[[], None], task_s: float = 0.0) -> None:
        """Run ``work`` in one of the next turns, behind what waits already.

        ``task_s`` is about what a task takes that the work only starts.
        """
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._turn)
        self._waiting.append((work, task_s))

    def _turn(self) -> None:
        until = time.perf_counter() + TURN_S
        try:
            while True:
                work, task_s = self._waiting[0]
                until -= task_s
                try:
                    work()
                finally:
                    self._waiting.popleft()
                if not self._waiting or time.perf_counter() >= until:
                    break
        finally:
            if self._waiting:
                asyncio.get_running_loop().call_soon(self._turn)
