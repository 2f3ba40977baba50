"""Draw deploy/grafana/dragoman.json, a Grafana dashboard, from the table below. ``--check`` only
compares.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

FILE = Path(__file__).resolve().parent.parent / "deploy" / "grafana" / "dragoman.json"
WIDTH, HEIGHT, COLUMNS = 8, 8, 3
SOURCE = {"type": "prometheus", "uid": "${datasource}"}


class Panel(NamedTuple):
    """A graph: title, unit as Grafana names it, and its queries with their legends."""

    title: str
    unit: str
    queries: tuple[tuple[str, str], ...]


def rate(metric: str, by: str = "") -> str:
    """The sum of the rates of a counter."""
    grouped = f" by ({by})" if by else ""
    return f"sum{grouped} (rate({metric}[$__rate_interval]))"


def quantiles(metric: str, by: str = "") -> tuple[tuple[str, str], ...]:
    """Median and 95th percentile of a histogram, by one label."""
    groups = f"le, {by}" if by else "le"
    legend = f"{{{{{by}}}}} " if by else ""
    return tuple(
        (f"histogram_quantile({share}, {rate(f'{metric}_bucket', groups)})", f"{legend}{name}")
        for share, name in ((0.5, "p50"), (0.95, "p95"))
    )


ROWS: dict[str, tuple[Panel, ...]] = {
    "Sessions": (
        Panel("Open sessions", "short", (("sum by (api) (dragoman_sessions_open)", "{{api}}"),)),
        Panel(
            "New sessions",
            "cps",
            ((rate("dragoman_family_sessions_total", "family"), "{{family}}"),),
        ),
        Panel(
            "Speakers, and what the stages carry",
            "short",
            (
                ("sum(dragoman_speakers)", "speakers"),
                ("sum by (stage) (dragoman_speakers_capacity)", "{{stage}} carries"),
                ("max(dragoman_shedding)", "shedding, 0 to 3"),
            ),
        ),
        Panel(
            "Refused handshakes",
            "cps",
            ((rate("dragoman_refused_total", "status, code"), "{{status}} {{code}}"),),
        ),
        Panel(
            "Speech in and out, seconds a second",
            "short",
            ((rate("dragoman_used_total", "api, of"), "{{api}} {{of}}"),),
        ),
        Panel(
            "Used by keys, a second",
            "short",
            ((rate("dragoman_key_used_total", "key, of"), "{{key}} {{of}}"),),
        ),
        Panel(
            "Events received",
            "cps",
            ((rate("dragoman_events_received_total", "type"), "{{type}}"),),
        ),
        Panel("Events sent", "cps", ((rate("dragoman_events_sent_total", "type"), "{{type}}"),)),
    ),
    "Lag": (
        Panel("Word said to word committed", "s", quantiles("dragoman_recognition_lag_seconds")),
        Panel(
            "Source committed to translation committed",
            "s",
            quantiles("dragoman_translation_lag_seconds"),
        ),
        Panel(
            "Translation committed to speech heard", "s", quantiles("dragoman_voice_lag_seconds")
        ),
        Panel("First audio of a response", "s", quantiles("dragoman_first_audio_seconds", "api")),
        Panel(
            "Speech not recognised yet",
            "s",
            (("max by (engine, of) (dragoman_hearing_lag_seconds)", "{{engine}} {{of}}"),),
        ),
        Panel(
            "Speech skipped to keep up, seconds a second",
            "short",
            ((rate("dragoman_speech_skipped_seconds_total"), "skipped"),),
        ),
    ),
    "Engines": (
        Panel(
            "Calls at work, and the most",
            "short",
            (
                (rate("dragoman_engine_busy_seconds_total", "engine"), "{{engine}}"),
                ("sum by (engine) (dragoman_engine_concurrency)", "{{engine}} at most"),
            ),
        ),
        Panel(
            "Calls that wait",
            "short",
            (("sum by (engine) (dragoman_engine_waiting)", "{{engine}}"),),
        ),
        Panel("Wait for an engine", "s", quantiles("dragoman_engine_queue_seconds", "engine")),
        Panel(
            "Time to answer, or to the first sound",
            "s",
            quantiles("dragoman_engine_seconds", "engine"),
        ),
        Panel(
            "Calls answered together",
            "short",
            (
                (
                    f"{rate('dragoman_engine_batch_size_sum', 'engine')} / "
                    f"{rate('dragoman_engine_batch_size_count', 'engine')}",
                    "{{engine}}",
                ),
            ),
        ),
        Panel(
            "Workers",
            "short",
            (
                ("sum by (engine) (dragoman_workers)", "{{engine}}"),
                (
                    "sum by (engine) (increase(dragoman_worker_crashes_total[$__rate_interval]))",
                    "{{engine}} crashed",
                ),
            ),
        ),
        Panel(
            "Calls made again at another engine",
            "cps",
            (
                (rate("dragoman_engine_failovers_total", "engine"), "{{engine}}"),
                ("max by (engine) (dragoman_engine_circuit_open)", "{{engine}} is left alone"),
            ),
        ),
        Panel(
            "Failed jobs",
            "cps",
            ((f"{rate('dragoman_jobs_failed_total')} or vector(0)", "failed"),),
        ),
    ),
    "Server": (
        Panel("Ready", "short", (("min(dragoman_ready)", "ready"),)),
        Panel("Lag of the event loop", "s", quantiles("dragoman_loop_lag_seconds")),
        Panel("CPU, cores", "short", ((rate("process_cpu_seconds_total"), "cores"),)),
        Panel("Memory", "bytes", (("sum(process_resident_memory_bytes)", "resident"),)),
        Panel("Open files", "short", (("sum(process_open_fds)", "files"),)),
        Panel(
            "Notes, stalled clients, lines not logged",
            "cps",
            (
                (rate("dragoman_notes_total", "name"), "{{name}}"),
                (rate("dragoman_stalled_total"), "stalled"),
                (rate("dragoman_log_lines_left_out_total", "bound"), "not logged: {{bound}}"),
            ),
        ),
    ),
}


def panels() -> list[dict[str, Any]]:
    """All rows and graphs, placed on the grid of 24 columns."""
    drawn: list[dict[str, Any]] = []
    y = 0
    for title, row in ROWS.items():
        place = {"x": 0, "y": y, "w": 24, "h": 1}
        drawn.append(
            {"type": "row", "title": title, "collapsed": False, "panels": [], "gridPos": place}
        )
        y += 1
        for number, panel in enumerate(row):
            x = number % COLUMNS * WIDTH
            place = {"x": x, "y": y + number // COLUMNS * HEIGHT, "w": WIDTH, "h": HEIGHT}
            drawn.append(_graph(panel, place))
        y += -(-len(row) // COLUMNS) * HEIGHT
    return [{"id": number, **panel} for number, panel in enumerate(drawn, 1)]


def _graph(panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    targets = [
        {
            "refId": chr(ord("A") + number),
            "datasource": SOURCE,
            "expr": query,
            "legendFormat": legend,
        }
        for number, (query, legend) in enumerate(panel.queries)
    ]
    return {
        "type": "timeseries",
        "title": panel.title,
        "datasource": SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}},
        "targets": targets,
    }


def dashboard() -> dict[str, Any]:
    """What Grafana imports."""
    source = {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Source"}
    return {
        "title": "Dragoman",
        "uid": "dragoman",
        "schemaVersion": 39,
        "editable": True,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": [source]},
        "panels": panels(),
    }


def drawn() -> str:
    """The file: a line for each setting and each panel, so that changes can be read."""
    content = dashboard()
    shown = ",\n".join(f"  {json.dumps(panel)}" for panel in content.pop("panels"))
    settings = "".join(f' "{name}": {json.dumps(value)},\n' for name, value in content.items())
    return f'{{\n{settings} "panels": [\n{shown}\n ]\n}}\n'


def main() -> None:
    """Write the file, or compare."""
    wanted = drawn()
    if "--check" not in sys.argv:
        FILE.write_text(wanted, encoding="utf-8")
    elif not FILE.exists() or FILE.read_text(encoding="utf-8") != wanted:
        sys.exit(f"{FILE.name} is out of date: run scripts/draw_dashboard.py")


if __name__ == "__main__":
    main()
