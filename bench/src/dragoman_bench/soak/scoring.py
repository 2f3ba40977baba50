"""A talk's log and script to lags, violations and words.

Law of this file: pure; it cuts the talk into parts and has ``dragoman_bench.interpret`` measure
them.

How it works. A long talk says the same recordings again and again. Words that were heard are laid
beside words that were said part by part, each of a few minutes, cut where a turn begins with a
recording: over the whole talk, a passage could be taken for the same one half an hour earlier.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from dragoman_bench.figures import BenchFailed
from dragoman_bench.interpret.calm import calm
from dragoman_bench.interpret.log import Log, Turn
from dragoman_bench.interpret.script import Script, joined, units
from dragoman_bench.interpret.shown_text import arrivals
from dragoman_bench.interpret.source_alignment import SourceAlignment
from dragoman_bench.interpret.speech_lag import ClauseLag, clause_lags, skipped
from dragoman_bench.soak.talk import Told
from dragoman_bench.soak.verdict import Spoken
from dragoman_bench.text_metrics import TextMetrics

PART_MS = 120_000.0
_NEAR_MS = 1_000.0


def scored(
    log: Log, script: Script, told: Told, offline: Sequence[str], judges: TextMetrics
) -> Spoken:
    """Measure a talk. ``offline`` is what the same engines hear in each recording without haste,
    in the order of the script.
    """
    turns = [turn for turn in log.turns if turn.source or turn.target]
    clauses: list[ClauseLag] = []
    text_lags: list[tuple[float, float]] = []
    for part, of_script in parts(turns, script):
        places = SourceAlignment(part, of_script)
        clauses += clause_lags(Log(turns=part, sent=[]), places, of_script, script.language)
        text_lags += _text_lags(part, places, script.target)
    heard = joined([turn.source_text for turn in turns], script.language)
    without_haste = joined(list(offline), script.language)
    return Spoken(
        told=told,
        clauses=clauses,
        text_lags=text_lags,
        violations=sum(
            calm([shown], script.language).violations
            for turn in turns
            for shown in (turn.source, turn.target)
        ),
        heard_words=len(units(heard, script.language)),
        offline_words=len(units(without_haste, script.language)),
        wer=judges.wer([script.transcript], [heard]),
        wer_offline=judges.wer([script.transcript], [without_haste]),
        skipped=skipped(turns),
    )


def parts(turns: Sequence[Turn], script: Script) -> Iterator[tuple[list[Turn], Script]]:
    """The talk in parts of two minutes or more. Raises ``BenchFailed`` for a talk of no turns."""
    if not turns:
        raise BenchFailed("nothing was heard in the talk")
    begins = [segment.speech_start_ms for segment in script.segments]
    cuts = [turns[0].start_ms]
    for turn in turns:
        is_late = turn.start_ms - cuts[-1] >= PART_MS
        if is_late and min(abs(turn.start_ms - begin) for begin in begins) <= _NEAR_MS:
            cuts.append(turn.start_ms)
    for index, begin in enumerate(cuts):
        end = cuts[index + 1] if index + 1 < len(cuts) else float("inf")
        mine = [turn for turn in turns if begin <= turn.start_ms < end]
        low = begin - _NEAR_MS if index else float("-inf")
        segments = [s for s in script.segments if low <= s.speech_start_ms < end - _NEAR_MS]
        if segments:
            yield mine, msgspec.structs.replace(script, segments=segments)


def _text_lags(
    turns: Sequence[Turn], places: SourceAlignment, target: str
) -> list[tuple[float, float]]:
    """For each word of the translation: when its part had been said, and how much later it came."""
    found = []
    for index, turn in enumerate(turns):
        words = units(turn.target_text, target)
        whole, before = sum(map(len, words)), 0
        times = arrivals(turn.target, lambda text: units(text, target))
        for word, at_ms in zip(words, times, strict=True):
            before += len(word)
            said_ms = places.at(index, before / whole)
            found.append((said_ms, at_ms - said_ms))
    return found
