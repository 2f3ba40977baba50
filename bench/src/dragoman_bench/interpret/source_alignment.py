"""When the source of a part of a turn was said.

Scope: pure; times come from the script, and only without one from where the server says that a
turn began and ended. Recognised text is aligned with the words that were really said (longest
common runs, without marks and case); words in between are spread evenly. So every share of a
turn's recognised text has a time. The share of a translation is taken to be the share of its
source, by characters: good to a few words within a turn, and exact at both ends.

A long talk repeats its recordings, and a passage could be aligned with the same one half an hour
earlier. So it is aligned in parts of two minutes or more, cut where a turn begins with a recording.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

import msgspec

from dragoman_bench.interpret.log import Turn
from dragoman_bench.interpret.script import Script, Span, spoken_words, units
from dragoman_bench.interpret.shown_text import arrivals, bare

PART_MS = 120_000.0
_NEAR_MS = 1_000.0

Curve = list[tuple[float, float]]
"""(share of the turn's text, end in ms of what was said by then), rising in both."""


class SourceAlignment:
    """Where the turns of a session lie in the source."""

    def __init__(self, turns: Sequence[Turn], script: Script | None) -> None:
        self._turns = turns
        self._curves: list[Curve] = []
        if script is None:
            self._curves = [_even(turn) for turn in turns]
        else:
            for part, spoken in parts(turns, script):
                self._curves += _aligned(part, spoken_words(spoken), script.language)

    def at(self, turn: int, share: float) -> float:
        """When ``share`` (0..1) of the text of this turn had been said, in ms."""
        curve = self._curves[turn]
        index = bisect.bisect_left(curve, (share, float("-inf")))
        if index == 0:
            return curve[0][1]
        if index == len(curve):
            return curve[-1][1]
        (low, low_ms), (high, high_ms) = curve[index - 1], curve[index]
        return low_ms + (high_ms - low_ms) * (share - low) / (high - low)

    def share(self, turn: int, at_ms: float) -> float:
        """How much (0..1) of the text of this turn had been said at that time."""
        curve = self._curves[turn]
        index = bisect.bisect_left([moment for _, moment in curve], at_ms)
        if index == 0:
            return 0.0
        if index == len(curve):
            return 1.0
        (low, low_ms), (high, high_ms) = curve[index - 1], curve[index]
        return low + (high - low) * (at_ms - low_ms) / (high_ms - low_ms)

    def span(self, turn: int) -> tuple[float, float]:
        """From when to when this turn is said, in ms."""
        return self._curves[turn][0][1], self._curves[turn][-1][1]

    def text_lags(self, target: str) -> list[float]:
        """For each unit of the translation: its arrival after its part of the source was said."""
        found = []
        for index, turn in enumerate(self._turns):
            words = units(turn.target_text, target)
            whole = sum(map(len, words))
            times = arrivals(turn.target, lambda text: units(text, target))
            for said, at in zip(itertools.accumulate(map(len, words)), times, strict=True):
                found.append(at - self.at(index, said / whole))
        return found


def parts(turns: Sequence[Turn], script: Script) -> Iterator[tuple[list[Turn], Script]]:
    """The turns in parts that begin with a recording, and what is said in each."""
    begins = [segment.speech_start_ms for segment in script.segments]
    cuts = [0] if turns else []
    for index, turn in enumerate(turns):
        is_late = turn.start_ms - turns[cuts[-1]].start_ms >= PART_MS
        if is_late and min(abs(turn.start_ms - begin) for begin in begins) <= _NEAR_MS:
            cuts.append(index)
    for number, (first, end) in enumerate(itertools.pairwise([*cuts, len(turns)])):
        low = turns[first].start_ms - _NEAR_MS if number else float("-inf")
        high = turns[end].start_ms - _NEAR_MS if end < len(turns) else float("inf")
        mine = [s for s in script.segments if low <= s.speech_start_ms < high]
        yield list(turns[first:end]), msgspec.structs.replace(script, segments=mine)


def _even(turn: Turn) -> Curve:
    end = turn.end_ms
    if end is None:
        shown = [*turn.source, *turn.target]
        end = max([turn.start_ms, *(step.at_ms for step in shown)])
    return [(0.0, turn.start_ms), (1.0, max(end, turn.start_ms + 1.0))]


def _aligned(turns: Sequence[Turn], said: Sequence[Span], language: str) -> list[Curve]:
    recognised = [units(turn.source_text, language) for turn in turns]
    every = [bare(word) for words in recognised for word in words]
    blocks = SequenceMatcher(None, every, [bare(w.text) for w in said], autojunk=False)
    known: list[Span | None] = [None] * len(every)
    for block in blocks.get_matching_blocks():
        known[block.a : block.a + block.size] = said[block.b : block.b + block.size]
    curves, first = [], 0
    for turn, words in zip(turns, recognised, strict=True):
        mine = known[first : first + len(words)]
        first += len(words)
        length = sum(map(len, words)) or 1
        ends = itertools.accumulate(map(len, words))
        points = [(e / length, span.end_ms) for e, span in zip(ends, mine, strict=True) if span]
        start = next((span.start_ms for span in mine if span is not None), None)
        curves.append(_curve(points, start, turn))
    return curves


def _curve(points: Curve, start_ms: float | None, turn: Turn) -> Curve:
    if start_ms is None or len(points) < 2:
        return _even(turn)
    # Unmatched words at both ends are taken to be as long as the others.
    (low, low_ms), (high, high_ms) = points[0], points[-1]
    pace_ms = (high_ms - start_ms) / high
    begin = max(0.0, min(start_ms, low_ms - low * pace_ms))
    end = high_ms + (1.0 - high) * pace_ms
    rising: Curve = [(0.0, begin)]
    for share, moment in [*points, (1.0, end)]:
        if share > rising[-1][0] and moment > rising[-1][1]:
            rising.append((share, moment))
    if rising[-1][0] < 1.0:
        rising[-1] = (1.0, rising[-1][1])
    return rising
