"""Reads the tables of `docs/errors.md`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

PAGE = Path(__file__).resolve().parents[2] / "docs" / "errors.md"


class Row(NamedTuple):
    """One row of the page, without its prose."""

    case: str
    kind: str
    code: str
    message: str
    param: str
    fate: str


def rows() -> list[Row]:
    """All rows of all tables of sessions."""
    found = []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 7 and cells[0] not in ("case", "---"):
            name, _, *rest = cells
            found.append(Row(name, *(cell.strip("`") for cell in rest)))
    return found
