"""The lags of a session in constant memory: median, 95th percentile and drift.

Scope: pure, numbers only. Lags are counted in steps of a tenth of a second up to a
minute (what is beyond counts as a minute), the drift is the least-squares slope, kept as sums.
"""

from __future__ import annotations

_STEP_S = 0.1
_STEPS = 600


class LagStats:
    """Lags of one session, by a histogram and running sums."""

    def __init__(self) -> None:
        self.count = 0
        self._steps: dict[int, int] = {}
        self._first_s = 0.0
        self._x = self._y = self._xx = self._xy = 0.0

    def add(self, lag_s: float, at_s: float) -> None:
        """A lag, seen at a time (in seconds of any clock)."""
        if not self.count:
            self._first_s = at_s
        step = min(max(round(lag_s / _STEP_S), 0), _STEPS)
        self._steps[step] = self._steps.get(step, 0) + 1
        self.count += 1
        x = at_s - self._first_s  # small numbers: the sums of squares stay exact enough
        self._x += x
        self._y += lag_s
        self._xx += x * x
        self._xy += x * lag_s

    def quantile(self, share: float) -> float:
        """The least lag, in seconds, that this share (0..1) of all does not exceed; 0 for none."""
        wanted = share * self.count
        seen = 0
        for step in sorted(self._steps):
            seen += self._steps[step]
            if seen >= wanted:
                return step * _STEP_S
        return 0.0

    @property
    def drift(self) -> float:
        """How much later speech gets, in seconds per minute; 0 where that cannot be told."""
        spread = self.count * self._xx - self._x * self._x
        if spread <= 0:
            return 0.0
        return 60 * (self.count * self._xy - self._x * self._y) / spread
