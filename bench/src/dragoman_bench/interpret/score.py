"""All measures of one session, from its log and its script.

Law of this file: it puts together what the other files measure, and computes nothing of its own
but differences of times. No clock, no network; scoring a log twice gives the same.

Times count from the first word of the script. Without a script they count from where the server
says that speech began, and what needs a transcript or a reference is missing.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import msgspec

from dragoman_bench.interpret import text_lag
from dragoman_bench.interpret.calm import Calm, calm
from dragoman_bench.interpret.log import Log, Turn
from dragoman_bench.interpret.script import Script, first_clause_end_ms, joined, units
from dragoman_bench.interpret.shown_text import Split, arrivals
from dragoman_bench.interpret.source_alignment import SourceAlignment
from dragoman_bench.interpret.speech_lag import ClauseLag, Gap, clause_lags, drift, gaps, skipped
from dragoman_bench.text_metrics import terms_found


class Lags(msgspec.Struct, frozen=True, kw_only=True):
    """The lags of one recording's text, in ms; see ``text_lag``."""

    al: float | None
    laal: float | None
    dal: float | None
    ap: float | None
    yaal: float | None
    atd: float | None
    early: int
    """How many units were there before the speech was over."""


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """Terms of the glossary: in the transcript, and in what was recognised."""

    said: int = 0
    said_of: int = 0
    heard: int = 0
    heard_of: int = 0


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
    heard: str
    said: str
    offline_heard: str | None = None
    offline_said: str | None = None
    arrived_ms: list[float]
    """For each unit of the translation: when it was there for good, on the log's clock."""
    sent_ms: list[float]
    """The same in speech that had been sent by then."""
    ca: Lags | None = None
    cu: Lags | None = None
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
    calm_source: Calm
    calm_target: Calm
    terms: Terms = Terms()
    finish_ms: float | None = None
    """From the last speech sent to ``session.finished``."""
    problems: list[str] = []
    late_ms: float | None = None
    """By how much the worst chunk left late, the load's own fault; None for a saved log."""


def score(name: str, log: Log, script: Script | None) -> Item:
    """Measure a session. ``script`` is None for a log of which nothing else is known."""
    language, target = (script.language, script.target) if script else ("", "")
    turns = [turn for turn in log.turns if turn.source or turn.target]
    start, end = _speech(log, turns, script)
    arrived = [at for turn in turns for at in arrivals(turn.target, _split(target))]
    sent = [log.sent_by(at) for at in arrived]
    places = SourceAlignment(turns, script)
    spoken = Log(turns=turns, sent=log.sent)
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
        heard=joined([turn.source_text for turn in turns], language),
        said=joined([turn.target_text for turn in turns], target),
        arrived_ms=arrived,
        sent_ms=sent,
        text_lag_ms=_text_lags(turns, places, target),
        clauses=clause_lags(spoken, places, script, language),
        gaps=gaps(spoken, _split(target)),
        skipped=skipped(turns),
        calm_source=calm([turn.source for turn in turns], language),
        calm_target=calm([turn.target for turn in turns], target),
        problems=log.problems,
    )
    item.drift_s_per_min = drift(item.clauses)
    _firsts(item, spoken, start, end, script)
    if item.recordings == 1:
        item.ca = _lags([at - start for at in arrived], item)
        item.cu = _lags([at - start for at in sent], item)
    if log.finished_ms is not None and log.sent:
        item.finish_ms = log.finished_ms - log.sent[-1][0]
    if script is not None:
        _from_script(item, script)
    return item


def _split(language: str) -> Split:
    return lambda text: units(text, language)


def _speech(log: Log, turns: Sequence[Turn], script: Script | None) -> tuple[float, float]:
    if script is not None:
        return script.speech_start_ms, script.speech_end_ms
    start = min((turn.start_ms for turn in turns), default=0.0)
    ends = [turn.end_ms for turn in turns if turn.end_ms is not None]
    end = max(ends) if ends else (log.sent[-1][1] if log.sent else start)
    return start, max(end, start + 1.0)


def _lags(delays: Sequence[float], item: Item) -> Lags:
    x, r = item.source_ms, item.reference_units
    rising = list(itertools.accumulate(delays, max))
    return Lags(
        al=text_lag.al(delays, x, r),
        laal=text_lag.laal(delays, x, r),
        dal=text_lag.dal(delays, x),
        ap=text_lag.ap(delays, x, r),
        yaal=text_lag.yaal(delays, x, r),
        atd=text_lag.atd(rising),
        early=text_lag.early(delays, x),
    )


def _text_lags(turns: Sequence[Turn], places: SourceAlignment, target: str) -> list[float]:
    found = []
    for index, turn in enumerate(turns):
        words = units(turn.target_text, target)
        whole, before = sum(map(len, words)), 0
        for word, at in zip(words, arrivals(turn.target, _split(target)), strict=True):
            before += len(word)
            found.append(at - places.at(index, before / whole))
    return found


def _firsts(item: Item, log: Log, start: float, end: float, script: Script | None) -> None:
    sources = [step.at_ms for turn in log.turns for step in turn.source if step.display]
    targets = [step.at_ms for turn in log.turns for step in turn.target if step.display]
    pieces = log.pieces
    item.first_text_ms = min(sources) - start if sources else None
    item.first_translation_ms = min(targets) - start if targets else None
    if not pieces:
        return
    item.first_voice_ms = pieces[0].heard_ms - start
    item.end_offset_ms = max(piece.end_ms for piece in pieces) - end
    item.end_delivery_ms = max(piece.arrived_ms for piece in pieces) - end
    if item.recordings == 1:
        rising = list(itertools.accumulate((piece.arrived_ms - start for piece in pieces), max))
        item.voice_atd_ms = text_lag.atd(rising, [piece.length_ms for piece in pieces])
    if script is not None:
        item.voice_after_clause_ms = pieces[0].heard_ms - first_clause_end_ms(script)
    elif item.clauses:
        item.voice_after_clause_ms = item.clauses[0].lag_ms


def _from_script(item: Item, script: Script) -> None:
    heard = [segment.offline_source for segment in script.segments]
    said = [segment.offline_target for segment in script.segments]
    if None not in said and None not in heard:
        item.offline_heard = joined([text or "" for text in heard], script.language)
        item.offline_said = joined([text or "" for text in said], script.target)
    said_terms = terms_found(script.transcript, item.said, script.terms)
    heard_terms = terms_found(item.heard, item.said, script.terms)
    item.terms = Terms(
        said=said_terms[0], said_of=said_terms[1], heard=heard_terms[0], heard_of=heard_terms[1]
    )
