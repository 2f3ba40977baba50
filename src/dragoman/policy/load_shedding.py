"""What is left out when there is more to do than the engines can, in which order and from when on.

Scope: pure numbers and their hysteresis. ``runtime.capacity`` measures how busy the engines are and
asks here. The order, from the first to the last means:

1. draft translations come seldom, then not at all: they are shown for a moment only;
2. decodes come at longer steps: words appear later, and all of them appear;
3. new sessions are refused at the handshake;
4. turns of the speakers who came last are refused: those who spoke first keep their quality.

Load also makes steps longer by itself (``runtime.cascade.recognition.decode_schedule``); the levels
here reckon with all stages together, because they share the cores.
"""

from __future__ import annotations

import msgspec

MOST_BUSY = 0.85
"""New speakers are admitted up to this share of what the engines can do: above it waiting times
grow fast.
"""
FULLY_BUSY = 1.0
"""A session that is connected already may begin to speak up to here."""
MOST_LAG_S = 4.0
"""If an admitted speaker is heard later than this, turns of the newest ones are refused."""
GRACE_S = 3.0
"""A session that has just connected counts as a speaker for so long."""
SILENT_AFTER_S = 5.0
"""A session without work for so long does not count as a speaker."""
SETTLE_S = 2.0
"""How long the load needs to follow a refusal."""
REFUSED_SHARE = 0.25
"""How many speakers are refused at once if lag grows although the figures say that all fit."""

UNITS_PER_SPEECH_S = {"asr": 0.8, "mt": 0.5}
"""Calls for a second of speech when everything is shed: a decode for every longest step and one for
every pause; a translation for every clause unit. What is counted by audio has one second for it.
"""


class Shedding(msgspec.Struct, frozen=True):
    """What one level means: drafts not more often than ``draft_every_s`` (infinity: none), decode
    steps not shorter than ``step_ms``.
    """

    level: int
    busy_from: float
    draft_every_s: float
    step_ms: int


LEVELS = (
    Shedding(0, 0.0, 0.0, 0),
    Shedding(1, 0.5, 1.0, 0),
    Shedding(2, 0.65, float("inf"), 640),
    Shedding(3, 0.8, float("inf"), 1500),
)
_HYSTERESIS = 0.1


def level_for(busy: float, lag_s: float, now: int) -> int:
    """The level for a load (1: all that the engines can do) and the worst lag of a speaker. ``now``
    is the level so far, which ends a little below where it began.
    """
    if lag_s > MOST_LAG_S / 2:
        return len(LEVELS) - 1
    above = [one.level for one in LEVELS if busy >= one.busy_from]
    kept = [one.level for one in LEVELS if busy >= one.busy_from - _HYSTERESIS]
    return max(above[-1], min(kept[-1], now))
