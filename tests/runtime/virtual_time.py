"""An event loop whose clock jumps: what waits for a moment is woken at once, at that moment.

For code that lives on the loop alone (no threads, no sockets). Nothing takes time by itself, so
runs are repeatable and an hour takes milliseconds. A loop that would wait for ever raises.

Loops fire timers up to a nanosecond early; code that looks at the clock then and finds that it is
not quite time waits again, for nothing, for ever. With ``turn_s`` every turn of the loop takes
that long, as it does in life.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Jump(selectors.DefaultSelector):  # type: ignore[misc,valid-type]  # chosen by platform
    def __init__(self, loop: JumpingLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[Any]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise RuntimeError("everybody waits and nothing will come")
        if not ready and timeout:
            self._loop.now_s += timeout
        self._loop.now_s += self._loop.turn_s
        return ready


class JumpingLoop(asyncio.SelectorEventLoop):
    """See the head of this file."""

    def __init__(self, turn_s: float = 0.0) -> None:
        self.now_s = 1000.0
        self.turn_s = turn_s
        super().__init__(_Jump(self))

    def time(self) -> float:
        return self.now_s


def jump(main: Coroutine[Any, Any, T], turn_s: float = 0.0) -> T:
    """Run it on such a loop."""
    with asyncio.Runner(loop_factory=lambda: JumpingLoop(turn_s)) as runner:
        return runner.run(main)
