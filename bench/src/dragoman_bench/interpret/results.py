"""The result of ``dragoman bench interpret``: a JSON file with everything a comparison needs.

Law of this file: the file's layout, reading and writing it. Every figure of the table can be
computed again from the items in it, and every item from its log and script.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from dragoman import __version__
from dragoman_bench.figures import BenchFailed, Figure
from dragoman_bench.harness.processes import Machine
from dragoman_bench.interpret.score import Item


class Run(msgspec.Struct, kw_only=True):
    """Sessions that ran side by side, and their figures."""

    name: str
    sessions: int
    items: list[Item]
    figures: list[Figure]
    cores: float | None = None
    """CPU of the server's processes, in cores; None for a server elsewhere."""
    notes: list[str] = []


class Results(msgspec.Struct, kw_only=True):
    """One call of the command. ``wish`` is what was asked of the server. Times of day are UTC."""

    version: str = __version__
    began: str
    machine: Machine | None = None
    wish: dict[str, str] = {}
    runs: list[Run]


def write(results: Results, folder: Path) -> Path:
    """Write the file; returns its path. Raises ``OSError``."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "interpret.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n")
    return path


def read(path: Path) -> Results:
    """Read one back. Raises ``BenchFailed`` for what is none, ``OSError``."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Results)
    except msgspec.DecodeError as error:
        raise BenchFailed(f"{path} is no result of `dragoman bench interpret`: {error}") from None


def items_of(results: Results) -> list[Item]:
    """The items to compare by: those of the run with the fewest sessions."""
    return min(results.runs, key=lambda run: run.sessions).items
