"""The top of a picture: the speaker's clauses, and where the voice says them.

Scope: presentation. Each clause is linked to the stretch of the translated voice that
says it; the line from its end to the beginning of that stretch is its lag.
"""

from __future__ import annotations

import itertools
from typing import Any

from dragoman_bench.interpret.log import playback
from dragoman_bench.interpret.plot_range import BLUE, GREEN, INK, ORANGE, PURPLE, RED, PlotRange
from dragoman_bench.interpret.script import LOUDNESS_MS
from dragoman_bench.interpret.speech_lag import ClauseLag

_Pair = tuple[float, float]
_LINKS = (BLUE, ORANGE, GREEN, PURPLE)
_SPEAKER, _VOICE = (2.0, 2.6), (0.0, 0.6)
_PLAYED = (-0.16, 0.12)
_LETTERS = 185
"""Letters of the small type that fit across the picture."""


def draw_timeline(axis: Any, shown: PlotRange) -> None:
    """Draw loudness, speaker and voice on this axis."""
    _loudness(axis, shown, 3.15)
    for piece in playback(shown.log.turns):
        span = (piece.play_ms / 1000, piece.length_ms / 1000)
        axis.broken_barh([span], _PLAYED, color=INK, linewidth=0)
    for clause, colour in zip(shown.item.clauses, itertools.cycle(_LINKS), strict=False):
        _link(axis, shown, clause, colour)
    for gap in shown.item.gaps:
        span = (gap.start_ms / 1000, gap.length_ms / 1000)
        axis.broken_barh([span], _PLAYED, facecolor="w", edgecolor=RED, hatch="////", linewidth=1)
    axis.text(
        1.0, 1.0, "numbers: end of a clause → its translation is heard    black: speech as played"
        "    hatched: silence with text pending",
        ha="right", va="top", fontsize=8, color="#555555", transform=axis.transAxes,
    )  # fmt: skip
    axis.set_ylim(-0.3, 4.0)
    axis.set_yticks([3.15, 2.3, 0.3], ["loudness", "speaker", "voice"])
    axis.tick_params(axis="y", length=0)


def _link(axis: Any, shown: PlotRange, clause: ClauseLag, colour: str) -> None:
    start, end = clause.start_ms / 1000, clause.end_ms / 1000
    heard, heard_end = clause.play_ms / 1000, clause.play_end_ms / 1000
    _box(axis, shown, (start, end), _SPEAKER, text=clause.text, colour=colour)
    _box(axis, shown, (heard, heard_end), _VOICE, text=clause.target_text, colour=colour)
    top, bottom = _SPEAKER[0], _VOICE[1]
    axis.fill(
        [start, end, heard_end, heard], [top, top, bottom, bottom],
        color=colour, alpha=0.16, linewidth=0,
    )  # fmt: skip
    axis.plot([end, heard], [top, bottom], color=colour, linewidth=1.6)
    between = (end + heard) / 2
    if shown.start_s < between < shown.end_s and heard_end - heard > shown.seconds / 60:
        axis.text(
            between, 1.3, f"{clause.lag_ms / 1000:.1f} s", ha="center", va="center",
            fontsize=9, color=INK, bbox={"boxstyle": "round,pad=0.15", "fc": "w", "ec": colour},
        )  # fmt: skip


def _loudness(axis: Any, shown: PlotRange, at: float) -> None:
    if shown.script is None or not shown.script.loudness:
        return
    curve = shown.script.loudness
    top = max(curve) or 1.0
    times = [index * LOUDNESS_MS / 1000 for index in range(len(curve))]
    half = [0.5 * (value / top) ** 0.6 for value in curve]
    axis.fill_between(
        times, [at - h for h in half], [at + h for h in half], color="#8899AA", linewidth=0
    )


def _box(axis: Any, shown: PlotRange, times: _Pair, lane: _Pair, *, text: str, colour: str) -> None:
    low, high = lane
    start, end = times
    axis.broken_barh(
        [(start, end - start)], (low, high - low), facecolor=colour, alpha=0.3, edgecolor=colour
    )
    seen = max(start, shown.start_s), min(end, shown.end_s)
    room = int((seen[1] - seen[0]) / shown.seconds * _LETTERS)
    lines = wrapped(text, room)
    if lines:
        axis.text(
            sum(seen) / 2,
            (low + high) / 2,
            lines,
            ha="center",
            va="center",
            fontsize=8.5,
            color=INK,
        )


def wrapped(text: str, room: int, most: int = 3) -> str:
    """The text in at most three lines of ``room`` letters, cut with an ellipsis; "" for no room."""
    if room < 4:
        return ""
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > room:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    if len(lines) > most:
        lines = [*lines[: most - 1], lines[most - 1] + " …"]
    return "\n".join(line if len(line) <= room else line[: room - 1] + "…" for line in lines)
