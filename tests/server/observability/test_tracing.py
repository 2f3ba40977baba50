"""Traces as a collector gets them."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

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
from dragoman.server.observability.tracing import SessionTraces, session_traces, trace_provider

NONCE = "N" * 15


class Collector:
    """A session whose spans are kept."""

    def __init__(self, api: str = "translation") -> None:
        provider = TracerProvider()
        self._exporter = InMemorySpanExporter()
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        (self.traces,) = session_traces(provider, NONCE, api, "qwen3.5-livetranslate")

    def see(self, *events: Event) -> SessionTraces:
        for event in events:
            self.traces.on(event)
        return self.traces

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return self._exporter.get_finished_spans()

    def tree(self) -> list[str]:
        """Every span as the names from its root down to it, without repetition, in order."""
        by_id = {span.context.span_id: span for span in self.spans}

        def path(span: ReadableSpan) -> str:
            above = "" if span.parent is None else path(by_id[span.parent.span_id]) + "/"
            return above + span.name

        return sorted(path(span) for span in self.spans)

    def span(self, name: str) -> ReadableSpan:
        return next(span for span in self.spans if span.name == name)


def test_a_turn_is_a_trace_of_its_stages() -> None:
    collector = Collector()
    token = current_turn.set(1)
    collector.see(
        TurnOpened(1, 200),
        EngineTimed("silero", "vad", 1, 0.0, 0.001),
        EngineTimed("moonshine", "asr", 1, 0.02, 0.1, 2),
        WordsCommitted(1, 0.6),
        EngineTimed("apertium", "mt", 1, 0.0, 0.03),
        TranslationCommitted(1, 0.04),
        TurnClosed(1, 2_000, words_refused=False),
        EngineTimed("espeak", "tts", 1, 0.0, 0.02),
        SpeechPlayed(0.3, 1.1, 0.0),
        TurnEnded(1),
    )
    current_turn.reset(token)
    assert collector.tree() == [
        "turn",
        "turn/recognition",
        "turn/recognition/engine",
        "turn/recognition/queue",
        "turn/speech",
        "turn/speech/engine",
        "turn/translation",
        "turn/translation/engine",
    ]
    assert len({span.context.trace_id for span in collector.spans}) == 1
    root = collector.span("turn")
    assert root.attributes == {
        "session": NONCE,
        "api": "translation",
        "family": "qwen3.5-livetranslate",
        "turn": 1,
    }
    queue, decode = collector.span("queue"), collector.span("engine")
    assert queue.end_time == decode.start_time
    assert decode.end_time - decode.start_time == 100_000_000
    assert decode.attributes == {"engine": "moonshine", "role": "asr", "batch": 2}
    translation = collector.span("translation")
    (translating,) = [s for s in collector.spans if s.parent == translation.context]
    assert translation.start_time == translating.start_time
    assert collector.span("recognition").end_time <= collector.span("speech").end_time


def test_a_response_of_synthesis_is_a_trace() -> None:
    collector = Collector("tts")
    collector.see(
        EventSent("response.created", "event_1"),
        EngineTimed("espeak", "tts", 0, 0.0, 0.02),
        EventSent("response.done", "event_2"),
        EngineTimed("espeak", "tts", 0, 0.0, 0.02),  # of nothing that is open
    )
    assert collector.tree() == ["response", "response/speech", "response/speech/engine"]
    assert collector.span("response").attributes["event_id"] == "event_1"


def test_what_is_open_ends_with_the_session() -> None:
    collector = Collector()
    collector.see(TurnOpened(1, 0), TurnOpened(2, 0), TranslationCommitted(3, 0.1)).close()
    assert collector.tree() == ["turn", "turn", "turn/recognition", "turn/recognition"]


def test_turns_that_never_end_do_not_pile_up() -> None:
    collector = Collector()
    for turn in range(1, 41):
        collector.see(TurnOpened(turn, 0))
    assert len([span for span in collector.spans if span.name == "turn"]) == 40 - 16


def test_traces_are_off_unless_a_collector_is_named() -> None:
    assert trace_provider({}) is None
    assert trace_provider({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}) is None
    assert session_traces(None, NONCE, "tts", "") == []


def test_the_collector_of_the_environment_is_used() -> None:
    provider = trace_provider({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"})
    assert provider is not None
    assert provider.resource.attributes["service.name"] == "dragoman"
    provider.shutdown()


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    really: Callable[..., Any] = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.startswith("opentelemetry"):
            raise ModuleNotFoundError(name, name=name)
        return really(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigError, match=r"pip install 'dragoman\[otel\]'"):
        trace_provider({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:9"})
