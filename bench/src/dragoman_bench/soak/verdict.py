"""The verdict over a soak: what grew, what was left over, what was lost.

Law of this file: pure; samples and scored talks in, figures with their bounds out. A figure whose
bound is broken makes the soak fail. Growth and drift are bounded only where the run is long enough
behind its warm-up to tell them from noise.

How it works. Allocators take memory in pieces of a megabyte or so, when more sessions than ever
before happen to be busy at once, and keep it. A leak goes on all the time. So steady growth is the
median of the slopes between samples that are at most five minutes apart (after Theil and Sen): a
few steps do not move it, a leak is in all of them. What the steps come to has a bound of its own.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

import msgspec

from dragoman_bench.figures import Figure, spread
from dragoman_bench.interpret.speech_lag import ClauseLag, drift
from dragoman_bench.soak.churn import ChurnCounts
from dragoman_bench.soak.sampling import Sample
from dragoman_bench.soak.talk import Told

PART = "soak"
WARM_UP_S = 300.0
TELLING_S = 480.0
"""How long a run must go on behind the warm-up for its growth to be judged."""
GROWTH_MIB = 1.0
STEPS_MIB = 5.0
MORE = 0.5
"""Tasks, threads, files; of all pairs of samples: they are whole, and have no steps to forgive."""
DRIFT = 0.2
WER_POINTS = 5.0
WORDS_PERCENT = 95.0
_POINTS = 400
_REACH_S = 300.0


class Spoken(msgspec.Struct, frozen=True, kw_only=True):
    """A talk scored from its log. Lags are (time in the source in ms, lag in ms)."""

    told: Told
    clauses: list[ClauseLag]
    text_lags: list[tuple[float, float]]
    violations: int
    heard_words: int
    offline_words: int
    wer: float | None
    wer_offline: float | None
    skipped: float | None


class Rest(msgspec.Struct, frozen=True, kw_only=True):
    """The server without sessions, before and after."""

    before: Sample
    after: Sample


def robust_slope(
    points: Sequence[tuple[float, float]], reach: float = float("inf")
) -> float | None:
    """The median of the slopes between points that are at most ``reach`` apart in x; None for
    fewer than three points.
    """
    kept = points[:: max(1, -(-len(points) // _POINTS))]
    if len(kept) < 3:
        return None
    slopes = [
        (y2 - y1) / (x2 - x1)
        for index, (x1, y1) in enumerate(kept)
        for x2, y2 in kept[index + 1 :]
        if 0 < x2 - x1 <= reach
    ]
    return statistics.median(slopes) if slopes else None


def figures(
    samples: Sequence[Sample], rest: Rest, talks: Sequence[Spoken], company: ChurnCounts
) -> list[Figure]:
    """All of them, for the table; ``met`` False breaks the soak."""
    return [
        *_held(samples, rest),
        *_lags(samples, talks),
        *_complete(talks),
        _figure("short sessions", company.interpreted + company.spoken),
        _figure("of them gone without a word", company.vanished),
        _figure("of them gone wrong", company.failures, aim=0),
    ]


def broken(found: Sequence[Figure]) -> list[Figure]:
    """The bounds that are broken."""
    return [figure for figure in found if figure.met is False]


def _figure(name: str, value: float | None, unit: str = "", *, aim: float | None = None) -> Figure:
    return Figure(part=PART, name=name, value=value, unit=unit, aim=aim)


# ---------------------------------------------------------------- what it holds
def _warm(samples: Sequence[Sample]) -> tuple[Sequence[Sample], bool]:
    """The samples behind the warm-up, and whether they are enough to tell."""
    length_s = samples[-1].at_s - samples[0].at_s if samples else 0.0
    warm_s = min(WARM_UP_S, length_s / 4)
    warm = [sample for sample in samples if sample.at_s >= samples[0].at_s + warm_s]
    return warm, length_s - warm_s >= TELLING_S


def _held(samples: Sequence[Sample], rest: Rest) -> list[Figure]:
    warm, tells = _warm(samples)

    def growth(name: str, of: Callable[[Sample], float]) -> Figure:
        each_s = robust_slope([(sample.at_s, of(sample)) for sample in warm], _REACH_S)
        value = None if each_s is None else each_s * 600
        return _figure(name, value, "MiB/10 min", aim=GROWTH_MIB if tells else None)

    def more(name: str, of: Callable[[Sample], int]) -> Figure:
        each_s = robust_slope([(sample.at_s, of(sample)) for sample in warm])
        value = None if each_s is None else each_s * 600
        return _figure(name, value, "/10 min", aim=MORE if tells else None)

    def steps(name: str, of: Callable[[Sample], float]) -> Figure:
        ends = [statistics.median(map(of, part)) for part in (warm[:6], warm[-6:]) if part]
        value = ends[-1] - ends[0] if ends else None
        return _figure(name, value, "MiB", aim=STEPS_MIB if tells else None)

    def left(name: str, of: Callable[[Sample], int]) -> Figure:
        return _figure(name, of(rest.after) - of(rest.before), aim=0)

    return [
        growth("server, steady growth of memory", _server_mib),
        steps("server, after the warm-up in all", _server_mib),
        growth("workers, steady growth of memory", _workers_mib),
        steps("workers, after the warm-up in all", _workers_mib),
        more("server, growth of tasks", lambda s: s.tasks),
        more("server, growth of threads", lambda s: s.server.threads),
        more("server, growth of files", lambda s: s.server.files),
        _figure("server, memory before", _server_mib(rest.before), "MiB"),
        _figure("server, memory after", _server_mib(rest.after), "MiB"),
        _figure("workers, memory before", _workers_mib(rest.before), "MiB"),
        _figure("workers, memory after", _workers_mib(rest.after), "MiB"),
        left("tasks left over", lambda s: s.tasks),
        left("sessions left over", lambda s: s.sessions),
        left("files left over", lambda s: s.server.files),
        left("threads left over", lambda s: s.server.threads),
        left("workers left over", lambda s: s.workers.processes),
        left("workers' threads left over", lambda s: s.workers.threads),
        left("workers' files left over", lambda s: s.workers.files),
    ]


def _server_mib(sample: Sample) -> float:
    return sample.server.own_kib / 1024


def _workers_mib(sample: Sample) -> float:
    return sample.workers.own_kib / 1024


# ---------------------------------------------------------------- how late it is
def _lags(samples: Sequence[Sample], talks: Sequence[Spoken]) -> list[Figure]:
    voice = spread([lag.lag_ms / 1000 for talk in talks for lag in talk.clauses])
    text = spread([lag / 1000 for talk in talks for _, lag in talk.text_lags])
    loop = [s.loop_lag_p99_ms for s in samples if s.loop_lag_p99_ms is not None]
    voice_drift = _worst([drift(talk.clauses) for talk in talks])
    text_drift = _worst([_per_minute(talk.text_lags) for talk in talks])
    most = DRIFT if _warm(samples)[1] else None
    return [
        _figure("voice lag p50", voice.p50 if voice else None, "s"),
        _figure("voice lag p95", voice.p95 if voice else None, "s"),
        _figure("voice lag drift", voice_drift, "s/min", aim=most),
        _figure("text lag p50", text.p50 if text else None, "s"),
        _figure("text lag p95", text.p95 if text else None, "s"),
        _figure("text lag drift", text_drift, "s/min", aim=most),
        _figure("loop lag p99, median", statistics.median(loop) if loop else None, "ms"),
        _figure("loop lag p99, worst", max(loop, default=None), "ms"),
        _figure("load late, worst", max((t.told.late_ms for t in talks), default=None), "ms"),
    ]


def _per_minute(lags: Sequence[tuple[float, float]]) -> float | None:
    return robust_slope([(at / 60_000, lag / 1000) for at, lag in lags])


def _worst(values: Sequence[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


# ---------------------------------------------------------------- what is missing
def _complete(talks: Sequence[Spoken]) -> list[Figure]:
    told = [talk.told for talk in talks]
    unfinished = sum(one.open_items + one.open_responses for one in told)
    offline = sum(talk.offline_words for talk in talks)
    heard = sum(talk.heard_words for talk in talks)
    return [
        _figure("turns", sum(one.turns for one in told)),
        _figure("turns and responses not completed", unfinished, aim=0),
        _figure("failures reported", sum(len(one.failed) for one in told), aim=0),
        _figure("committed text changed", sum(talk.violations for talk in talks), aim=0),
        *_errors(talks),
        Figure(
            part=PART,
            name="words heard, of those heard offline",
            value=100 * heard / offline if offline else None,
            unit="%",
            aim=WORDS_PERCENT,
            at_least=True,
        ),
        _figure("translation not spoken", _percent(_worst([talk.skipped for talk in talks])), "%"),
    ]


def _errors(talks: Sequence[Spoken]) -> list[Figure]:
    live = _worst([talk.wer for talk in talks])
    offline = _worst([talk.wer_offline for talk in talks])
    lost = _worst(
        [
            talk.wer - talk.wer_offline
            for talk in talks
            if talk.wer is not None and talk.wer_offline is not None
        ]
    )
    return [
        _figure("word errors, live", _percent(live), "%"),
        _figure("word errors, offline", _percent(offline), "%"),
        _figure("word errors, live above offline", _percent(lost), "points", aim=WER_POINTS),
    ]


def _percent(value: float | None) -> float | None:
    return None if value is None else value * 100
