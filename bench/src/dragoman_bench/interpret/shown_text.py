"""Text on a client's screen over time: when words became final, and how much was taken back.

Scope: pure arithmetic over snapshots. Units are words, or characters where the language is written
without spaces. Normalised erasure (https://arxiv.org/abs/2004.03643) is the sum over all displays
of the units that the next display does not share as a prefix, by the units in the end; a display
is ``text`` and ``stash`` together. 0.2 means one word in five.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import msgspec

Split = Callable[[str], list[str]]
"""Cuts a text into its units."""
_MARKS = ",.;:!?…¿¡\"'»«"


class Shown(msgspec.Struct, frozen=True):
    """What a client showed of one text from this moment on: final ``text``, then ``stash``."""

    at_ms: float
    text: str
    stash: str = ""

    @property
    def display(self) -> str:
        """Everything on the screen."""
        return self.text + self.stash


class DisplayStability(msgspec.Struct, frozen=True, kw_only=True):
    """Sums over the source texts, or the translations, of one session."""

    erased: int
    shown: int
    violations: int
    """How often final text was not extended but changed."""

    @property
    def flicker(self) -> float | None:
        """Normalised erasure; None where nothing was shown."""
        return self.erased / self.shown if self.shown else None


def combined(parts: Sequence[DisplayStability]) -> DisplayStability:
    """The sums over several sessions."""
    return DisplayStability(
        erased=sum(part.erased for part in parts),
        shown=sum(part.shown for part in parts),
        violations=sum(part.violations for part in parts),
    )


def stability(texts: Sequence[Sequence[Shown]], split: Split) -> DisplayStability:
    """How these texts (one for each turn) grew."""
    return DisplayStability(
        erased=sum(erased_words([step.display for step in shown], split) for shown in texts),
        shown=sum(len(split(shown[-1].text)) for shown in texts if shown),
        violations=sum(violations([step.text for step in shown]) for shown in texts),
    )


def erased_words(displays: Sequence[str], split: Split = str.split) -> int:
    """How many words were taken back or changed, from each display to the next."""
    return sum(
        len(before) - _common_prefix(before, after)
        for before, after in itertools.pairwise(split(display) for display in displays)
    )


def violations(texts: Sequence[str]) -> int:
    """How often final text was not extended but changed; has to be 0."""
    return sum(not after.startswith(before) for before, after in itertools.pairwise(texts))


def bare(word: str) -> str:
    """A word as it is compared: without marks around it and case."""
    return word.strip(_MARKS).casefold()


def arrivals(shown: Sequence[Shown], split: Split = str.split) -> list[float]:
    """For each word of the last ``text``: when it reached its final form there."""
    if not shown:
        return []
    final = [bare(word) for word in split(shown[-1].text)]
    times = [shown[-1].at_ms] * len(final)
    agreed = len(final)
    for step in reversed(shown):
        words = [bare(word) for word in split(step.text)]
        agreed = _common_prefix(words, final[:agreed])
        times[:agreed] = [step.at_ms] * agreed
    return times


def _common_prefix(one: Sequence[str], other: Sequence[str]) -> int:
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))
