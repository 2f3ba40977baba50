"""One picture of one session: who said what when, and how far behind the voice is.

Scope: presentation; draws what ``score`` measured. matplotlib is imported here only.

From top to bottom, on one time axis:
* the speaker's clauses over the loudness of the recording, each linked to the stretch of the
  translated voice that says it: the slant of a link is the lag;
* how much of the text was there: said by the speaker, committed as source, committed as
  translation, spoken. The horizontal distance between curves is the lag;
* the lag of voice and text. A long stream also gets all of its lag on one line, and above that
  the 40 seconds in which the voice was latest.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dragoman_bench.figures import median, quantile
from dragoman_bench.interpret.log import Log, playback
from dragoman_bench.interpret.plot_range import BLUE, FAINT, GREEN, INK, ORANGE, RED, PlotRange
from dragoman_bench.interpret.score import Item
from dragoman_bench.interpret.script import Script, spoken_words
from dragoman_bench.interpret.timeline_plot import draw_timeline

WINDOW_S = 40.0
_SIZE, _DPI = (16.0, 9.0), 100
_AIM_S, _WORST_S = 2.5, 4.0


def draw(path: Path, log: Log, item: Item, script: Script | None) -> None:
    """Draw a session as PNG, 1600 by 900.

    Raises ``OSError``.
    """
    plots = pyplot()
    shown = _range(log, item, script)
    whole = shown.seconds >= _end_s(log, script) - 0.1
    heights = [3.4, 3.0, 1.6] if whole else [3.4, 3.0, 1.4, 0.9]
    figure, axes = plots.subplots(
        len(heights), 1, figsize=_SIZE, dpi=_DPI, height_ratios=heights, layout="constrained"
    )
    figure.suptitle(_title(item), fontsize=13, fontweight="bold", color=INK)
    draw_timeline(axes[0], shown)
    _texts(axes[1], shown)
    _lag(axes[2], shown)
    for axis in axes[:3]:
        axis.set_xlim(shown.start_s, shown.end_s)
        axis.grid(visible=True, axis="x", color="#EEEEEE")
        axis.set_axisbelow(True)
    for axis in axes[:2]:
        axis.tick_params(labelbottom=False)
    if not whole:
        _overview(axes[3], shown)
    axes[-1].set_xlabel("seconds since the microphone was opened")
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=_DPI)
    plots.close(figure)


def pyplot() -> Any:
    """The plotting package, without a screen."""
    import matplotlib as mpl  # noqa: PLC0415  # slow to import

    mpl.use("Agg")
    import matplotlib.pyplot as plt  # noqa: PLC0415  # must come after the choice of the backend

    return plt


# ---------------------------------------------------------------- range
def _end_s(log: Log, script: Script | None) -> float:
    ends = [piece.end_ms for piece in playback(log.turns)]
    ends += [step.at_ms for turn in log.turns for step in turn.target[-1:]]
    return max([*ends, script.length_ms if script else 0.0, 1000.0]) / 1000


def _range(log: Log, item: Item, script: Script | None) -> PlotRange:
    end = _end_s(log, script)
    if end <= WINDOW_S * 1.5 or not item.clauses:
        return PlotRange(log, item, script, 0.0, end)
    worst = max(item.clauses, key=lambda clause: clause.lag_ms)
    start = min(max(0.0, worst.end_ms / 1000 - WINDOW_S * 0.45), end - WINDOW_S)
    return PlotRange(log, item, script, start, start + WINDOW_S)


def _title(item: Item) -> str:
    lags = [clause.lag_ms for clause in item.clauses]
    parts = [
        f"{item.id}  {item.language or '?'} → {item.target or '?'}",
        f"first voice {_s(item.voice_after_clause_ms)} after the first clause",
        f"voice lag {_s(median(lags))} median, {_s(quantile(lags, 0.95))} p95",
        f"text lag {_s(item.ca.laal if item.ca else median(item.text_lag_ms))}"
        + (" (LAAL)" if item.ca else ""),
        f"flicker {item.target_stability.flicker or 0.0:.2f}",
    ]
    if item.skipped:
        parts.append(f"skipped {100 * item.skipped:.0f} %")
    return "   ·   ".join(parts)


def _s(value_ms: float | None) -> str:
    return "–" if value_ms is None else f"{value_ms / 1000:.1f} s"


# ---------------------------------------------------------------- texts
def _texts(axis: Any, shown: PlotRange) -> None:
    said = _said_curve(shown)
    source = _commits([turn.source for turn in shown.log.turns])
    target = _commits([turn.target for turn in shown.log.turns])
    spoken = _spoken_curve(shown.log)
    for points, name, colour, style in (
        (_until(said, shown.end_s), "said by the speaker", INK, "-"),
        (_until(source, shown.end_s), "recognised and certain", BLUE, "-"),
        (_until(target, shown.end_s), "translated and certain", ORANGE, "-"),
        (spoken, "translated voice heard", GREEN, "--"),
    ):
        if points:
            is_text = colour in {BLUE, ORANGE}
            axis.plot(
                [at for at, _ in points], [100 * share for _, share in points], style,
                drawstyle="steps-post" if is_text else "default",
                color=colour, linewidth=2.2, label=name,
            )  # fmt: skip
    axis.set_ylabel("% of the text")
    shares = [
        100 * share
        for points in (said, source, target, spoken)
        for at, share in points
        if shown.start_s <= at <= shown.end_s
    ]
    if shares:
        axis.set_ylim(min(shares) - 3, max(shares) + 5)
    axis.legend(loc="upper left", frameon=False, fontsize=10)


def _said_curve(shown: PlotRange) -> list[tuple[float, float]]:
    if shown.script is None:
        return []
    words = spoken_words(shown.script)
    points = [(0.0, 0.0)]
    for count, word in enumerate(words, 1):
        points += [(word.start_ms / 1000, (count - 1) / len(words))]
        points += [(word.end_ms / 1000, count / len(words))]
    return points


def _commits(texts: Sequence[Sequence[Any]]) -> list[tuple[float, float]]:
    """(seconds, share of all letters committed) over all turns."""
    whole = sum(len(shown[-1].text) for shown in texts if shown)
    steps = sorted(
        (step.at_ms / 1000, number, len(step.text))
        for number, shown in enumerate(texts)
        for step in shown
    )
    now = dict.fromkeys(range(len(texts)), 0)
    points = [(0.0, 0.0)]
    for at, number, letters in steps:
        now[number] = letters
        points.append((at, sum(now.values()) / max(whole, 1)))
    return points


def _spoken_curve(log: Log) -> list[tuple[float, float]]:
    """(seconds, share of the translation heard): each turn's text spread over its speech."""
    whole = max(1, sum(len(turn.target_text) for turn in log.turns))
    points, before = [(0.0, 0.0)], 0
    for turn in log.turns:
        letters, length = len(turn.target_text), sum(piece.length_ms for piece in turn.speech)
        spoken_ms = 0.0
        for piece in turn.speech:
            points.append((piece.play_ms / 1000, (before + letters * spoken_ms / length) / whole))
            spoken_ms += piece.length_ms
            points.append((piece.end_ms / 1000, (before + letters * spoken_ms / length) / whole))
        before += letters
    return points if len(points) > 1 else []


