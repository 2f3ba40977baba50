"""Who is told how speech keeps up: metrics and the log of a session.

Law of this file: the Protocol; called for every piece of speech, so it has to be cheap.
"""

from __future__ import annotations

from typing import Protocol


class SpeechObserver(Protocol):
    """What ``runtime.cascade.speech.stage`` tells."""

    def spoke(self, lag_s: float, rate: float, at_s: float) -> None:
        """A piece of speech came. A listener who plays in real time hears it ``lag_s`` seconds
        after its text was committed (at ``at_s``), ``rate`` times as fast as the voice usually is.
        """

    def skipped(self, seconds: float) -> None:
        """A piece was left out; it would have lasted about so long."""


class NoSpeechObserver:
    """Nobody is told."""

    def spoke(self, lag_s: float, rate: float, at_s: float) -> None:
        """See the Protocol."""

    def skipped(self, seconds: float) -> None:
        """See the Protocol."""
