"""OpenTelemetry traces, one for every turn of speech and every response of synthesis.

Scope: an ``Observer`` that makes spans, and the provider that exports them; nothing else knows of
traces. Off unless the environment names a collector (``OTEL_EXPORTER_OTLP_ENDPOINT``, or the one
for traces alone). All other variables of OpenTelemetry's Python SDK work as documented there, also
its samplers. Spans hold ids, names of engines and figures, never what people said.

    turn (or response)
      recognition      from the begin of the turn to its end; calls of the recogniser below it
      translation      from the first committed word to the last committed translation; calls below
      speech           from the first call of the synthesizer to the end of the turn; calls below

A call is a span ``engine``, from when the engine began; where the call had to wait, there is a span
``queue`` before it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dragoman.engines.base import Role
from dragoman.runtime.observer import (
    EngineTimed,
    Event,
    EventSent,
    SpeechPlayed,
    TranslationCommitted,
    TurnClosed,
    TurnEnded,
    TurnOpened,
    WordsCommitted,
    current_turn,
)
from dragoman.server.config import ConfigError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span, Tracer

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_STAGES: Mapping[Role, str] = {
    "asr": "recognition",
    "speaker": "recognition",
    "mt": "translation",
    "tts": "speech",
}
_EXPORT_S = 2.0
"""A collector that does not answer must not hold up the end of the server for longer."""
_SHORTEST_QUEUE_S = 0.001
_MOST_OPEN = 16
"""Turns of one session that are traced at the same time."""


def trace_provider(environment: Mapping[str, str]) -> TracerProvider | None:
    """What exports to the collector that the environment names, if it names one.

    Raises ``ConfigError`` if that is wanted and the packages are missing. To be shut down at the
    end, which sends what is left.
    """
    wanted = next((name for name in _ENDPOINTS if environment.get(name)), None)
    if wanted is None:
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415  # an extra
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource  # noqa: PLC0415  # an extra
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415  # an extra
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415  # an extra
    except ImportError as error:
        raise ConfigError(
            f"{wanted} is set, so traces are wanted, but {error.name} is not installed. "
            "Install it with: pip install 'dragoman[otel]'"
        ) from None
    name = environment.get("OTEL_SERVICE_NAME") or "dragoman"
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: name}))
    limit_s = None if environment.get("OTEL_EXPORTER_OTLP_TIMEOUT") else _EXPORT_S
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(timeout=limit_s)))
    return provider


class _Trace:
    """The spans of one turn or response while it lasts."""

    def __init__(self, tracer: Tracer, name: str, attributes: Mapping[str, Any]) -> None:
        from opentelemetry import trace  # noqa: PLC0415  # there is a tracer, so it is installed

        self._in_span = trace.set_span_in_context
        self._tracer = tracer
        self.root = tracer.start_span(name, attributes=attributes)
        self._stages: dict[str, Span] = {}
        self._ended: dict[str, int] = {}

    def stage(self, name: str, at_ns: int | None = None) -> Span:
        """The span of a stage, which begins then (None: now) if it has not."""
        if name not in self._stages:
            parent = self._in_span(self.root)
            self._stages[name] = self._tracer.start_span(name, parent, start_time=at_ns)
        self._ended.pop(name, None)
        return self._stages[name]

    def end_stage(self, name: str) -> None:
        """The stage has done its work so far; it ends now unless it goes on."""
        self._ended[name] = time.time_ns()

    def engine(self, timed: EngineTimed) -> None:
        """A call that has just been answered."""
        ended_ns = time.time_ns()
        begun_ns = ended_ns - int(timed.took_s * 1e9)
        asked_ns = begun_ns - int(timed.queued_s * 1e9)
        name = _STAGES.get(timed.role)
        parent = self._in_span(self.root if name is None else self.stage(name, asked_ns))
        attributes: dict[str, Any] = {
            "engine": timed.engine,
            "role": timed.role,
            "batch": timed.batch,
        }
        if timed.queued_s >= _SHORTEST_QUEUE_S:
            self._tracer.start_span("queue", parent, start_time=asked_ns).end(begun_ns)
        span = self._tracer.start_span("engine", parent, attributes=attributes, start_time=begun_ns)
        span.end(ended_ns)

    def end(self) -> None:
        """The turn or response is over."""
        now_ns = time.time_ns()
        for name, span in self._stages.items():
            span.end(self._ended.get(name, now_ns))
        self.root.end(now_ns)


def session_traces(
    provider: TracerProvider | None, session: str, api: str, family: str
) -> list[SessionTraces]:
    """The observer that makes the traces of a session, if there is a provider."""
    if provider is None:
        return []
    return [SessionTraces(provider.get_tracer("dragoman"), session, api, family)]


class SessionTraces:
    """The traces of one session, an ``Observer``. ``session`` is the nonce of its ids. A response
    of synthesis has no turn: it is turn 0.
    """

    def __init__(self, tracer: Tracer, session: str, api: str, family: str) -> None:
        self._tracer = tracer
        self._about = {"session": session, "api": api, "family": family}
        self._open: dict[int, _Trace] = {}
        self._has_turns = False

    def on(self, event: Event) -> None:
        """See ``Observer``."""
        match event:
            case TurnOpened(turn=turn):
                self._has_turns = True
                self._begin(turn, "turn", {"turn": turn}).stage("recognition")
            case TurnEnded(turn=turn):
                self._end(turn)
            case EventSent(event_type="response.created", event_id=event_id) if not self._has_turns:
                self._begin(0, "response", {"event_id": event_id})
            case EventSent(event_type="response.done") if not self._has_turns:
                self._end(0)
            case _:
                self._work(event)

    def _work(self, event: Event) -> None:
        match event:
            case EngineTimed(turn=turn) if turn in self._open and event.role != "vad":
                self._open[turn].engine(event)
            case TurnClosed(turn=turn) if turn in self._open:
                self._open[turn].end_stage("recognition")
            case WordsCommitted(turn=turn, lag_s=lag_s) if turn in self._open:
                self._open[turn].root.add_event("words committed", {"lag_s": lag_s})
            case TranslationCommitted(turn=turn, lag_s=lag_s) if turn in self._open:
                self._open[turn].stage("translation").add_event("committed", {"lag_s": lag_s})
                self._open[turn].end_stage("translation")
            case SpeechPlayed(lag_s=lag_s, rate=rate) if (turn := current_turn.get()) in self._open:
                played = {"lag_s": lag_s, "rate": rate}
                self._open[turn].stage("speech").add_event("first sound", played)

    def close(self) -> None:
        """The session is over, whatever is open."""
        for number in list(self._open):
            self._end(number)

    def _begin(self, number: int, name: str, attributes: Mapping[str, Any]) -> _Trace:
        self._end(number)
        if len(self._open) >= _MOST_OPEN:
            self._end(next(iter(self._open)))
        self._open[number] = _Trace(self._tracer, name, {**self._about, **attributes})
        return self._open[number]

    def _end(self, number: int) -> None:
        trace = self._open.pop(number, None)
        if trace is not None:
            trace.end()
