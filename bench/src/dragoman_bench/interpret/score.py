"""All measures of one session, from its log and its script.

Scope: puts together what the other files measure; of its own it computes only differences of times.
No clock, no network: scoring a log twice gives the same. Times count from the first word of the
script. Without a script they count from where the server says that speech began, and what needs a
transcript or a reference is missing.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import msgspec

from dragoman_bench import text_metrics
from dragoman_bench.interpret import text_lag
from dragoman_bench.interpret.log import Log, Turn, playback
from dragoman_bench.interpret.script import Script, first_clause_end_ms, joined, units
from dragoman_bench.interpret.shown_text import DisplayStability, arrivals, stability
from dragoman_bench.interpret.source_alignment import SourceAlignment
from dragoman_bench.interpret.speech_lag import ClauseLag, Gap, clause_lags, drift, gaps, skipped


class TextLags(msgspec.Struct, frozen=True, kw_only=True):
    """The lags of one recording's text, in ms; see ``text_lag``."""

    al: float | None
    laal: float | None
    dal: float | None
    ap: float | None
    yaal: float | None
    atd: float | None
    early: int
    """How many units were there before the speech was over."""


class Item(msgspec.Struct, kw_only=True):
    """One session; ms from the start of the speech unless said otherwise."""

    id: str
    language: str = ""
    target: str = ""
    recordings: int = 1
    """How many recordings the stream is made of; lags of text are for one only."""
    source_ms: float
    reference_units: int
    transcript: str | None = None
    reference: str | None = None
    source_text: str
    target_text: str
    offline_source: str | None = None
    offline_target: str | None = None
    arrived_ms: list[float]
    """For each unit of the translation: when it was there for good, on the log's clock."""
    sent_ms: list[float]
    """The same in speech that had been sent by then."""
    ca: TextLags | None = None
    cu: TextLags | None = None
    turn_laal_ms: list[float] = []
    """LAAL of each turn, in real time, from where the server says that it began and ended."""
    text_lag_ms: list[float] = []
    """For each unit: after the moment at which its part of the source had been said."""
    first_text_ms: float | None = None
    first_translation_ms: float | None = None
    first_voice_ms: float | None = None
    voice_after_clause_ms: float | None = None
    end_offset_ms: float | None = None
    end_delivery_ms: float | None = None
    voice_atd_ms: float | None = None
    clauses: list[ClauseLag] = []
    drift_s_per_min: float | None = None
    gaps: list[Gap] = []
    skipped: float | None = None
    source_stability: DisplayStability
    target_stability: DisplayStability
    transcript_terms: tuple[int, int] = (0, 0)
    recognised_terms: tuple[int, int] = (0, 0)
    """(found, wanted): of the terms in the transcript, or in what was recognised, how many have
    their translation.
    """
    finish_ms: float | None = None
    """From the last speech sent to ``session.finished``."""
    problems: list[str] = []
    late_ms: float | None = None
    """By how much the worst chunk left late, the load's own fault; None for a saved log."""


def score(name: str, log: Log, script: Script | None) -> Item:
    """Measure a session. ``script`` is None for a log of which nothing else is known."""
    language, target = (script.language, script.target) if script else ("", "")

    def split(text: str) -> list[str]:
        return units(text, target)

    turns = [turn for turn in log.turns if turn.source or turn.target]
    start, end = _speech(log, turns, script)
    arrived = [at for turn in turns for at in arrivals(turn.target, split)]
    alignment = SourceAlignment(turns, script)
    reference = script.reference if script else None
    item = Item(
        id=name,
        language=language,
        target=target,
        recordings=len(script.segments) if script else len(turns),
        source_ms=end - start,
        reference_units=len(units(reference, target)) if reference else len(arrived),
        transcript=script.transcript if script else None,
        reference=reference,
        source_text=joined([turn.source_text for turn in turns], language),
        target_text=joined([turn.target_text for turn in turns], target),
        arrived_ms=arrived,
        sent_ms=[log.sent_by(at) for at in arrived],
        turn_laal_ms=_turn_laal(turns, target),
        text_lag_ms=alignment.text_lags(target),
        clauses=clause_lags(turns, alignment, script, language),
        gaps=gaps(turns, split),
        skipped=skipped(turns),
        source_stability=stability(
            [turn.source for turn in turns], lambda text: units(text, language)
        ),
        target_stability=stability([turn.target for turn in turns], split),
        problems=log.problems,
    )
    item.drift_s_per_min = drift(item.clauses)
    _first_and_last(item, turns, start, end, script)
    if item.recordings == 1:
        item.ca = _lags([at - start for at in item.arrived_ms], item)
        item.cu = _lags([at - start for at in item.sent_ms], item)
    if log.finished_ms is not None and log.sent:
        item.finish_ms = log.finished_ms - log.sent[-1][0]
    if script is not None:
        _from_script(item, script)
    return item


