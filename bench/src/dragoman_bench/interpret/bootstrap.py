"""Whether two runs differ: paired bootstrap over the recordings that both have.

Scope: pure. Recordings are drawn with replacement, 2,000 times, the same for both runs; every
measure is computed anew on each draw, as the table computes it
(https://aclanthology.org/W04-3250). The result is the difference B - A, the interval that holds
95 % of the drawn differences, and p: twice the share of them on the other side of zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import sacrebleu

from dragoman_bench.figures import BenchFailed, mean, median, quantile
from dragoman_bench.interpret.score import Item
from dragoman_bench.interpret.script import by_character
from dragoman_bench.text_metrics import error_rate, plain_words, tokenizer

DRAWS = 2000
_SEED = 4
FEW = 50
"""Below so many recordings a difference of less than ``TIE_CHRF`` is called a tie."""
TIE_CHRF = 2.0

Drawn = Sequence[int]
"""Which recordings a draw took, by their number; some of them more than once."""
Measure = Callable[[Drawn], float | None]


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One measure in both runs; ``low`` and ``high`` are the 95 % interval of B - A."""

    name: str
    unit: str
    a: float
    b: float
    low: float
    high: float
    p: float
    tie: bool = False
    """Too small to mean anything with so few recordings."""

    @property
    def by(self) -> float:
        """B - A."""
        return self.b - self.a

    @property
    def is_clear(self) -> bool:
        """Whether the interval does not hold zero."""
        return not self.tie and (self.low > 0 or self.high < 0)


def bootstrap(
    a: Measure, b: Measure, count: int, *, name: str, unit: str = "", draws: int = DRAWS
) -> Difference | None:
    """Compare one measure on ``count`` pairs; None where it is not defined."""
    every = range(count)
    whole_a, whole_b = a(every), b(every)
    if whole_a is None or whole_b is None:
        return None
    rng = np.random.default_rng(_SEED)
    found = []
    for _ in range(draws):
        drawn = rng.integers(0, count, count).tolist()
        one, other = a(drawn), b(drawn)
        if one is not None and other is not None:
            found.append(other - one)
    differences = np.array(found or [whole_b - whole_a])
    low, high = np.percentile(differences, [2.5, 97.5])
    above, below = float((differences >= 0).mean()), float((differences <= 0).mean())
    return Difference(
        name=name,
        unit=unit,
        a=whole_a,
        b=whole_b,
        low=float(low),
        high=float(high),
        p=min(1.0, 2 * min(above, below)),
        tie=name.startswith("chrF") and count < FEW and abs(whole_b - whole_a) < TIE_CHRF,
    )


def compare(a: Sequence[Item], b: Sequence[Item], draws: int = DRAWS) -> list[Difference]:
    """Everything that both runs have. Raises ``BenchFailed`` when they share fewer than two."""
    pairs = paired(a, b)
    if len(pairs) < 2:
        raise BenchFailed("the two results share fewer than two recordings: nothing to compare")
    ones, others = [one for one, _ in pairs], [other for _, other in pairs]
    measures = [
        (name, unit, _over(pick, total, ones), _over(pick, total, others))
        for name, unit, pick, total in _LAGS
    ]
    for name, metric in _metrics(ones[0]).items():
        measures.append((name, "", _corpus(metric, ones), _corpus(metric, others)))
    measures.append(("WER", "%", _wer(ones), _wer(others)))
    made = [
        bootstrap(one, other, len(pairs), name=name, unit=unit, draws=draws)
        for name, unit, one, other in measures
    ]
    return [difference for difference in made if difference is not None]


def paired(a: Sequence[Item], b: Sequence[Item]) -> list[tuple[Item, Item]]:
    """Sessions of the same recording in both runs, in order; repetitions pair with repetitions."""
    waiting: dict[str, list[Item]] = {}
    for item in b:
        waiting.setdefault(item.id, []).append(item)
    return [(item, waiting[item.id].pop(0)) for item in a if waiting.get(item.id)]


# ---------------------------------------------------------------- measures of a draw
_Pick = Callable[[Item], Sequence[float | None]]
_Total = Callable[[Sequence[float | None]], float | None]


def _over(pick: _Pick, total: _Total, items: Sequence[Item]) -> Measure:
    picked = [list(pick(item)) for item in items]
    return lambda drawn: total([value for index in drawn for value in picked[index]])


def _p95(values: Sequence[float | None]) -> float | None:
    return quantile(values, 0.95)


_LAGS: list[tuple[str, str, _Pick, _Total]] = [
    ("first voice after first clause, median", "ms", lambda i: [i.voice_after_clause_ms], median),
    ("first voice after first clause, p95", "ms", lambda i: [i.voice_after_clause_ms], _p95),
    ("LAAL (CA)", "ms", lambda i: [i.ca.laal if i.ca else None], mean),
    ("YAAL (CA)", "ms", lambda i: [i.ca.yaal if i.ca else None], mean),
    ("text lag, median of words", "ms", lambda i: i.text_lag_ms, median),
    ("voice lag, median of clauses", "ms", lambda i: [c.lag_ms for c in i.clauses], median),
    ("voice lag, p95 of clauses", "ms", lambda i: [c.lag_ms for c in i.clauses], _p95),
    ("flicker of the translation, mean", "", lambda i: [i.target_stability.flicker], mean),
    ("voice ends after speech, median", "ms", lambda i: [i.end_offset_ms], median),
]


def _metrics(item: Item) -> Mapping[str, Any]:
    return {"chrF": sacrebleu.CHRF(), "BLEU": sacrebleu.BLEU(tokenize=tokenizer(item.target))}


def _corpus(metric: Any, items: Sequence[Item]) -> Measure:
    references = [item.reference for item in items if item.reference is not None]
    if len(references) < len(items):
        return lambda _: None
    return corpus_measure(metric, [item.target_text for item in items], references)


def corpus_measure(metric: Any, said: Sequence[str], references: Sequence[str]) -> Measure:
    """A metric of sacrebleu over a draw, from each text's statistics (they add up)."""
    statistics = np.array(metric._extract_corpus_statistics(list(said), [list(references)]))

    def score(drawn: Drawn) -> float:
        return float(
            metric._compute_score_from_stats(statistics[list(drawn)].sum(0).tolist()).score
        )

    return score


def _wer(items: Sequence[Item]) -> Measure:
    if any(not item.transcript for item in items):
        return lambda _: None
    characters = by_character(items[0].language)
    plain = [plain_words(item.transcript or "") for item in items]
    lengths = [len("".join(text.split())) if characters else len(text.split()) for text in plain]
    rates = [
        error_rate([item.transcript or ""], [item.source_text], characters=characters)
        for item in items
    ]
    wrong = [rate * length for rate, length in zip(rates, lengths, strict=True)]
    return lambda drawn: 100 * sum(wrong[i] for i in drawn) / sum(lengths[i] for i in drawn)
