"""The body of ``GET /metrics``: counters, gauges and histograms of one server.

Scope: every name and label of a metric stands here. Each server has its own registry
(no globals: a test may run two servers in one process). Labels come from closed sets, never from
what a client sent, so their number is bounded. What a session counts is in ``session_metrics``.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Callable, Sequence

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from dragoman.runtime.capacity import Capacity
from dragoman.runtime.loaded_engine import EngineUse
from dragoman.server.observability.logs import left_out
from dragoman.server.observability.worker_metrics import WorkerCollector

CONTENT_TYPE = CONTENT_TYPE_LATEST

_LAG_BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0)
_FIRST_BUCKETS_S = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_VOICE_BUCKETS_S = (0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 10.0, 20.0, 30.0, 60.0)
_ENGINE_BUCKETS_S = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_BATCH_BUCKETS = (1, 2, 4, 8, 16, 32)
_RATE_BUCKETS = (1.0, 1.05, 1.1, 1.15, 1.2, 1.25, 1.3, 1.4, 1.5, 2.0)
_PROBE_S = 0.05


class Metrics:
    """The metrics of one server."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        self.unsettled: set[Callable[[], None]] = set()
        """To be called before the metrics are shown: they add what was counted elsewhere."""
        ProcessCollector(registry=registry)
        self.workers = WorkerCollector()
        registry.register(self.workers)
        self.ready = Gauge(
            "dragoman_ready", "1 while new sessions are welcome, else 0.", registry=registry
        )
        self.sessions_open = Gauge(
            "dragoman_sessions_open", "Sessions that are open now.", ["api"], registry=registry
        )
        self.sessions = Counter(
            "dragoman_sessions", "Sessions that were opened.", ["api"], registry=registry
        )
        self.family_sessions = Counter(
            "dragoman_family_sessions",
            "Sessions that were opened, by the family of their model.",
            ["api", "family"],
            registry=registry,
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
            "Handshakes that were turned away, by HTTP status and error code.",
            ["status", "code"],
            registry=registry,
        )
        self.bounds = Counter(
            "dragoman_bounds",
            "Connections that were closed because they went beyond a bound.",
            ["bound"],
            registry=registry,
        )
        self._define_events()
        self._define_timings()
        self._define_load()
        self._define_speech()
        self._define_engines()
        self._define_log()
        self._define_keys()

    def _define_events(self) -> None:
        registry = self.registry
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

    def _define_timings(self) -> None:
        registry = self.registry
        self.first_audio = Histogram(
            "dragoman_first_audio_seconds",
            "From response.created to its first response.audio.delta.",
            ["api", "family"],
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

    def _define_load(self) -> None:
        registry = self.registry
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
        self.speakers = Gauge(
            "dragoman_speakers", "Sessions in which somebody speaks now.", registry=registry
        )
        self.speakers_capacity = Gauge(
            "dragoman_speakers_capacity",
            "How many interpretations a stage carries; without a sample: no bound is known.",
            ["stage"],
            registry=registry,
        )
        self.shedding = Gauge(
            "dragoman_shedding", "How much is left out under load: 0 to 3.", registry=registry
        )
        self.tasks = Gauge(
            "dragoman_tasks", "Tasks on the event loop; at rest always the same.", registry=registry
        )

    def _define_speech(self) -> None:
        registry = self.registry
        self.recognition_lag = Histogram(
            "dragoman_recognition_lag_seconds",
            "From the end of a word to the commitment of it and those before it.",
            ["family"],
            buckets=_VOICE_BUCKETS_S,
            registry=registry,
        )
        self.translation_lag = Histogram(
            "dragoman_translation_lag_seconds",
            "From the commitment of source words to that of their translation.",
            ["family"],
            buckets=_VOICE_BUCKETS_S,
            registry=registry,
        )
        self.voice_lag = Histogram(
            "dragoman_voice_lag_seconds",
            "From the commitment of translated text to its speech, heard in real time.",
            ["family"],
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

    def _define_engines(self) -> None:
        registry = self.registry
        self.engine_queue = Histogram(
            "dragoman_engine_queue_seconds",
            "How long calls waited before the engine began.",
            ["engine", "role"],
            buckets=_ENGINE_BUCKETS_S,
            registry=registry,
        )
        self.engine_work = Histogram(
            "dragoman_engine_seconds",
            "How long the engine took to answer, or to the first sound of a segment of speech.",
            ["engine", "role"],
            buckets=_ENGINE_BUCKETS_S,
            registry=registry,
        )
        self.engine_batch = Histogram(
            "dragoman_engine_batch_size",
            "How many calls an engine answered together, by call.",
            ["engine", "role"],
            buckets=_BATCH_BUCKETS,
            registry=registry,
        )
        self.engine_concurrency = Gauge(
            "dragoman_engine_concurrency",
            "How many calls the engine works on at the same time at most.",
            ["engine"],
            registry=registry,
        )

        self.engine_busy = Counter(
            "dragoman_engine_busy_seconds",
            "How long the engine worked, all calls together; less while calls shared a core.",
            ["engine"],
            registry=registry,
        )
        self.engine_failovers = Counter(
            "dragoman_engine_failovers",
            "Calls that failed at the engine and were made again at another one.",
            ["engine", "role"],
            registry=registry,
        )
        self._busy_counted_s: dict[str, float] = {}

    def _define_log(self) -> None:
        self.log_left_out = Counter(
            "dragoman_log_lines_left_out",
            "Lines that were not logged, by what did not allow them: session, process or reader.",
            ["bound"],
            registry=self.registry,
        )
        self._log_counted = dict(left_out)
        for bound in left_out:
            self.log_left_out.labels(bound)

    def _define_keys(self) -> None:
        self.key_used = Counter(
            "dragoman_key_used",
            "What the sessions of each key consumed.",
            ["key", "of"],
            registry=self.registry,
        )

    def key_uses(self, name: str, of: str, amount: float) -> None:
        """A session of a key consumed something."""
        self.key_used.labels(name, of).inc(amount)

    def page(self) -> bytes:
        """The exposition text."""
        self.settle()
        return generate_latest(self.registry)

    def settle(self) -> None:
        """Bring up to date what is not counted as it happens."""
        for bound, count in left_out.items():
            self.log_left_out.labels(bound).inc(count - self._log_counted[bound])
            self._log_counted[bound] = count
        for settle in self.unsettled:
            settle()
        with contextlib.suppress(RuntimeError):  # somebody asks without a loop: nothing runs
            self.tasks.set(len(asyncio.all_tasks()))

    def count_engine(self, engine: str, use: EngineUse) -> None:
        """So much has an engine worked so far."""
        self.engine_concurrency.labels(engine).set(use.concurrency)
        before_s = self._busy_counted_s.get(engine, 0.0)
        self.engine_busy.labels(engine).inc(max(0.0, use.busy_s - before_s))
        self._busy_counted_s[engine] = use.busy_s

    def hears_late(self, engine: str, lags_s: Sequence[float]) -> None:
        """So far are the sessions that a recogniser hears behind their audio now."""
        ordered = sorted(lags_s) or [0.0]
        self.hearing_lag.labels(engine, "median").set(ordered[len(ordered) // 2])
        self.hearing_lag.labels(engine, "worst").set(ordered[-1])

    def count_speakers(self, capacity: Capacity) -> None:
        """So many people speak, and so many could."""
        self.speakers.set(capacity.active)
        self.shedding.set(capacity.shedding.level)
        for stage, count in capacity.carried().items():
            if count != math.inf:
                self.speakers_capacity.labels(stage).set(count)

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