def _until(points: list[tuple[float, float]], end_s: float) -> list[tuple[float, float]]:
    return [*points, (max(end_s, points[-1][0]), points[-1][1])] if points else []


# ---------------------------------------------------------------- lag
def _lag(axis: Any, shown: PlotRange) -> None:
    times = [clause.end_ms / 1000 for clause in shown.item.clauses]
    lags = [clause.lag_ms / 1000 for clause in shown.item.clauses]
    arrived = [at / 1000 for at in shown.item.arrived_ms]
    text = [lag / 1000 for lag in shown.item.text_lag_ms]
    axis.plot(times, lags, "-o", color=GREEN, linewidth=2, markersize=6, label="voice, by clause")
    said = [at - lag for at, lag in zip(arrived, text, strict=True)]
    axis.plot(said, text, ".", color=ORANGE, markersize=5, label="text, by word")
    for height, name in ((_AIM_S, "aim of the median"), (_WORST_S, "aim of p95")):
        axis.axhline(height, color=RED, linewidth=1, linestyle=":")
        axis.text(shown.end_s, height, f"{name} ", ha="right", va="bottom", fontsize=8, color=RED)
    axis.set_ylabel("lag, s")
    points = [*zip(times, lags, strict=True), *zip(said, text, strict=True)]
    seen = [lag for at, lag in points if shown.start_s <= at <= shown.end_s]
    axis.set_ylim(min([0.0, *seen]) - 0.3, max([_WORST_S + 0.8, *seen]) + 0.6)
    axis.legend(loc="upper left", frameon=True, edgecolor="w", fontsize=9, ncols=2)


def _overview(axis: Any, shown: PlotRange) -> None:
    times = [clause.end_ms / 60_000 for clause in shown.item.clauses]
    lags = [clause.lag_ms / 1000 for clause in shown.item.clauses]
    axis.plot(times, lags, color=GREEN, linewidth=1.2)
    axis.axhline(statistics.median(lags), color=INK, linewidth=0.8, linestyle="--")
    axis.axvspan(shown.start_s / 60, shown.end_s / 60, color=FAINT, alpha=0.5, linewidth=0)
    axis.set_xlim(0, _end_s(shown.log, shown.script) / 60)
    axis.set_ylabel("voice lag, s")
    slope = shown.item.drift_s_per_min
    note = "" if slope is None else f"drift {slope:+.2f} s per minute"
    axis.set_title(f"the whole stream, in minutes   {note}", fontsize=9, loc="left")
