"""The verdict over a soak: what fails it and what does not."""

from __future__ import annotations

import random

import msgspec
import pytest

from dragoman_bench.harness.processes import ProcessUsage
from dragoman_bench.interpret.score import Item
from dragoman_bench.interpret.shown_text import DisplayStability
from dragoman_bench.interpret.speech_lag import ClauseLag, drift
from dragoman_bench.soak.churn import ChurnCounts
from dragoman_bench.soak.sampling import Sample, line
from dragoman_bench.soak.talk import TalkOutcome
from dragoman_bench.soak.verdict import AtRest, ScoredTalk, broken, figures, robust_slope

HALF_HOUR = 181
GOOD = TalkOutcome(turns=3, open_items=0, open_responses=0, failed=[], late_ms=5.0)


def sample(at_s: float, mib: float = 200.0, **more: int) -> Sample:
    holding = ProcessUsage(
        processes=1, own_kib=mib * 1024, pss_kib=mib * 1100, threads=10, files=25
    )
    return Sample(
        at_s=at_s,
        server=msgspec.structs.replace(holding, files=more.get("files", 25)),
        workers=msgspec.structs.replace(holding, processes=17, own_kib=300.0 * 1024),
        tasks=more.get("tasks", 4),
        sessions=more.get("sessions", 0),
        loop_lag_p99_ms=5.0,
        voice_lag_s=0.5,
        unplayed_s=[0.0],
    )


def grown(per_10_min: float, *, noise: float = 0.3, steps: float = 0.0) -> list[Sample]:
    chance = random.Random(3)
    return [
        sample(
            ten * 10.0,
            200 + per_10_min * ten / 60 + chance.gauss(0, noise) + steps * (ten // 75),
            tasks=22,
        )
        for ten in range(HALF_HOUR)
    ]


def talk_of(outcome: TalkOutcome = GOOD, *, drift_s: float = 0.0, **more: float) -> ScoredTalk:
    """A talk of thirty minutes; the lags grow by so many seconds a minute."""
    ends = [minute * 60_000.0 for minute in range(30)]
    lags = [2_000 + drift_s * 1_000 * minute for minute in range(30)]
    clauses = [
        ClauseLag(text="x", start_ms=end - 900, end_ms=end, play_ms=end + lag, play_end_ms=end)
        for end, lag in zip(ends, lags, strict=True)
    ]
    steady = DisplayStability(erased=0, shown=1_000, violations=0)
    item = Item(
        id="talk",
        language="en",
        source_ms=1_800_000,
        reference_units=1_000,
        source_text="word " * int(more.get("heard", 990)),
        target_text="palabra",
        offline_source="word " * 1_000,
        arrived_ms=[end + lag for end, lag in zip(ends, lags, strict=True)],
        sent_ms=[],
        text_lag_ms=lags,
        clauses=clauses,
        drift_s_per_min=drift(clauses),
        skipped=0.0,
        source_stability=steady,
        target_stability=msgspec.structs.replace(steady, violations=int(more.get("violations", 0))),
    )
    return ScoredTalk(outcome=outcome, item=item, wer=more.get("wer", 0.06), wer_offline=0.05)


def names(
    samples: list[Sample],
    talk: ScoredTalk | None = None,
    after: Sample | None = None,
    failures: int = 0,
) -> list[str]:
    """The bounds that are broken."""
    rest = AtRest(before=sample(0), after=after or sample(1_900))
    churn = ChurnCounts(interpreted=10, spoken=20, aborted=8, failures=failures)
    found = figures(samples, rest, [talk or talk_of()], churn)
    return [figure.name for figure in broken(found)]


def test_slope_of_most_points() -> None:
    points = [(float(x), 2.0 * x) for x in range(20)]
    points[7] = (7.0, 900.0)
    assert robust_slope(points) == pytest.approx(2.0)
    assert robust_slope(points[:2]) is None
    steps = [(float(x), 5.0 * (x // 10)) for x in range(40)]
    assert robust_slope(steps, reach=3.0) == 0.0
    assert robust_slope(steps) == pytest.approx(0.5, abs=0.05)


def test_a_server_without_growth_passes() -> None:
    assert names(grown(0.0)) == []


def test_a_leak_differs_from_steps_and_noise() -> None:
    assert names(grown(1.5)) == ["server, steady growth of memory"]
    assert names(grown(0.5)) == []
    assert names(grown(0.0, steps=1.5)) == []
    assert names(grown(0.0, steps=5.0)) == ["server, after the warm-up in all"]


def test_growth_in_the_warm_up_does_not_count() -> None:
    loading = [
        sample(one.at_s, min(200.0, 100 + one.at_s / 2), tasks=22) for one in grown(0.0, noise=0.0)
    ]
    assert names(loading) == []


def test_growth_is_not_judged_in_a_short_run() -> None:
    assert names(grown(50.0)[:13], talk_of(drift_s=1.0)) == []


def test_what_is_left_over_fails_the_soak() -> None:
    assert names(grown(0.0), after=sample(1_900, tasks=5)) == ["tasks left over"]
    assert names(grown(0.0), after=sample(1_900, files=26)) == ["files left over"]
    assert names(grown(0.0), after=sample(1_900, sessions=1)) == ["sessions left over"]


def test_growing_tasks_fail_the_soak_even_if_they_end() -> None:
    more = [
        msgspec.structs.replace(one, tasks=22 + number // 30)
        for number, one in enumerate(grown(0.0))
    ]
    assert names(more) == ["server, growth of tasks"]


@pytest.mark.parametrize(
    ("talk", "name"),
    [
        (talk_of(drift_s=0.3), "voice lag drift"),
        (talk_of(violations=1), "committed text changed"),
        (talk_of(heard=900), "words heard, of those heard offline"),
        (talk_of(wer=0.2), "word errors, live above offline"),
        (
            talk_of(msgspec.structs.replace(GOOD, open_items=1)),
            "turns and responses not completed",
        ),
        (talk_of(msgspec.structs.replace(GOOD, failed=["incomplete"])), "failures reported"),
    ],
)
def test_each_loss_fails_the_soak(talk: ScoredTalk, name: str) -> None:
    assert name in names(grown(0.0), talk)


def test_short_sessions_that_fail_fail_the_soak() -> None:
    assert names(grown(0.0), failures=1) == ["of them failed"]


def test_a_sample_in_a_line() -> None:
    text = line(sample(75.0, tasks=22))
    assert text.startswith("  1:15  server 200.0 MiB, 22 tasks, 10 threads, 25 files")
