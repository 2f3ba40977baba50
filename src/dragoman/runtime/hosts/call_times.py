"""When an engine was asked, began and answered; told to the observer of the session that asked.

Scope: three moments of the system's monotonic clock, and the event that is made of them. A host
creates the times when it is asked, marks the begin wherever the engine is (also on its thread) and
reports in the task that asked.
"""

from __future__ import annotations

import time

from dragoman.engines.base import Info
from dragoman.runtime.observer import EngineTimed, current_turn, session_observer


class CallTimes:
    """Of one call, one step of a stream, or one segment of speech."""

    __slots__ = ("_answered_s", "_asked_s", "_batch", "_begun_s")

    def __init__(self) -> None:
        self._asked_s = time.monotonic()
        self._begun_s: float | None = None
        self._answered_s: float | None = None
        self._batch = 1

    def begin(self, batch: int = 1) -> None:
        """The engine begins, with so many calls at once; a later begin is another attempt."""
        self._begun_s, self._batch = time.monotonic(), batch

    def answer(self) -> None:
        """The answer, or the first sound, is here; only the first call counts."""
        self._answered_s = self._answered_s or time.monotonic()

    def learn(self, queued_s: float, took_s: float, batch: int) -> None:
        """It was measured where the engine is, in another process."""
        self._begun_s, self._batch = self._asked_s + queued_s, batch
        self._answered_s = self._begun_s + took_s

    def report(self, info: Info) -> None:
        """Tell who asked, if the engine came to answer."""
        begun_s, answered_s, observer = self._begun_s, self._answered_s, session_observer.get()
        if begun_s is not None and answered_s is not None and observer is not None:
            queued_s, took_s = begun_s - self._asked_s, answered_s - begun_s
            turn = current_turn.get()
            observer.on(EngineTimed(info.name, info.role, turn, queued_s, took_s, self._batch))
