"""One picture of several runs: figures by the number of concurrent sessions.

Scope: presentation of figures that ``totals`` made.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dragoman_bench.interpret.plot import pyplot
from dragoman_bench.interpret.plot_range import BLUE, GREEN, INK, ORANGE, RED
from dragoman_bench.interpret.results import Run

_LINES = {
    "lag, s": (
        ("voice lag, p95 of clauses", GREEN, "--", "s"),
        ("voice lag, median of clauses", GREEN, "-", "o"),
        ("text lag, median of words", ORANGE, "-", "^"),
        ("first voice after first clause, p95", BLUE, "--", "D"),
        ("first voice after first clause, median", BLUE, "-", "v"),
    ),
    "": (
        ("flicker of the translation (erasure)", RED, "-", "o"),
        ("CPU per session", INK, "-", "s"),
    ),
}


def draw_curve(path: Path, runs: Sequence[Run]) -> None:
    """Draw figures over the number of sessions, 1600 by 900.

    Raises ``OSError``.
    """
    plots = pyplot()
    figure, axes = plots.subplots(1, 2, figsize=(16.0, 9.0), dpi=100, layout="constrained")
    for axis, (title, lines) in zip(axes, _LINES.items(), strict=True):
        for name, colour, style, mark in lines:
            _line(axis, runs, (name, colour, style, mark))
        axis.set_ylabel(title)
        axis.set_xlabel("sessions side by side")
        axis.set_xticks([run.sessions for run in runs])
        axis.set_ylim(0, axis.get_ylim()[1] * 1.3)  # room for the legend
        axis.grid(visible=True, color="#EEEEEE")
        axis.spines[["top", "right"]].set_visible(False)
        axis.legend(loc="upper left", frameon=False, fontsize=11)
    figure.suptitle("Interpretation by load", fontsize=14, fontweight="bold")
    figure.savefig(path, dpi=100)
    plots.close(figure)


def _line(axis: Any, runs: Sequence[Run], line: tuple[str, str, str, str]) -> None:
    name, colour, style, mark = line
    points: list[tuple[int, float]] = []
    unit = ""
    for run in runs:
        for figure in run.figures:
            if figure.name == name and figure.value is not None:
                unit = figure.unit
                value = figure.value / 1000 if unit == "ms" else figure.value
                points.append((run.sessions, value))
    if points:
        label = f"{name}, {unit}" if unit not in {"", "ms"} else name
        axis.plot(*zip(*points, strict=True), style, marker=mark, color=colour, label=label)
