"""Which moment of the source a part of a turn belongs to.

Law of this file: pure; times come from the script where there is one, and only else from where
the server says that a turn began and ended.

How it works. What was recognised, turn by turn, is aligned with the words that were really said
(longest common runs, marks and case ignored); words in between are spread evenly. So every share
of a turn's recognised text has a time. The share of a translation is taken to be the share of its
source, by characters: good to a few words within a turn, and exact at both ends.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Sequence
from difflib import SequenceMatcher

from dragoman_bench.interpret.log import Turn
from dragoman_bench.interpret.script import Script, spoken_words, units
from dragoman_bench.interpret.shown_text import bare

Curve = list[tuple[float, float]]
"""(share of the turn's text, end in ms of what was said by then), rising in both."""


class SourceAlignment:
    """Where the turns of a session lie in the source."""

    def __init__(self, turns: Sequence[Turn], script: Script | None) -> None:
        self._curves = _aligned(turns, script) if script else [_even(turn) for turn in turns]

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


def _even(turn: Turn) -> Curve:
    end = turn.end_ms
    if end is None:
        shown = [*turn.source, *turn.target]
        end = max([turn.start_ms, *(step.at_ms for step in shown)])
    return [(0.0, turn.start_ms), (1.0, max(end, turn.start_ms + 1.0))]


def _aligned(turns: Sequence[Turn], script: Script) -> list[Curve]:
    said = spoken_words(script)
    heard = [units(turn.source_text, script.language) for turn in turns]
    every = [bare(word) for words in heard for word in words]
    blocks = SequenceMatcher(None, every, [bare(w.text) for w in said], autojunk=False)
    known: list[int | None] = [None] * len(every)
    for block in blocks.get_matching_blocks():
        for offset in range(block.size):
            known[block.a + offset] = block.b + offset
    curves, first = [], 0
    for turn, words in zip(turns, heard, strict=True):
        mine = known[first : first + len(words)]
        first += len(words)
        points = []
        length = sum(map(len, words)) or 1
        for end, place in zip(itertools.accumulate(map(len, words)), mine, strict=True):
            if place is not None:
                points.append((end / length, said[place].end_ms))
        start = next((said[place].start_ms for place in mine if place is not None), None)
        curves.append(_curve(points, start, turn))
    return curves


def _curve(points: Curve, start_ms: float | None, turn: Turn) -> Curve:
    if start_ms is None or len(points) < 2:
        return _even(turn)
    # Words before the first and behind the last that was found are taken to be as long as others.
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
