"""Live interpretation of real recordings by 1, 4 and 6 sessions at once, at microphone pace.

Law of this file: it runs the sessions and sums up their verdicts. Server and load share all
cores, as on a small machine; the load costs a few percent of one. Sessions begin within a second
of each other, each at another place of the recording, so that they do not breathe together.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from dragoman_bench import loops
from dragoman_bench.figures import BenchFailed, Figure, Part, percentile, slope, spread
from dragoman_bench.harness import metrics_page, processes
from dragoman_bench.harness.pacer import Pacer
from dragoman_bench.harness.server_process import ServerProcess, serving
from dragoman_bench.interpret.shown_text import Timeline
from dragoman_bench.judging import Verdict, judge
from dragoman_bench.live import Live
from dragoman_bench.recordings import RATE_HZ, Pcm, all_english, dickens, read, turned

SESSIONS = (1, 4, 6)
TARGET = "es"
_FINISH_S = 60.0
_GAP_S = 0.8
_MOST_FINISH_MS = 2000.0
_MOST_LAG_MS = 20.0


def measure(*, quick: bool, recordings: Path | None) -> Part:
    """Run all loads, one after another, on one server."""
    seconds = 20 if quick else 60
    source = loops.run(_source(recordings))
    figures: list[Figure] = []
    raw: dict[str, object] = {"seconds": seconds, "recording": str(recordings or "two_cities")}
    with serving() as subject:
        for count in (1, 6) if quick else SESSIONS:
            result = loops.run(_run(subject, source, count, seconds))
            figures += _figures(result)
            raw[f"{count} sessions"] = msgspec.to_builtins(result)
    return Part(name="interpretation", figures=figures, raw=raw)


class Result(msgspec.Struct, kw_only=True):
    """One load. ``cores`` is CPU of the whole process tree as a share of one core."""

    sessions: int
    seconds: float
    cores: float
    loop_lag_p50_ms: float | None
    loop_lag_p99_ms: float | None
    load_late_p99_ms: float
    finish_ms: list[float]
    problems: list[str]
    verdicts: list[Verdict]


async def _source(folder: Path | None) -> Pcm:
    if folder is None:
        return await read(dickens().path)
    gap = np.zeros(int(_GAP_S * RATE_HZ), np.int16)
    pieces = [await read(recording.path) for recording in all_english(folder)]
    return np.concatenate([part for piece in pieces for part in (piece, gap)])


def streams(source: Pcm, count: int, seconds: float) -> list[Pcm]:
    """One stream for each session: the recording from another place on, as often as needed."""
    wanted = int(seconds * RATE_HZ)
    starts = [len(source) * index // count for index in range(count)]
    return [np.tile(turned(source, start), -(-wanted // len(source)))[:wanted] for start in starts]


async def _run(subject: ServerProcess, source: Pcm, count: int, seconds: float) -> Result:
    wheel = Pacer()
    offsets = random.Random(count)  # noqa: S311  # the same offsets in every run
    sessions = [await Live.open(subject.port, s, TARGET) for s in streams(source, count, seconds)]
    lag_before = await asyncio.to_thread(subject.lag)
    cpu_before, began_s = processes.tree_cpu_s(subject.pid), time.monotonic()
    for session in sessions:
        session.start(wheel, wheel.now_s + 0.1 + offsets.random())
    try:
        await asyncio.gather(*(s.finished(seconds + _FINISH_S) for s in sessions))
    except TimeoutError:
        raise BenchFailed(f"{count} sessions were not finished {_FINISH_S:.0f} s late") from None
    cores = (processes.tree_cpu_s(subject.pid) - cpu_before) / (time.monotonic() - began_s)
    lag = metrics_page.since(lag_before, await asyncio.to_thread(subject.lag))
    return Result(
        sessions=count,
        seconds=seconds,
        cores=cores,
        loop_lag_p50_ms=_ms(metrics_page.quantile(lag, 0.5)),
        loop_lag_p99_ms=_ms(metrics_page.quantile(lag, 0.99)),
        load_late_p99_ms=percentile(wheel.late_s, 0.99) * 1000,
        finish_ms=[(s.finished_ms or 0.0) - s.sent_ms for s in sessions],
        problems=[code for s in sessions for code in s.problems],
        verdicts=[judge(s.rows, Timeline.of(s.samples, RATE_HZ)) for s in sessions],
    )


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000


# ---------------------------------------------------------------- sums
def growth(lags: Sequence[tuple[float, float]]) -> float | None:
    """Mean lag in the last third of the source minus that in the first: whether it falls behind."""
    if not lags:
        return None
    end = max(at for at, _ in lags)
    early = [lag for at, lag in lags if at < end / 3]
    late = [lag for at, lag in lags if at > end * 2 / 3]
    return sum(late) / len(late) - sum(early) / len(early) if early and late else None


def _mean(values: Sequence[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return sum(there) / len(there) if there else None


def _figures(result: Result) -> list[Figure]:
    count = result.sessions
    rows = [*_lags(result.verdicts), *_calm(result.verdicts), *_server(result)]
    return [
        Figure(part=f"interpretation x{count}", name=name, value=value, unit=unit, aim=aim)
        for name, value, unit, aim in rows
    ]


_Row = tuple[str, float | None, str, float | None]


def _lags(verdicts: Sequence[Verdict]) -> list[_Row]:
    text = spread([lag for v in verdicts for _, lag in v.text_lags])
    voice = spread([lag for v in verdicts for _, lag in v.voice_lags])
    drifts = [slope([(at / 60_000, lag / 1000) for at, lag in v.voice_lags]) for v in verdicts]
    after_clause = _mean([v.voice_after_clause_ms for v in verdicts])
    return [
        ("first text", _mean([v.first_text_ms for v in verdicts]), "ms", None),
        ("first translated text", _mean([v.first_translation_ms for v in verdicts]), "ms", None),
        ("first voice", _mean([v.first_voice_ms for v in verdicts]), "ms", None),
        ("first voice after first clause", after_clause, "ms", None),
        ("text lag (LAAL)", _mean([lag for v in verdicts for lag in v.laal_ms]), "ms", None),
        ("text lag p50", text.p50 if text else None, "ms", None),
        ("text lag p95", text.p95 if text else None, "ms", None),
        ("voice lag p50", voice.p50 if voice else None, "ms", None),
        ("voice lag p95", voice.p95 if voice else None, "ms", None),
        ("voice lag drift", _mean(drifts), "s/min", None),
        ("text lag, end minus start", _mean([growth(v.text_lags) for v in verdicts]), "ms", None),
    ]


def _calm(verdicts: Sequence[Verdict]) -> list[_Row]:
    shown, heard = sum(v.shown_words for v in verdicts), sum(v.source_words for v in verdicts)
    changed = float(sum(v.violations for v in verdicts))
    return [
        ("erasure, translation", sum(v.erased for v in verdicts) / max(shown, 1), "", None),
        ("erasure, source", sum(v.source_erased for v in verdicts) / max(heard, 1), "", None),
        ("committed text changed", changed, "times", 0.0),
    ]


def _server(result: Result) -> list[_Row]:
    return [
        ("all said after last audio, worst", max(result.finish_ms), "ms", _MOST_FINISH_MS),
        ("CPU per session", result.cores / result.sessions, "cores", None),
        ("loop lag p50", result.loop_lag_p50_ms, "ms", None),
        ("loop lag p99", result.loop_lag_p99_ms, "ms", _MOST_LAG_MS),
        ("load generator late p99", result.load_late_p99_ms, "ms", None),
    ]
