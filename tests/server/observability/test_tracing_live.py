"""A real server exports its traces to a real collector: an HTTP server that takes OTLP."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from dragoman.testing import serve
from tests.server.short_sessions import THREADED, interpret, speak

pytestmark = pytest.mark.live


class Collector(ThreadingHTTPServer):
    """Keeps the spans that are sent to it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Receiver)
        self.spans: list[Span] = []


class _Receiver(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        sent = ExportTraceServiceRequest.FromString(body)
        for resource in sent.resource_spans:
            for scope in resource.scope_spans:
                self.server.spans += scope.spans
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_every_turn_and_every_response_is_a_trace(
    collector: Collector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"http://127.0.0.1:{collector.server_port}"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
    with serve(engines=THREADED, warm="") as server:
        asyncio.run(speak(server.url))
        asyncio.run(interpret(server.url, tmp_path))
        assert server.stop() == 0  # what is left is exported
    roots = {span.span_id: span for span in collector.spans if not span.parent_span_id}
    names = Counter(span.name for span in roots.values())
    assert names["response"] == 1
    assert names["turn"] >= 1
    assert len({span.trace_id for span in roots.values()}) == len(roots)
    below = {span.name for span in collector.spans if span.parent_span_id in roots}
    assert below == {"recognition", "translation", "speech"}
    attributes = {
        attribute.key: attribute.value.string_value
        for span in collector.spans
        for attribute in span.attributes
    }
    assert attributes["engine"].startswith("scripted-")
    assert not [key for key in attributes if key in {"text", "transcript"}]
