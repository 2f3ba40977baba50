"""From what one live session received to its figures.

Law of this file: pure. It sorts typed events into turns and applies ``dragoman_bench.measures``;
what was said when comes from the recording itself, never from the server, except where a turn
begins and ends.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from dragoman.client.events import (
    Event,
    Other,
    SourceSpeechStarted,
    SourceSpeechStopped,
    SourceText,
    SpeechAudio,
    TranslatedText,
)
from dragoman_bench.interpret.text_lag import laal
from dragoman_bench.measures import (
    Heard,
    Shown,
    Timeline,
    arrivals,
    erased_words,
    first_clause,
    heard_at,
    played,
    units,
    violations,
)

OUT_BYTES_PER_MS = 48
Row = tuple[float, Event]
"""Time of arrival in ms, and what arrived."""


class Turn(msgspec.Struct):
    """One turn as it was received."""

    start_ms: float
    end_ms: float | None = None
    source: list[Shown] = []
    target: list[Shown] = []
    speech: list[int] = []
    """Which of the session's pieces of speech belong to this turn."""


class Verdict(msgspec.Struct, kw_only=True):
    """The figures of one session, in ms unless said otherwise; lags come with source time."""

    first_text_ms: float | None = None
    first_translation_ms: float | None = None
    first_voice_ms: float | None = None
    voice_after_clause_ms: float | None = None
    voice_end_ms: float | None = None
    laal_ms: list[float] = []
    text_lags: list[tuple[float, float]] = []
    voice_lags: list[tuple[float, float]] = []
    erased: int = 0
    shown_words: int = 0
    source_erased: int = 0
    source_words: int = 0
    violations: int = 0
    source_text: str = ""
    target_text: str = ""


class Sorted(msgspec.Struct):
    """A session's rows, sorted."""

    turns: list[Turn]
    pieces: list[tuple[float, float]]
    """Arrival and length of each piece of speech, in order."""


def sort_rows(rows: Sequence[Row]) -> Sorted:
    """Turns in the order in which speech started; a response belongs to the oldest turn that
    has text and no response yet (that is when servers open one).
    """
    by_item: dict[str, Turn] = {}
    by_response: dict[str, Turn] = {}
    waiting: list[Turn] = []
    pieces: list[tuple[float, float]] = []
    for at_ms, event in rows:
        match event:
            case SourceSpeechStarted():
                turn = by_item[event.item_id] = Turn(float(event.audio_start_ms))
                waiting.append(turn)
            case SourceSpeechStopped() if event.item_id in by_item:
                by_item[event.item_id].end_ms = float(event.audio_end_ms)
            case SourceText() if event.item_id in by_item:
                by_item[event.item_id].source.append(Shown(at_ms, event.text, event.stash))
            case Other(type="response.created", raw=raw) if waiting:
                heard = next((turn for turn in waiting if turn.source), waiting[0])
                waiting.remove(heard)
                by_response[str(raw.get("response", {}).get("id"))] = heard
            case TranslatedText() if event.response_id in by_response:
                shown = Shown(at_ms, event.text, event.stash)
                by_response[event.response_id].target.append(shown)
            case SpeechAudio() if event.data and event.response_id in by_response:
                by_response[event.response_id].speech.append(len(pieces))
                pieces.append((at_ms, len(event.data) / OUT_BYTES_PER_MS))
    return Sorted(list(by_item.values()), pieces)


def judge(rows: Sequence[Row], timeline: Timeline) -> Verdict:
    """All figures of a session whose recording has this timeline."""
    sorted_rows = sort_rows(rows)
    heard = played(sorted_rows.pieces)
    verdict = Verdict()
    for turn in sorted_rows.turns:
        _judge_text(verdict, turn, timeline)
        _judge_voice(verdict, turn, timeline, heard)
    _judge_firsts(verdict, sorted_rows, timeline, heard)
    return verdict


def _end_of(turn: Turn, timeline: Timeline) -> float:
    return timeline.last_ms if turn.end_ms is None else turn.end_ms


def _judge_text(verdict: Verdict, turn: Turn, timeline: Timeline) -> None:
    for shown in (turn.source, turn.target):
        verdict.violations += violations([step.text for step in shown])
    verdict.erased += erased_words([step.display for step in turn.target])
    verdict.source_erased += erased_words([step.display for step in turn.source])
    source = turn.source[-1].text if turn.source else ""
    target = turn.target[-1].text if turn.target else ""
    verdict.source_words += len(source.split())
    verdict.shown_words += len(target.split())
    verdict.source_text = f"{verdict.source_text} {source}".strip()
    verdict.target_text = f"{verdict.target_text} {target}".strip()
    end_ms = _end_of(turn, timeline)
    times = arrivals(turn.target)
    lagging = laal([at - turn.start_ms for at in times], end_ms - turn.start_ms, len(times))
    if lagging is not None:
        verdict.laal_ms.append(lagging)
    spoken = 0
    for word, at_ms in zip(target.split(), times, strict=True):
        spoken += len(word) + 1
        moment = timeline.at(min(1.0, spoken / (len(target) + 1)), turn.start_ms, end_ms)
        verdict.text_lags.append((moment, at_ms - moment))


def _judge_voice(verdict: Verdict, turn: Turn, timeline: Timeline, heard: Sequence[Heard]) -> None:
    mine = [heard[index] for index in turn.speech]
    if not mine:
        return
    whole_ms = sum(piece.length_ms for piece in mine)
    end_ms = _end_of(turn, timeline)
    for begin, end in units([step.text for step in turn.target]):
        said_ms = timeline.at(end, turn.start_ms, end_ms)
        verdict.voice_lags.append((said_ms, heard_at(mine, begin * whole_ms) - said_ms))


def _judge_firsts(
    verdict: Verdict, found: Sorted, timeline: Timeline, heard: Sequence[Heard]
) -> None:
    begin = timeline.first_ms
    sources = [step.at_ms for turn in found.turns for step in turn.source if step.display]
    targets = [step.at_ms for turn in found.turns for step in turn.target if step.display]
    verdict.first_text_ms = min(sources) - begin if sources else None
    verdict.first_translation_ms = min(targets) - begin if targets else None
    if not heard:
        return
    verdict.first_voice_ms = heard[0].start_ms - begin
    verdict.voice_end_ms = heard[-1].start_ms + heard[-1].length_ms - timeline.last_ms
    spoken = next((turn for turn in found.turns if turn.speech), None)
    if spoken is not None and spoken.source:
        share = first_clause(spoken.source[-1].text)
        clause_ms = timeline.at(share, spoken.start_ms, _end_of(spoken, timeline))
        verdict.voice_after_clause_ms = heard[spoken.speech[0]].start_ms - clause_ms
