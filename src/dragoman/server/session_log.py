"""The operator's log of one session; the text of people never gets here.

Scope: an ``Observer`` that writes lines. Notes get a line each up to a limit, because a client that
makes the same mistake a million times would fill the disk; how translated speech kept up is summed
up in one line at the end.
"""

from __future__ import annotations

import logging

from dragoman.protocol.core.commands import Note
from dragoman.runtime.observer import Event, JobFailed, SpeechPlayed, SpeechSkipped, TermMissed
from dragoman.server.lag_stats import LagStats

LOG = logging.getLogger("dragoman.session")

NOTES_LOGGED = 100


class SessionLog:
    """Counts what it leaves out of the log until the end."""

    def __init__(self) -> None:
        self._notes = 0
        self._lags = LagStats()
        self._skipped = 0
        self._skipped_s = 0.0

    def on(self, event: Event) -> None:
        """See ``Observer``."""
        match event:
            case SpeechPlayed(lag_s=lag_s, at_s=at_s):
                self._lags.add(lag_s, at_s)
            case SpeechSkipped(seconds=seconds):
                self._skipped += 1
                self._skipped_s += seconds
            case Note(name=name, detail=detail):
                self._notes += 1
                if self._notes <= NOTES_LOGGED:
                    LOG.info("%s: %r", name, detail)  # quoted: a client may have had a hand in it
                if self._notes == NOTES_LOGGED:
                    LOG.info("further notes of this session are only counted")
            case JobFailed(reason=reason):
                LOG.warning("job failed: %s", reason)
            case TermMissed(letters=letters):
                LOG.info("glossary_miss: a term of %d letters was not translated", letters)

    @property
    def speech(self) -> str:
        """How translated speech kept up, in one line; empty when there was none."""
        lags = self._lags
        if not lags.count and not self._skipped:
            return ""
        return (
            f"speech lag: median {lags.quantile(0.5):.1f} s, p95 {lags.quantile(0.95):.1f} s, "
            f"drift {lags.drift:+.2f} s/min over {lags.count} pieces; "
            f"{self._skipped} skipped ({self._skipped_s:.1f} s)"
        )
