"""Several directions in one table, a row for each run.

Scope: presentation of figures that ``totals`` made; the whole of them is in the result file. With
few recordings a figure says what is possible, not what to expect: the row says so.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from dragoman_bench.interpret.results import Run

FEW = 10
"""With fewer recordings than this a row is indicative only."""
_COLUMNS: tuple[tuple[str, tuple[str, ...], float, int], ...] = (
    ("WER", ("WER", "CER"), 1, 1),
    ("chrF", ("chrF",), 1, 1),
    ("BLEU", ("BLEU",), 1, 1),
    ("kept", ("retention (chrF live / offline)",), 1, 0),
    ("voice", ("first voice after first clause, median",), 1000, 2),
    ("p95", ("first voice after first clause, p95",), 1000, 2),
    ("LAAL", ("LAAL (CA)",), 1000, 2),
    ("lag", ("voice lag, median of clauses",), 1000, 2),
    ("p95", ("voice lag, p95 of clauses",), 1000, 2),
    ("flick", ("flicker of the translation (erasure)",), 1, 2),
    ("said", ("all said after last audio, worst",), 1000, 2),
    ("cores", ("CPU per session",), 1, 2),
)
"""Heading, names of the figure, what it is divided by, and decimal places."""
LEGEND = (
    "WER: CER where words are not written apart; kept: chrF live by chrF offline; both in %. In s: "
    "voice: the first after the first clause; LAAL: of the text, computation-aware; lag: of the "
    "voice behind each clause; said: all of it, after the last audio, worst session. cores: CPU of "
    "the server per session."
)


def table(runs: Sequence[Run]) -> Table:
    """One row for each run."""
    made = Table(show_edge=False, pad_edge=False, header_style="bold")
    made.add_column("direction", no_wrap=True)
    for heading in ("n", *(heading for heading, *_ in _COLUMNS)):
        made.add_column(heading, justify="right", no_wrap=True)
    for run in runs:
        made.add_row(*_cells(run))
    return made


def legend(runs: Sequence[Run]) -> str:
    """What the columns mean, and the stars behind small numbers."""
    few = any(_count(run) < FEW for run in runs)
    return LEGEND + (f" *: fewer than {FEW} recordings, indicative only." if few else "")


def _cells(run: Run) -> list[str]:
    found = {figure.name: figure.value for figure in run.figures}
    cells = [run.name, f"{_count(run)}{'*' * (_count(run) < FEW)}"]
    for _, names, unit, places in _COLUMNS:
        value = next((found[name] for name in names if found.get(name) is not None), None)
        cells.append("-" if value is None else f"{value / unit:.{places}f}")
    return cells


def _count(run: Run) -> int:
    """How many recordings, however many sessions played them."""
    return len({item.id for item in run.items})
