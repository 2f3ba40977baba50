"""The dashboard and the alerts, asked of a real Prometheus that reads a real server.

Scope: every query has an answer after sessions of all kinds. A query for what has not happened has
none, so the names in all queries are compared with the metrics as well.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dragoman.client.errors import Refused
from dragoman.server.observability.metrics import Metrics
from dragoman.testing import LiveServer, serve
from tests.scripts.load import ROOT, script
from tests.server.short_sessions import THREADED, interpret, speak

DEPLOY = ROOT / "deploy"
ALERTS = DEPLOY / "prometheus" / "alerts.yml"
KEY = "sk-0123456789abcdef0123456789abcdef"
WAIT_S = 60.0
LAZY = {
    "dragoman_engine_failovers_total",
    "dragoman_speakers_capacity",
    "dragoman_notes_total",
    "dragoman_speech_skipped_seconds_total",
}
"""Metrics without a sample in this test's sessions, or with one that never grows."""


def dashboard_queries() -> list[str]:
    dashboard = json.loads((DEPLOY / "grafana" / "dragoman.json").read_text("utf-8"))
    return [
        target["expr"].replace("$__rate_interval", "1m")
        for panel in dashboard["panels"]
        for target in panel.get("targets", [])
    ]


def alert_queries() -> list[str]:
    return re.findall(r"expr: (.*)", ALERTS.read_text("utf-8"))


def test_the_dashboard_is_as_drawn() -> None:
    drawing = script("draw_dashboard")
    assert drawing.FILE.read_text("utf-8") == drawing.drawn(), "run scripts/draw_dashboard.py"


def test_queries_name_real_metrics() -> None:
    real = {
        name + suffix
        for family in Metrics().registry.collect()
        for name in (family.name,)
        for suffix in ("", "_total", "_bucket", "_sum", "_count")
    }
    queries = [*dashboard_queries(), *alert_queries()]
    named = {name for query in queries for name in re.findall(r"(?:dragoman|process)_\w+", query)}
    assert len(named) > 20
    assert named <= real


# ---------------------------------------------------------------- with Prometheus itself
def _prometheus() -> str:
    unpacked = ROOT / ".venvs" / "prometheus" / "usr" / "bin" / "prometheus"
    found = str(unpacked) if unpacked.exists() else shutil.which("prometheus")
    if found is None:
        pytest.skip("there is no Prometheus here: scripts/setup.py --tests unpacks one")
    return found


class Prometheus:
    """A running Prometheus that reads one server every second."""

    def __init__(self, port: int) -> None:
        self._address = f"http://127.0.0.1:{port}/api/v1"

    def get(self, path: str, **query: str) -> Any:
        address = f"{self._address}/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(address, timeout=10) as answer:
            return json.load(answer)["data"]

    def ask(self, query: str) -> list[Any]:
        return list(self.get("query", query=query)["result"])


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    with serve(engines=THREADED, api_keys=KEY, warm="") as live:
        yield live


@pytest.fixture(scope="module")
def prometheus(
    server: LiveServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prometheus]:
    folder = tmp_path_factory.mktemp("prometheus")
    (folder / "prometheus.yml").write_text(
        f"""
global: {{scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 500ms}}
rule_files: ["{ALERTS}"]
scrape_configs:
  - job_name: dragoman
    authorization: {{credentials: {KEY}}}
    static_configs: [{{targets: ["127.0.0.1:{server.port}"]}}]
"""
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [
                _prometheus(),
                f"--config.file={folder}/prometheus.yml",
                f"--storage.tsdb.path={folder}/data",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )
        try:
            found = Prometheus(port)
            _until(lambda: found.ask("dragoman_ready"), process, folder / "log")
            yield found
        finally:
            process.kill()
            process.wait()


def _until(
    holds: Any, process: subprocess.Popen[bytes] | None = None, log: Path | None = None
) -> None:
    deadline = time.monotonic() + WAIT_S
    while True:
        if process is not None and process.poll() is not None and log is not None:
            pytest.fail(log.read_text())
        try:
            if holds():
                return
        except OSError:
            pass  # it does not listen yet
        assert time.monotonic() < deadline
        time.sleep(0.1)


async def _sessions(server: LiveServer, folder: Path) -> None:
    """One of each kind, and a refused one."""
    with pytest.raises(Refused):
        await speak(server.url, "sk-wrong")
    await speak(server.url, KEY)
    await interpret(server.url, folder, KEY)


@pytest.mark.live
def test_every_query_has_an_answer(
    server: LiveServer, prometheus: Prometheus, tmp_path: Path
) -> None:
    rounds = 2  # a series has a rate when it was read before it grew
    for done in range(rounds):
        asyncio.run(_sessions(server, tmp_path))
        ended = f'dragoman_session_seconds_count{{api="translation"}} == {done + 1}'
        _until(lambda query=ended: prometheus.ask(query))

    def unanswered() -> list[str]:
        queries = [query for query in dashboard_queries() if not any(n in query for n in LAZY)]
        return [
            query
            for query in queries
            if not [s for s in prometheus.ask(query) if s["value"][1] != "NaN"]
        ]

    _until(lambda: not unanswered())


@pytest.mark.live
def test_the_alerts_are_loaded_and_silent(prometheus: Prometheus) -> None:
    (group,) = prometheus.get("rules")["groups"]
    assert len(group["rules"]) == len(alert_queries())
    _until(lambda: all(r["health"] == "ok" for r in prometheus.get("rules")["groups"][0]["rules"]))
    assert prometheus.get("alerts")["alerts"] == []
