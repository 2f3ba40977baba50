"""Talks with the statistics of natural speech, and listeners to their interpretation.

``python -m tests.policy.translation.talks`` prints the table of ``docs/interpretation.md``.
Sentences have about 14 words (log-normal, at most 45), clauses about 6; speakers pause longer
between sentences. ``load`` is how long the translated speech lasts at the voice's own pace,
measured in the time the speaker takes: 1.1 is a German translation of unhurried English, 1.4 the
same of a hurried speaker.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import msgspec

from dragoman.policy.speaking.catch_up import CatchUp, ListenerBuffer
from dragoman.server.observability.lag_stats import LagStats
from dragoman.speech import InterpretationOptions

COMMIT_S = 1.2
"""From the end of a clause until its translation is committed, on average."""
SYNTHESIS_S = 0.08
PAUSE_S = 0.12


class Clause(msgspec.Struct, frozen=True):
    """When it was said and committed, how long its translation lasts, its place in the sentence."""

    end_s: float
    commit_s: float
    length_s: float
    begins: bool


def talk(load: float, seed: int, minutes: float = 30.0) -> list[Clause]:
    """The clauses of one talk."""
    rng = random.Random(seed)
    said: list[tuple[float, int, bool]] = []  # end, words, begins
    now_s = 0.0
    while now_s < minutes * 60:
        left = max(3, min(45, round(rng.lognormvariate(math.log(14), 0.55))))
        words_s = 2.6 * rng.lognormvariate(0, 0.12)
        begins = True
        while left > 0:
            words = min(left, max(2, min(12, round(rng.lognormvariate(math.log(6), 0.4)))))
            words = left if left - words < 2 else words
            left -= words
            now_s += words / (words_s * rng.lognormvariate(0, 0.08))
            said.append((now_s, words, begins))
            begins = False
            now_s += rng.uniform(0.05, 0.35) if left else rng.uniform(0.3, 1.0)
    lengths = [words * rng.lognormvariate(0, 0.25) for _, words, _ in said]
    unit_s = load * now_s / sum(lengths)
    return [
        Clause(end, end + COMMIT_S + rng.uniform(-0.3, 0.5), length * unit_s, begins)
        for (end, _, begins), length in zip(said, lengths, strict=True)
    ]


class Outcome(msgspec.Struct):
    """The interpretation of a talk as its listener gets it."""

    lags: LagStats
    skipped: float = 0.0
    """Share of the speech that was left out."""
    broken_off: int = 0
    """Sentences of which the end was left out."""
    most_s: float = 0.0


def play(clauses: Sequence[Clause], options: InterpretationOptions) -> Outcome:
    """Speak the clauses with a fast voice; lags count from the ends of the clauses."""
    catch_up, playback, outcome = CatchUp(), ListenerBuffer(), Outcome(LagStats())
    lost_s, spoke = 0.0, False
    for clause in clauses:
        style = catch_up.style(
            max(playback.ends_s - clause.commit_s, 0.0),
            options,
            begins=clause.begins,
            playing_s=playback.longest_s(clause.commit_s),
            idle=playback.ends_s <= clause.commit_s,
        )
        if style is None:
            lost_s += clause.length_s
            outcome.broken_off += spoke and not clause.begins
            spoke = False
            continue
        spoke = True
        arrival_s = clause.commit_s + SYNTHESIS_S
        lag_s = playback.begin(arrival_s) - clause.end_s
        playback.add(clause.length_s / style.rate + PAUSE_S * style.pause, arrival_s)
        outcome.lags.add(lag_s, clause.end_s)
        outcome.most_s = max(outcome.most_s, lag_s)
    outcome.skipped = lost_s / sum(clause.length_s for clause in clauses)
    return outcome


LOADS = (0.9, 1.0, 1.1, 1.25, 1.4)
OPTIONS = {
    "1.0": InterpretationOptions(top_rate=1.0, skip_after_s=0.0),
    "1.15": InterpretationOptions(top_rate=1.15, skip_after_s=0.0),
    "1.3": InterpretationOptions(top_rate=1.3, skip_after_s=0.0),
    "1.3, skips after 10 s": InterpretationOptions(skip_after_s=10.0),
    "1.3, skips after 6 s (default)": InterpretationOptions(),
    "1.3, skips after 4 s": InterpretationOptions(skip_after_s=4.0),
    "1.5, skips after 6 s": InterpretationOptions(top_rate=1.5),
}
_ENDLESS_S = 59.0  # beyond the largest lag that ``LagStats`` resolves


def row(name: str, seeds: int = 3) -> str:
    """A row of the table: median and 95th percentile of the lag in seconds, and what is skipped;
    means of some talks of half an hour. Where speech falls behind for good, by how much a minute.
    """
    cells = [name]
    for load in LOADS:
        outcomes = [play(talk(load, seed), OPTIONS[name]) for seed in range(seeds)]
        median_s, p95_s, drift, skipped = (
            sum(values) / seeds
            for values in (
                [outcome.lags.quantile(0.5) for outcome in outcomes],
                [outcome.lags.quantile(0.95) for outcome in outcomes],
                [outcome.lags.drift for outcome in outcomes],
                [outcome.skipped for outcome in outcomes],
            )
        )
        lag = f"{median_s:.1f} / {p95_s:.1f}" if p95_s < _ENDLESS_S else f"+{drift:.0f} s/min"
        cells.append(f"{lag}, {skipped:.1%}" if skipped else lag)
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    print(f"| top rate | {' | '.join(f'load {load:g}' for load in LOADS)} |")
    print(f"|---|{'---|' * len(LOADS)}")
    for title in OPTIONS:
        print(row(title))
