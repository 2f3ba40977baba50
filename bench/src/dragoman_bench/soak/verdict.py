"""The verdict over a soak: what grew, what was left over, what was lost.

Scope: pure; samples and scored talks in, figures with their bounds out. A broken bound makes the
soak fail. Growth and drift are bounded only where the run is long enough after its warm-up to tell
them from noise.

Allocators take memory in pieces of a megabyte or so, when more sessions than ever before happen to
be busy at once, and keep it. A leak goes on all the time. So steady growth is the median of the
slopes between samples that are at most five minutes apart (after Theil and Sen): a few steps do not
move it, a leak is in all of them. The sum of the steps has a bound of its own.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

import msgspec

from dragoman_bench.figures import Figure, percent, quantile
from dragoman_bench.interpret.score import Item
from dragoman_bench.interpret.script import units
from dragoman_bench.soak.churn import ChurnCounts
from dragoman_bench.soak.sampling import Sample
from dragoman_bench.soak.talk import TalkOutcome

PART = "soak"
WARM_UP_S = 300.0
JUDGED_S = 480.0
"""How long a run must go on after the warm-up for its growth to be bounded."""
GROWTH_MIB = 1.0
STEPS_MIB = 5.0
MORE = 0.5
"""Tasks, threads, files, per 10 minutes; their slope is over all pairs of samples."""
DRIFT = 0.2
WER_POINTS = 5.0
WORDS_PERCENT = 95.0
_POINTS = 400
_REACH_S = 300.0


class ScoredTalk(msgspec.Struct, frozen=True, kw_only=True):
    """A talk, scored from its log. Error rates are fractions."""

    outcome: TalkOutcome
    item: Item
    wer: float
    wer_offline: float


class AtRest(msgspec.Struct, frozen=True, kw_only=True):
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
    samples: Sequence[Sample], rest: AtRest, talks: Sequence[ScoredTalk], churn: ChurnCounts
) -> list[Figure]:
    """All of them, for the table; ``met`` False breaks the soak."""
    return [
        *_held(samples, rest),
        *_lags(samples, talks),
        *_complete(talks),
        _figure("short sessions", churn.interpreted + churn.spoken),
        _figure("of them without a close", churn.aborted),
        _figure("of them failed", churn.failures, aim=0),
    ]


def broken(found: Sequence[Figure]) -> list[Figure]:
    """The bounds that are broken."""
    return [figure for figure in found if figure.met is False]


def _figure(name: str, value: float | None, unit: str = "", *, aim: float | None = None) -> Figure:
    return Figure(part=PART, name=name, value=value, unit=unit, aim=aim)


# ---------------------------------------------------------------- what it holds
def _warm(samples: Sequence[Sample]) -> tuple[Sequence[Sample], bool]:
    """The samples after the warm-up, and whether they are enough to bound growth."""
    length_s = samples[-1].at_s - samples[0].at_s if samples else 0.0
    warm_s = min(WARM_UP_S, length_s / 4)
    warm = [sample for sample in samples if sample.at_s >= samples[0].at_s + warm_s]
    return warm, length_s - warm_s >= JUDGED_S


def _held(samples: Sequence[Sample], rest: AtRest) -> list[Figure]:
    warm, bounded = _warm(samples)

    def growth(name: str, of: Callable[[Sample], float]) -> Figure:
        each_s = robust_slope([(sample.at_s, of(sample)) for sample in warm], _REACH_S)
        value = None if each_s is None else each_s * 600
        return _figure(name, value, "MiB/10 min", aim=GROWTH_MIB if bounded else None)

    def more(name: str, of: Callable[[Sample], int]) -> Figure:
        each_s = robust_slope([(sample.at_s, of(sample)) for sample in warm])
        value = None if each_s is None else each_s * 600
        return _figure(name, value, "/10 min", aim=MORE if bounded else None)

    def steps(name: str, of: Callable[[Sample], float]) -> Figure:
        ends = [statistics.median(map(of, part)) for part in (warm[:6], warm[-6:]) if part]
        value = ends[-1] - ends[0] if ends else None
        return _figure(name, value, "MiB", aim=STEPS_MIB if bounded else None)

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
def _lags(samples: Sequence[Sample], talks: Sequence[ScoredTalk]) -> list[Figure]:
    items = [talk.item for talk in talks]
    voice = [lag.lag_ms / 1000 for item in items for lag in item.clauses]
    text = [lag / 1000 for item in items for lag in item.text_lag_ms]
    loop = [s.loop_lag_p99_ms for s in samples if s.loop_lag_p99_ms is not None]
    voice_drift = _worst([item.drift_s_per_min for item in items])
    text_drift = _worst([_text_drift(item) for item in items])
    most = DRIFT if _warm(samples)[1] else None
    return [
        _figure("voice lag p50", quantile(voice, 0.5), "s"),
        _figure("voice lag p95", quantile(voice, 0.95), "s"),
        _figure("voice lag drift", voice_drift, "s/min", aim=most),
        _figure("text lag p50", quantile(text, 0.5), "s"),
        _figure("text lag p95", quantile(text, 0.95), "s"),
        _figure("text lag drift", text_drift, "s/min", aim=most),
        _figure("loop lag p99, median", quantile(loop, 0.5), "ms"),
        _figure("loop lag p99, worst", max(loop, default=None), "ms"),
        _figure("load late, worst", max((t.outcome.late_ms for t in talks), default=None), "ms"),
    ]


def _text_drift(item: Item) -> float | None:
    """Robust slope of the text lag over the source, in seconds per minute."""
    return robust_slope(
        [
            ((at - lag) / 60_000, lag / 1000)
            for at, lag in zip(item.arrived_ms, item.text_lag_ms, strict=True)
        ]
    )


def _worst(values: Sequence[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


# ---------------------------------------------------------------- what is missing
def _complete(talks: Sequence[ScoredTalk]) -> list[Figure]:
    outcomes, items = [talk.outcome for talk in talks], [talk.item for talk in talks]
    unfinished = sum(one.open_items + one.open_responses for one in outcomes)
    changed = sum(
        item.source_stability.violations + item.target_stability.violations for item in items
    )
    offline = sum(_words(item, item.offline_source or "") for item in items)
    heard = sum(_words(item, item.source_text) for item in items)
    lost = _worst([talk.wer - talk.wer_offline for talk in talks])
    return [
        _figure("turns", sum(one.turns for one in outcomes)),
        _figure("turns and responses not completed", unfinished, aim=0),
        _figure("failures reported", sum(len(one.failed) for one in outcomes), aim=0),
        _figure("committed text changed", changed, aim=0),
        _figure("word errors, live", percent(_worst([talk.wer for talk in talks])), "%"),
        _figure("word errors, offline", percent(_worst([t.wer_offline for t in talks])), "%"),
        _figure("word errors, live above offline", percent(lost), "points", aim=WER_POINTS),
        Figure(
            part=PART,
            name="words heard, of those heard offline",
            value=100 * heard / offline if offline else None,
            unit="%",
            aim=WORDS_PERCENT,
            at_least=True,
        ),
        _figure("translation not spoken", percent(_worst([item.skipped for item in items])), "%"),
    ]


def _words(item: Item, text: str) -> int:
    return len(units(text, item.language))
