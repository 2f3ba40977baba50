"""The range of a session that a picture shows, and its colours.

Scope: values only. Colours are those of Okabe and Ito, which people with any colour vision can tell
apart; nothing is said by colour alone.
"""

from __future__ import annotations

import msgspec

from dragoman_bench.interpret.log import Log
from dragoman_bench.interpret.score import Item
from dragoman_bench.interpret.script import Script

BLUE, ORANGE, GREEN, RED, PURPLE = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7"
INK, FAINT = "#222222", "#BBBBBB"


class PlotRange(msgspec.Struct, frozen=True):
    """A session, and the seconds of it that are shown."""

    log: Log
    item: Item
    script: Script | None
    start_s: float
    end_s: float

    @property
    def seconds(self) -> float:
        """How long the range is."""
        return self.end_s - self.start_s
