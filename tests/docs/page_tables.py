"""Tables of the event pages: their cells, and the kinds of evidence they name."""

from __future__ import annotations

import re

EVIDENCE = (
    "recorded 2026-10-04",
    "vendor's documentation",
    "SDK source",
    "measured with unmodified clients",
    "user's report",
    "our inference",
)


def cells_of(part: str) -> list[list[str]]:
    """The cells of the rows of a table, without its head."""
    lines = [line for line in part.splitlines() if line.startswith("|")]
    return [[c.strip() for c in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[2:]]
