"""The result of ``dragoman bench interpret``: a JSON file with everything a comparison needs.

Scope: the file's layout, and reading it. Every figure of the table can be computed again from the
items in it, and every item from its log and script.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from dragoman_bench.figures import BenchFailed, Figure
from dragoman_bench.interpret.score import Item
from dragoman_bench.report import Results

Pair = tuple[str, str]
"""Source and target language; two empty ones for logs of which nothing is known."""


class Run(msgspec.Struct, kw_only=True):
    """Sessions that ran at the same time, and their figures."""

    name: str
    sessions: int
    items: list[Item]
    figures: list[Figure]
    cores: float | None = None
    """CPU of the server's processes, in cores; None for a server elsewhere."""
    notes: list[str] = []


class InterpretResults(Results, kw_only=True):
    """One call of the command. ``request`` is what was asked of the server."""

    request: dict[str, str] = msgspec.field(default_factory=dict)
    runs: list[Run]
    failures: dict[str, str] = msgspec.field(default_factory=dict)
    """Directions that could not be measured, and why."""


def read(path: Path) -> InterpretResults:
    """Read one back. Raises ``BenchFailed`` for what is none, ``OSError``."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=InterpretResults)
    except msgspec.DecodeError as error:
        raise BenchFailed(f"{path} is no result of `dragoman bench interpret`: {error}") from None


def items_of(results: InterpretResults) -> dict[Pair, list[Item]]:
    """The items to compare by, for each direction: those of its run with the fewest sessions."""
    found: dict[Pair, list[Item]] = {}
    for run in sorted(results.runs, key=lambda run: run.sessions):
        made: dict[Pair, list[Item]] = {}
        for item in run.items:
            made.setdefault((item.language, item.target), []).append(item)
        found = made | found
    return found
