"""The body of ``GET /metrics``: counters, gauges and histograms of one server.

Scope: every name and label of a metric stands here. Each server has its own registry
(no globals: a test may run two servers in one process). Labels come from closed sets, never from
what a client sent, so their number is bounded. Counting must cost next to nothing, so what happens
with every event is counted in plain numbers of the session, which are added to the metrics when
somebody looks and when the session ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator, Sequence

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from dragoman.protocol.core.commands import Note, Used
from dragoman.protocol.core.events import ClientEvent, Malformed
from dragoman.runtime.observer import (
    Event,
    EventSent,
    JobFailed,
    PictureHandled,
    SpeechPlayed,
    SpeechSkipped,
    TermMissed,
    TurnClosed,
)

CONTENT_TYPE = CONTENT_TYPE_LATEST

_LAG_BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0)
_FIRST_BUCKETS_S = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_VOICE_BUCKETS_S = (0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 10.0, 20.0, 30.0, 60.0)
_RATE_BUCKETS = (1.0, 1.05, 1.1, 1.15, 1.2, 1.25, 1.3, 1.4, 1.5, 2.0)
_PROBE_S = 0.05


class Metrics:
    """The metrics of one server."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        self._open: set[SessionMetrics] = set()
        ProcessCollector(registry=registry)
        self.sessions_open = Gauge(
            "dragoman_sessions_open", "Sessions that are open now.", ["api"], registry=registry
        )
        self.sessions = Counter(
            "dragoman_sessions", "Sessions that were opened.", ["api"], registry=registry
        )
        self.session_seconds = Histogram(
            "dragoman_session_seconds",
            "How long sessions lasted.",
            ["api"],
            buckets=(1, 5, 15, 60, 300, 900, 3600, 7200),
            registry=registry,
        )
        self.refused = Counter(
            "dragoman_refused",
            "Handshakes that were turned away, by HTTP status.",
            ["status"],
            registry=registry,
        )
        self.received = Counter(
            "dragoman_events_received",
            "Client events by type; malformed ones by their error code.",
            ["api", "type"],
            registry=registry,
        )
        self.sent = Counter(
            "dragoman_events_sent", "Server events by type.", ["api", "type"], registry=registry
        )
        self.sent_bytes = Counter(
            "dragoman_sent_bytes", "Bytes of server events sent.", ["api"], registry=registry
        )
        self.notes = Counter(
            "dragoman_notes", "Things sessions noted for the operator.", ["name"], registry=registry
        )
        self.jobs_failed = Counter(
            "dragoman_jobs_failed", "Engine jobs that failed.", ["api"], registry=registry
        )
        self._define_timings()
        self._define_speech()

    def _define_timings(self) -> None:
        registry = self.registry
        self.first_audio = Histogram(
            "dragoman_first_audio_seconds",
            "From response.created to its first response.audio.delta.",
            ["api"],
            buckets=_FIRST_BUCKETS_S,
            registry=registry,
        )
        self.stalled = Counter(
            "dragoman_stalled", "Connections cut off because nobody read.", registry=registry
        )
        self.work = Counter(
            "dragoman_work",
            "What happened in the stages of interpretation.",
            ["name"],
            registry=registry,
        )
        self.engine_waiting = Gauge(
            "dragoman_engine_waiting", "Calls queued at an engine.", ["engine"], registry=registry
        )
        self.hearing_lag = Gauge(
            "dragoman_hearing_lag_seconds",
            "Speech that came in and is not recognised yet, of the sessions with an open turn.",
            ["engine", "of"],
            registry=registry,
        )
        self.lag = Histogram(
            "dragoman_loop_lag_seconds",
            "How late the event loop woke up.",
            buckets=_LAG_BUCKETS_S,
            registry=registry,
        )
        self.lag_now = Gauge(
            "dragoman_loop_lag_last_seconds", "The last probe of the lag.", registry=registry
        )
        self.tasks = Gauge(
            "dragoman_tasks", "Tasks on the event loop; at rest always the same.", registry=registry
        )

    def _define_speech(self) -> None:
        registry = self.registry
        self.voice_lag = Histogram(
            "dragoman_voice_lag_seconds",
            "From the commitment of translated text to its speech, heard in real time.",
            buckets=_VOICE_BUCKETS_S,
            registry=registry,
        )
        self.speech_rate = Histogram(
            "dragoman_speech_rate",
            "How many times as fast as usual translated speech was, by piece.",
            buckets=_RATE_BUCKETS,
            registry=registry,
        )
        self.skipped_pieces = Counter(
            "dragoman_speech_skipped_pieces",
            "Pieces of translated speech left out to keep up.",
            registry=registry,
        )
        self.skipped_seconds = Counter(
            "dragoman_speech_skipped_seconds",
            "How long they would have lasted, about.",
            registry=registry,
        )
        self.used = Counter(
            "dragoman_used",
            "What sessions consumed: seconds of audio in and out, characters spoken.",
            ["api", "of"],
            registry=registry,
        )

    def page(self) -> bytes:
        """The exposition text."""
        self.settle()
        return generate_latest(self.registry)

    def settle(self) -> None:
        """Bring up to date what is not counted as it happens."""
        for session in self._open:
            session.settle()
        with contextlib.suppress(RuntimeError):  # somebody asks without a loop: nothing runs
            self.tasks.set(len(asyncio.all_tasks()))

    @contextlib.contextmanager
    def session(
        self, api: str, first_audio: tuple[str, str] | None = None
    ) -> Iterator[SessionMetrics]:
        """Count a session while it is open. ``first_audio``: the events between which the first
        audio is awaited, if this API speaks.
        """
        self.sessions.labels(api).inc()
        gauge = self.sessions_open.labels(api)
        counted = SessionMetrics(self, api, first_audio)
        self._open.add(counted)
        try:
            with gauge.track_inprogress(), self.session_seconds.labels(api).time():
                yield counted
        finally:
            self._open.discard(counted)
            counted.settle()

    def hears_late(self, engine: str, lags_s: Sequence[float]) -> None:
        """So far are the sessions that a recogniser hears behind their audio now."""
        ordered = sorted(lags_s) or [0.0]
        self.hearing_lag.labels(engine, "median").set(ordered[len(ordered) // 2])
        self.hearing_lag.labels(engine, "worst").set(ordered[-1])

    async def probe_lag(self) -> None:
        """Measure, until cancelled, how late a timer fires: what every client would feel."""
        loop = asyncio.get_running_loop()
        while True:
            # Both clocks are the system's monotonic one, but uvloop's own stands still while
            # callbacks run: timers are due by that, and late by the true one.
            due = loop.time() + _PROBE_S
            await asyncio.sleep(_PROBE_S)
            lag = max(0.0, time.monotonic() - due)
            self.lag.observe(lag)
            self.lag_now.set(lag)


class SessionMetrics:
    """The metrics of one session, an ``Observer``. Counts that are not settled are its own."""

    def __init__(
        self, metrics: Metrics, api: str, first_audio: tuple[str, str] | None = None
    ) -> None:
        self._metrics = metrics
        self._api = api
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
            case TurnClosed(words_refused=refused):
                metrics.work.labels("words_refused" if refused else "turn_heard").inc()
            case TermMissed():
                metrics.work.labels("glossary_miss").inc()
            case PictureHandled(outcome=outcome):
                metrics.work.labels(f"pictures_{outcome}").inc()
            case SpeechPlayed(lag_s=lag_s, rate=rate):
                metrics.voice_lag.observe(lag_s)
                metrics.speech_rate.observe(rate)
            case SpeechSkipped(seconds=seconds):
                metrics.skipped_pieces.inc()
                metrics.skipped_seconds.inc(seconds)

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
            self._metrics.first_audio.labels(self._api).observe(waited_s)
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
