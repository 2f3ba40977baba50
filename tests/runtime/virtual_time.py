"""An event loop in virtual time: its clock jumps to the next timer instead of waiting for it.

For code that lives on the loop alone (no threads, no sockets). Nothing takes time by itself, so
runs are repeatable and an hour takes milliseconds. A loop that would wait for ever raises.

Real loops fire timers up to a nanosecond early; code that then reads the clock, finds the moment
not yet reached and waits again would do so for ever. With ``turn_s`` every turn of the loop takes
that long, as in a real one.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _NeverWaits(selectors.DefaultSelector):  # type: ignore[misc,valid-type]  # chosen by platform
    def __init__(self, loop: VirtualTimeLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[Any]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise RuntimeError("every task waits and no timer is set")
        if not ready and timeout:
            self._loop.now_s += timeout
        self._loop.now_s += self._loop.turn_s
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """A loop whose ``time()`` advances only by what its timers wait for."""

    def __init__(self, turn_s: float = 0.0) -> None:
        self.now_s = 1000.0
        self.turn_s = turn_s
        super().__init__(_NeverWaits(self))

    def time(self) -> float:
        return self.now_s


def run_in_virtual_time(main: Coroutine[Any, Any, T], turn_s: float = 0.0) -> T:
    """Run a coroutine on such a loop; its result."""
    with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(turn_s)) as runner:
        return runner.run(main)