def _turn_laal(turns: Sequence[Turn], target: str) -> list[float]:
    found = []
    for turn in turns:
        delays = [
            at - turn.start_ms for at in arrivals(turn.target, lambda text: units(text, target))
        ]
        source_ms = (turn.end_ms or turn.start_ms) - turn.start_ms
        if (lag := text_lag.laal(delays, source_ms, len(delays))) is not None:
            found.append(lag)
    return found


def _speech(log: Log, turns: Sequence[Turn], script: Script | None) -> tuple[float, float]:
    if script is not None:
        return script.speech_start_ms, script.speech_end_ms
    start = min((turn.start_ms for turn in turns), default=0.0)
    ends = [turn.end_ms for turn in turns if turn.end_ms is not None]
    end = max(ends) if ends else (log.sent[-1][1] if log.sent else start)
    return start, max(end, start + 1.0)


def _lags(delays: Sequence[float], item: Item) -> TextLags:
    x, r = item.source_ms, item.reference_units
    rising = list(itertools.accumulate(delays, max))
    return TextLags(
        al=text_lag.al(delays, x, r),
        laal=text_lag.laal(delays, x, r),
        dal=text_lag.dal(delays, x),
        ap=text_lag.ap(delays, x, r),
        yaal=text_lag.yaal(delays, x, r),
        atd=text_lag.atd(rising),
        early=text_lag.early(delays, x),
    )


def _first_and_last(
    item: Item, turns: Sequence[Turn], start: float, end: float, script: Script | None
) -> None:
    sources = [step.at_ms for turn in turns for step in turn.source if step.display]
    targets = [step.at_ms for turn in turns for step in turn.target if step.display]
    pieces = playback(turns)
    item.first_text_ms = min(sources) - start if sources else None
    item.first_translation_ms = min(targets) - start if targets else None
    if not pieces:
        return
    item.first_voice_ms = pieces[0].play_ms - start
    item.end_offset_ms = max(piece.end_ms for piece in pieces) - end
    item.end_delivery_ms = max(piece.arrived_ms for piece in pieces) - end
    if item.recordings == 1:
        rising = list(itertools.accumulate((piece.arrived_ms - start for piece in pieces), max))
        item.voice_atd_ms = text_lag.atd(rising, [piece.length_ms for piece in pieces])
    if script is not None:
        item.voice_after_clause_ms = pieces[0].play_ms - first_clause_end_ms(script)
    elif item.clauses:
        item.voice_after_clause_ms = item.clauses[0].lag_ms


def _from_script(item: Item, script: Script) -> None:
    offline = [(segment.offline_source, segment.offline_target) for segment in script.segments]
    if all(source is not None and target is not None for source, target in offline):
        item.offline_source = joined([source or "" for source, _ in offline], script.language)
        item.offline_target = joined([target or "" for _, target in offline], script.target)
    terms, target = script.terms, item.target_text
    item.transcript_terms = text_metrics.terms_found(script.transcript, target, terms)
    item.recognised_terms = text_metrics.terms_found(item.source_text, target, terms)
