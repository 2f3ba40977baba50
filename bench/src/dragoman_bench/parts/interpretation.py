"""Live interpretation of real recordings by 1, 4 and 6 sessions at once, at microphone pace.

Scope: which loads are run; sessions are played and measured as in ``dragoman bench interpret``.
Server and load share all cores, as on a small machine. Sessions begin within a second of each
other, each at another place of the recordings, so that their turns do not coincide.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import uvloop

from dragoman_bench.figures import Figure, Part, Row, lines, mean, quantile
from dragoman_bench.harness import metrics_page, processes
from dragoman_bench.harness.server_process import ServerProcess, serving
from dragoman_bench.interpret import log, recordings, stream
from dragoman_bench.interpret.play import SessionRequest, play_concurrently
from dragoman_bench.interpret.score import Item, score
from dragoman_bench.interpret.shown_text import combined
from dragoman_bench.interpret.stream import Stream

SESSIONS = (1, 4, 6)
TARGET = "es"
_MOST_FINISH_MS = 2000.0
_MOST_LAG_MS = 20.0


class LoadResult(msgspec.Struct, kw_only=True):
    """One load. ``cores`` is CPU of the whole process tree as a share of one core."""

    items: list[Item]
    cores: float
    loop_lag_p50_ms: float | None
    loop_lag_p99_ms: float | None


def measure(*, quick: bool, folder: Path | None) -> Part:
    """Run all loads, one after another, on one server."""
    seconds = 20.0 if quick else 60.0
    source = uvloop.run(_source(folder, seconds))
    found: list[Figure] = []
    raw: dict[str, object] = {"seconds": seconds, "recordings": str(folder or "two_cities")}
    with serving() as server:
        for count in (1, 6) if quick else SESSIONS:
            result = uvloop.run(run_load(server, excerpts(source, count, seconds)))
            found += figures(result)
            raw[f"{count} sessions"] = msgspec.to_builtins(result)
    return Part(name="interpretation", figures=found, raw=raw)


async def _source(folder: Path | None, seconds: float) -> Stream:
    """All recordings, and as much again from the first as the last session needs."""
    found = recordings.find(folder) if folder else [recordings.two_cities()]
    once_s = sum(recording.segment.length_ms for recording in found) / 1000
    return await stream.talk(found, TARGET, minutes=(once_s + seconds) / 60)


def excerpts(source: Stream, count: int, seconds: float) -> list[Stream]:
    """One stream for each session, at places spread over the recordings."""
    first_s, last_s = 1.0, source.script.length_ms / 1000 - seconds - 1.0
    step_s = (last_s - first_s) / count
    return [
        stream.excerpt(source, first_s + number * step_s, seconds, f"excerpt-{number + 1}")
        for number in range(count)
    ]


async def run_load(server: ServerProcess, streams: Sequence[Stream]) -> LoadResult:
    """Play the streams at once and measure them."""
    lag_before = server.loop_lag()
    cpu_before, began_s = processes.tree_cpu_s(server.pid), time.monotonic()
    request = SessionRequest(url=server.url, target=TARGET)
    with TemporaryDirectory() as logs:
        played = await play_concurrently([[one] for one in streams], request, Path(logs))
        cores = (processes.tree_cpu_s(server.pid) - cpu_before) / (time.monotonic() - began_s)
        lag = metrics_page.since(lag_before, server.loop_lag())
        items = []
        for one in played:
            item = score(one.script.name, log.read(one.log), one.script)
            item.late_ms = one.late_ms
            items.append(item)
    return LoadResult(
        items=items,
        cores=cores,
        loop_lag_p50_ms=_ms(metrics_page.quantile(lag, 0.5)),
        loop_lag_p99_ms=_ms(metrics_page.quantile(lag, 0.99)),
    )


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000


# ---------------------------------------------------------------- the table
def figures(result: LoadResult) -> list[Figure]:
    """The lines of one load."""
    rows = [*_lags(result.items), *_stability(result.items), *_server(result)]
    return lines(f"interpretation x{len(result.items)}", rows)


def _lags(items: Sequence[Item]) -> list[Row]:
    text = [lag for item in items for lag in item.text_lag_ms]
    voice = [clause.lag_ms for item in items for clause in item.clauses]
    after_clause = mean([item.voice_after_clause_ms for item in items])
    return [
        ("first text", mean([item.first_text_ms for item in items]), "ms", None),
        ("first translated text", mean([i.first_translation_ms for i in items]), "ms", None),
        ("first voice", mean([item.first_voice_ms for item in items]), "ms", None),
        ("first voice after first clause", after_clause, "ms", None),
        ("text lag (LAAL)", mean([lag for i in items for lag in i.turn_laal_ms]), "ms", None),
        ("text lag p50", quantile(text, 0.5), "ms", None),
        ("text lag p95", quantile(text, 0.95), "ms", None),
        ("voice lag p50", quantile(voice, 0.5), "ms", None),
        ("voice lag p95", quantile(voice, 0.95), "ms", None),
        ("voice lag drift", mean([item.drift_s_per_min for item in items]), "s/min", None),
        ("text lag, end minus start", mean([growth(item) for item in items]), "ms", None),
    ]


def growth(item: Item) -> float | None:
    """Mean text lag in the last third of the source minus that in the first."""
    said_ms = [at - lag for at, lag in zip(item.arrived_ms, item.text_lag_ms, strict=True)]
    lags = list(zip(said_ms, item.text_lag_ms, strict=True))
    end = max(said_ms, default=0.0)
    early = mean([lag for at, lag in lags if at < end / 3])
    late = mean([lag for at, lag in lags if at > end * 2 / 3])
    return None if early is None or late is None else late - early


def _stability(items: Sequence[Item]) -> list[Row]:
    source = combined([item.source_stability for item in items])
    target = combined([item.target_stability for item in items])
    changed = float(source.violations + target.violations)
    return [
        ("erasure, translation", target.flicker, "", None),
        ("erasure, source", source.flicker, "", None),
        ("committed text changed", changed, "times", 0.0),
    ]


def _server(result: LoadResult) -> list[Row]:
    finish = [item.finish_ms for item in result.items if item.finish_ms is not None]
    late = [item.late_ms for item in result.items if item.late_ms is not None]
    return [
        ("all said after last audio, worst", max(finish, default=None), "ms", _MOST_FINISH_MS),
        ("CPU per session", result.cores / len(result.items), "cores", None),
        ("loop lag p50", result.loop_lag_p50_ms, "ms", None),
        ("loop lag p99", result.loop_lag_p99_ms, "ms", _MOST_LAG_MS),
        ("load generator late, worst", max(late, default=None), "ms", None),
    ]
