"""What a picture shows, and in which colours.

Law of this file: values only. Colours are those of Okabe and Ito, which people with any colour
vision can tell apart; what colour says, shape or place says, too.
"""

from __future__ import annotations

import msgspec

from dragoman_bench.interpret.log import Log
from dragoman_bench.interpret.score import Item
from dragoman_bench.interpret.script import Script

BLUE, ORANGE, GREEN, RED, PURPLE = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7"
INK, FAINT = "#222222", "#BBBBBB"


class PlotWindow(msgspec.Struct, frozen=True):
    """Everything a picture shows; ``start_s`` and ``end_s`` are what is in sight."""

    log: Log
    item: Item
    script: Script | None
    start_s: float
    end_s: float

    @property
    def seconds(self) -> float:
        """How much is in sight."""
        return self.end_s - self.start_s
