"""What one session counts: an ``Observer`` that turns its events into the server's metrics.

Scope: which event changes which metric (``metrics`` defines them). What happens with every event on
the wire is counted in plain numbers, which are added to the metrics when somebody looks and when
the session ends.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from dragoman.protocol.core.commands import Note, Used
from dragoman.protocol.core.events import ClientEvent, Malformed
from dragoman.runtime.observer import (
    EngineTimed,
    Event,
    EventSent,
    FailedOver,
    JobFailed,
    PictureHandled,
    SpeechPlayed,
    SpeechSkipped,
    TermMissed,
    TranslationCommitted,
    TurnClosed,
    WordsCommitted,
)
from dragoman.server.observability.metrics import Metrics


@contextmanager
def counted_session(
    metrics: Metrics, api: str, first_audio: tuple[str, str] | None = None, family: str = ""
) -> Iterator[SessionMetrics]:
    """Count a session while it is open. ``first_audio``: the events between which the first audio
    is awaited, if this API speaks; ``family``: that of the model.
    """
    metrics.sessions.labels(api).inc()
    metrics.family_sessions.labels(api, family).inc()
    session = SessionMetrics(metrics, api, first_audio, family)
    metrics.unsettled.add(session.settle)
    try:
        with (
            metrics.sessions_open.labels(api).track_inprogress(),
            metrics.session_seconds.labels(api).time(),
        ):
            yield session
    finally:
        metrics.unsettled.discard(session.settle)
        session.settle()


class SessionMetrics:
    """The metrics of one session, an ``Observer``. Counts that are not settled are its own."""

    def __init__(
        self,
        metrics: Metrics,
        api: str,
        first_audio: tuple[str, str] | None = None,
        family: str = "",
    ) -> None:
        self._metrics = metrics
        self._api = api
        self._family = family
        self._received: dict[str | type[ClientEvent], int] = {}
        self._sent: dict[str, int] = {}
        self._sent_bytes = 0
        self._promise, self._first_audio = first_audio or ("", "")
        self._silent_since: float | None = None

    def received(self, event: ClientEvent | Malformed) -> None:
        """A client event came; a malformed one is counted by its error code (a closed set)."""
        kind = event.code if isinstance(event, Malformed) else type(event)
        self._received[kind] = self._received.get(kind, 0) + 1

    def on(self, event: Event) -> None:
        """See ``Observer``."""
        metrics = self._metrics
        match event:
            case EventSent(event_type=kind):
                self._event_sent(kind)
            case Note(name=name):
                metrics.notes.labels(name).inc()
            case Used():
                self._count_use(event)
            case JobFailed():
                metrics.jobs_failed.labels(self._api).inc()
            case EngineTimed(engine=engine, role=role):
                metrics.engine_queue.labels(engine, role).observe(event.queued_s)
                metrics.engine_work.labels(engine, role).observe(event.took_s)
                metrics.engine_batch.labels(engine, role).observe(event.batch)
            case FailedOver(engine=engine, role=role):
                metrics.engine_failovers.labels(engine, role).inc()
            case _:
                self._count_stages(event)

    def _count_stages(self, event: Event) -> None:
        metrics, family = self._metrics, self._family
        match event:
            case TurnClosed(words_refused=words, refused=turn):
                name = "turn_refused" if turn else "words_refused" if words else "turn_heard"
                metrics.work.labels(name).inc()
            case TermMissed():
                metrics.work.labels("glossary_miss").inc()
            case PictureHandled(outcome=outcome):
                metrics.work.labels(f"pictures_{outcome}").inc()
            case SpeechPlayed(lag_s=lag_s, rate=rate):
                metrics.voice_lag.labels(family).observe(lag_s)
                metrics.speech_rate.observe(rate)
            case SpeechSkipped(seconds=seconds):
                metrics.skipped_pieces.inc()
                metrics.skipped_seconds.inc(seconds)
            case WordsCommitted(lag_s=lag_s):
                metrics.recognition_lag.labels(family).observe(lag_s)
            case TranslationCommitted(lag_s=lag_s):
                metrics.translation_lag.labels(family).observe(lag_s)

    def _count_use(self, used: Used) -> None:
        amounts = {
            "audio_in_seconds": used.audio_in_ms / 1000,
            "audio_out_seconds": used.audio_out_ms / 1000,
            "characters": used.characters,
        }
        for name, amount in amounts.items():
            if amount:
                self._metrics.used.labels(self._api, name).inc(amount)

    def _event_sent(self, kind: str) -> None:
        self._sent[kind] = self._sent.get(kind, 0) + 1
        if kind == self._promise:
            self._silent_since = time.monotonic()
        elif kind == self._first_audio and self._silent_since is not None:
            waited_s = time.monotonic() - self._silent_since
            self._metrics.first_audio.labels(self._api, self._family).observe(waited_s)
            self._silent_since = None

    def sent_bytes(self, size: int) -> None:
        """A frame of this size was taken by the transport."""
        self._sent_bytes += size

    def settle(self) -> None:
        """Add what was counted since the last time to the server's metrics."""
        metrics, api = self._metrics, self._api
        for kind, count in self._received.items():
            name = kind if isinstance(kind, str) else str(kind.__struct_config__.tag)
            metrics.received.labels(api, name).inc(count)
        for name, count in self._sent.items():
            metrics.sent.labels(api, name).inc(count)
        self._received.clear()
        self._sent.clear()
        metrics.sent_bytes.labels(api).inc(self._sent_bytes)
        self._sent_bytes = 0
