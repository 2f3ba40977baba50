"""The operator's log of one session; the text of people never gets here.

Scope: an ``Observer`` that writes lines. How many a session may write is bounded in
``server.observability.logs``. How translated speech kept up is summed up in one line at the end.
"""

from __future__ import annotations

import logging

from dragoman.protocol.core.commands import Note
from dragoman.runtime.observer import Event, EventSent, SpeechPlayed, SpeechSkipped, TermMissed
from dragoman.server.observability.lag_stats import LagStats

LOG = logging.getLogger("dragoman.session")

_SUMMARY = (
    "speech lag: median %(median_s).1f s, p95 %(p95_s).1f s, drift %(drift_s_per_min)+.2f s/min "
    "over %(pieces)d pieces; %(skipped)d skipped (%(skipped_s).1f s)"
)


class SessionLog:
    """Writes what operators want to know, and sums up the rest at the end."""

    def __init__(self) -> None:
        self._lags = LagStats()
        self._skipped = 0
        self._skipped_s = 0.0

    def on(self, event: Event) -> None:
        """See ``Observer``."""
        match event:
            case EventSent():  # most of what happens
                if event.event_type == "error":
                    LOG.info("error sent: %(event_id)s", {"event_id": event.event_id})
            case SpeechPlayed(lag_s=lag_s, at_s=at_s):
                self._lags.add(lag_s, at_s)
            case SpeechSkipped(seconds=seconds):
                self._skipped += 1
                self._skipped_s += seconds
            case Note(name=name, detail=detail):
                # Quoted: a client may have had a hand in it.
                LOG.info("%(note)s: %(detail)r", {"note": name, "detail": detail})
            case TermMissed(letters=letters):
                values = {"letters": letters}
                LOG.info("glossary_miss: a term of %(letters)d letters was not translated", values)

    def sum_up(self) -> None:
        """Write how translated speech kept up, if there was any."""
        lags = self._lags
        if lags.count or self._skipped:
            summary = {
                "median_s": lags.quantile(0.5),
                "p95_s": lags.quantile(0.95),
                "drift_s_per_min": lags.drift,
                "pieces": lags.count,
                "skipped": self._skipped,
                "skipped_s": self._skipped_s,
            }
            LOG.info(_SUMMARY, summary)
