"""The figures over all sessions of a run, for the table and for comparisons.

Scope: sums. Medians and percentiles are over recordings, clauses or words, as each line says; error
rates, chrF and BLEU over all texts together. Aims are those of docs/benchmarks.md, for one session
of the embedded engines from English to Spanish; they are shown with every run, so that the cost of
a load or a language is visible.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from dragoman_bench import text_metrics
from dragoman_bench.figures import Figure, Row, mean, median, percent, quantile, ratio
from dragoman_bench.interpret import text_lag
from dragoman_bench.interpret.score import Item, TextLags
from dragoman_bench.interpret.script import by_character
from dragoman_bench.interpret.shown_text import combined
from dragoman_bench.interpret.speech_lag import LONGEST_GAP_MS

_AT_LEAST = frozenset({"retention (chrF live / offline)", "recall of terms that were heard"})


def figures(
    part: str,
    items: Sequence[Item],
    *,
    speed: float = 1.0,
    long: Mapping[str, float] | None = None,
) -> list[Figure]:
    """All figures of one run. ``long``: the scores of OmniSTEval."""
    rows = [
        ("sessions judged", float(len(items)), "", None),
        *_firsts(items),
        *_text(items),
        *_long(long or {}),
        *_voice(items, speed),
        *_stability(items),
        *quality(items),
        *_rest(items),
    ]
    return [
        Figure(part=part, name=name, value=value, unit=unit, aim=aim, at_least=name in _AT_LEAST)
        for name, value, unit, aim in rows
    ]


def _firsts(items: Sequence[Item]) -> list[Row]:
    text = median([item.first_text_ms for item in items])
    translation = median([item.first_translation_ms for item in items])
    voice = median([item.first_voice_ms for item in items])
    after_clause = [item.voice_after_clause_ms for item in items]
    return [
        ("first text, median", text, "ms", None),
        ("first translated text, median", translation, "ms", None),
        ("first voice (StartOffset), median", voice, "ms", None),
        ("first voice after first clause, median", median(after_clause), "ms", 1500.0),
        ("first voice after first clause, p95", quantile(after_clause, 0.95), "ms", 2500.0),
    ]


# ---------------------------------------------------------------- text
def _text(items: Sequence[Item]) -> list[Row]:
    lags = [lag for item in items for lag in item.text_lag_ms]
    rows: list[Row] = [
        ("text lag, median of words", median(lags), "ms", None),
        ("text lag, p95 of words", quantile(lags, 0.95), "ms", None),
    ]
    single = [item for item in items if item.ca is not None and item.cu is not None]
    if not single:
        return rows
    return [*rows, *_lag_rows(single, "CA", 2000.0), *_lag_rows(single, "CU", None)]


def _lag_rows(items: Sequence[Item], kind: str, aim: float | None) -> list[Row]:
    known: list[tuple[Item, TextLags]] = [
        (item, lags) for item in items if (lags := item.ca if kind == "CA" else item.cu) is not None
    ]

    def over(pick: Callable[[TextLags], float | None]) -> float | None:
        return mean([pick(lags) for _, lags in known])

    words = sum(len(item.arrived_ms) for item, _ in known)
    early = ratio(float(sum(lags.early for _, lags in known)), float(words))
    expected = text_lag.efsw([(lags.yaal, item.source_ms) for item, lags in known])
    undefined = float(sum(lags.yaal is None for _, lags in known))
    return [
        (f"LAAL ({kind})", over(lambda lags: lags.laal), "ms", aim),
        (f"AL ({kind})", over(lambda lags: lags.al), "ms", None),
        (f"DAL ({kind})", over(lambda lags: lags.dal), "ms", None),
        (f"AP ({kind})", over(lambda lags: lags.ap), "", None),
        (f"YAAL ({kind})", over(lambda lags: lags.yaal), "ms", None),
        (f"YAAL undefined ({kind})", undefined, "recordings", None),
        (f"words before the end, SWF ({kind})", percent(early), "%", None),
        (f"words to expect before the end, EFSW ({kind})", percent(expected), "%", None),
        (f"ATD of text ({kind})", over(lambda lags: lags.atd), "ms", None),
    ]


def _long(scores: Mapping[str, float]) -> list[Row]:
    return [
        (f"OmniSTEval: {name}", value, "ms" if "AL (" in name else "", _LONG_AIMS.get(name))
        for name, value in scores.items()
    ]


_LONG_AIMS = {"LongYAAL (CA)": 2000.0}


# ---------------------------------------------------------------- speech
def _voice(items: Sequence[Item], speed: float) -> list[Row]:
    lags = [clause.lag_ms for item in items for clause in item.clauses]
    gaps = [gap for item in items for gap in item.gaps]
    spoken = [item for item in items if item.skipped is not None]
    letters = sum(len(item.target_text) for item in spoken)
    lost = sum((item.skipped or 0.0) * len(item.target_text) for item in spoken)
    ends = median([item.end_offset_ms for item in items])
    arrives = median([item.end_delivery_ms for item in items])
    worst = 4000.0 if speed <= 1.0 else 7000.0
    return [
        ("voice lag, median of clauses", median(lags), "ms", 2500.0),
        ("voice lag, p95 of clauses", quantile(lags, 0.95), "ms", worst),
        ("voice lag, drift", _drift(items), "s/min", 0.2),
        ("ATD of voice", mean([item.voice_atd_ms for item in items]), "ms", None),
        ("voice ends after speech (EndOffset), median", ends, "ms", None),
        ("voice arrives after speech, median", arrives, "ms", None),
        (f"gaps over {LONGEST_GAP_MS:.0f} ms with text pending", float(len(gaps)), "", None),
        ("gaps, together", sum(gap.length_ms for gap in gaps) / 1000, "s", None),
        ("speech skipped, at least", percent(ratio(lost, float(letters))), "%", 1.0),
    ]


def _drift(items: Sequence[Item]) -> float | None:
    """Mean slope; within a single short recording a slope says nothing."""
    return mean([item.drift_s_per_min for item in items if item.recordings > 1])


# ---------------------------------------------------------------- stability and quality
def _stability(items: Sequence[Item]) -> list[Row]:
    source = combined([item.source_stability for item in items])
    target = combined([item.target_stability for item in items])
    seconds = sum(item.source_ms for item in items) / 1000
    return [
        ("flicker of the translation (erasure)", target.flicker, "", 0.3),
        ("flicker of the source (erasure)", source.flicker, "", None),
        ("words erased, translation", target.erased / seconds if seconds else None, "1/s", None),
        ("words erased, source", source.erased / seconds if seconds else None, "1/s", None),
        ("commit violations", float(source.violations + target.violations), "times", 0.0),
    ]


def quality(items: Sequence[Item]) -> list[Row]:
    """Lines about the texts: (name, value, unit, aim)."""
    known_source = [item for item in items if item.transcript is not None]
    if not known_source:
        return []
    language, target = known_source[0].language, known_source[0].target
    known = [item for item in items if item.reference is not None]
    said, references = [i.target_text for i in known], [i.reference or "" for i in known]
    heard = [(i.transcript or "", i.source_text) for i in known_source]
    rows: list[Row] = [
        (_error(language), _wer(heard, language), "%", None),
        ("chrF", _chrf(list(zip(said, references, strict=True))), "", None),
        ("BLEU", text_metrics.bleu(said, references, target) if known else None, "", None),
    ]
    off = [item for item in items if item.offline_target is not None]
    return [*rows, *(_offline(off) if off else []), *_terms(known_source)]


def _offline(items: Sequence[Item]) -> list[Row]:
    """Beside the same engines offline; retention where there is a human translation, too."""
    language = items[0].language
    both = [item for item in items if item.reference is not None]
    live = _chrf([(item.target_text, item.reference or "") for item in both])
    offline = _chrf([(item.offline_target or "", item.reference or "") for item in both])
    heard = [(item.transcript or "", item.offline_source or "") for item in items]
    said = [(item.target_text, item.offline_target or "") for item in items]
    return [
        (f"{_error(language)} offline", _wer(heard, language), "%", None),
        ("chrF offline", offline, "", None),
        ("retention (chrF live / offline)", percent(ratio(live, offline)), "%", 97.0),
        ("chrF live against offline", _chrf(said), "", None),
    ]


def _error(language: str) -> str:
    return "CER" if by_character(language) else "WER"


def _wer(pairs: Sequence[tuple[str, str]], language: str) -> float:
    said, got = [a for a, _ in pairs], [b for _, b in pairs]
    return 100 * text_metrics.error_rate(said, got, characters=by_character(language))


def _chrf(pairs: Sequence[tuple[str, str]]) -> float | None:
    return text_metrics.chrf([a for a, _ in pairs], [b for _, b in pairs]) if pairs else None


def _terms(items: Sequence[Item]) -> list[Row]:
    found, wanted = _sums([item.transcript_terms for item in items])
    recognised, of = _sums([item.recognised_terms for item in items])
    if not wanted and not of:
        return []
    return [
        ("recall of terms", percent(ratio(found, wanted)), "%", None),
        ("recall of terms that were heard", percent(ratio(recognised, of)), "%", 100.0),
    ]


def _sums(pairs: Sequence[tuple[int, int]]) -> tuple[float, float]:
    return float(sum(a for a, _ in pairs)), float(sum(b for _, b in pairs))


def _rest(items: Sequence[Item]) -> list[Row]:
    finish = [item.finish_ms for item in items if item.finish_ms is not None]
    late = [item.late_ms for item in items if item.late_ms is not None]
    return [
        ("all said after last audio, worst", max(finish, default=None), "ms", None),
        ("errors from the server", float(sum(len(item.problems) for item in items)), "", 0.0),
        ("load late, worst", max(late, default=None), "ms", None),
    ]
