"""When an engine that fails is left alone, and when it is tried again.

Scope: a circuit breaker (M. Nygard, *Release It!*): pure, told the time, in seconds of any one
monotonic clock. ``circuit_host`` reports to it, ``fallback`` acts by it.

* *closed*: calls go to the engine. ``FAILURES_IN_A_ROW`` open the circuit, and so does a half of
  failures among the latest ``_LATEST`` calls: an engine that fails now and then delays all of them.
* *open*: calls go elsewhere, for ``FIRST_PAUSE_S``, twice as long after every probe that fails, at
  most ``LONGEST_PAUSE_S``.
* *half-open*: one call goes to the engine, the probe. While it is under way, the circuit is open
  for all others. Its success closes the circuit.

Where no other engine is left, a call is made through an open circuit all the same: if it succeeds,
the circuit closes; if it fails, nothing changes.
"""

from __future__ import annotations

from collections import deque

import msgspec

from dragoman.runtime.hosts.host import CircuitState

FAILURES_IN_A_ROW = 3
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
_LATEST = 20


class Passage(msgspec.Struct, frozen=True):
    """One call that was let through; of which period between two changes, and whether it probes."""

    period: int
    probes: bool = False


class CircuitBreaker:
    """The circuit of one engine. Every ``begin`` is followed by one of ``succeed``, ``fail`` and
    ``leave``; what began before the last change of the circuit has no effect any more.
    """

    def __init__(self) -> None:
        self.openings = 0
        """How many times the circuit was opened."""
        self.pause_s = FIRST_PAUSE_S
        """How long the present opening lasts, or the next one will."""
        self._period = 0
        self._opened_s: float | None = None
        self._probe: Passage | None = None
        self._latest: deque[bool] = deque(maxlen=_LATEST)  # whether they failed
        self._in_a_row = 0

    def state(self, now_s: float) -> CircuitState:
        """How it is now."""
        if self._opened_s is None:
            return "closed"
        is_over = now_s >= self._opened_s + self.pause_s
        return "half-open" if is_over and self._probe is None else "open"

    def begin(self, now_s: float) -> Passage:
        """A call is made."""
        passage = Passage(self._period, self.state(now_s) == "half-open")
        if passage.probes:
            self._probe = passage
        return passage

    def succeed(self, passage: Passage) -> bool:
        """It was answered; whether that closed the circuit."""
        if passage.period != self._period:
            return False
        if self._opened_s is not None:
            self._change(None)
            self.pause_s = FIRST_PAUSE_S
            return True
        self._count(failed=False)
        return False

    def fail(self, passage: Passage, now_s: float) -> bool:
        """It failed; whether that opened the circuit, or opened it again."""
        if passage.period != self._period:
            return False
        if self._opened_s is not None:
            if not passage.probes:
                return False
            self.pause_s = min(2 * self.pause_s, LONGEST_PAUSE_S)
        else:
            self._count(failed=True)
            is_half = len(self._latest) == _LATEST and 2 * sum(self._latest) >= _LATEST
            if self._in_a_row < FAILURES_IN_A_ROW and not is_half:
                return False
        self._change(now_s)
        self.openings += 1
        return True

    def leave(self, passage: Passage) -> None:
        """Nobody waits for it any more, which says nothing of the engine."""
        if passage.period == self._period and passage.probes:
            self._probe = None

    def _count(self, *, failed: bool) -> None:
        self._latest.append(failed)
        self._in_a_row = self._in_a_row + 1 if failed else 0

    def _change(self, opened_s: float | None) -> None:
        self._period += 1
        self._opened_s, self._probe = opened_s, None
        self._latest.clear()
        self._in_a_row = 0
