"""How calm the screen is: what was shown and taken back.

Law of this file: arithmetic over what was shown, built on ``shown_text``. Units are
words, or characters where the language writes no spaces. Normalised erasure
(arxiv.org/abs/2004.03643) is the sum over all displays of the units that the next display does not
share as a prefix, by the units in the end; a display is ``text`` and ``stash`` together. 0.2 means
one word in five.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from dragoman_bench.interpret.script import units
from dragoman_bench.interpret.shown_text import Shown, erased_words, violations


class Calm(msgspec.Struct, frozen=True, kw_only=True):
    """Sums over one session: of the source text, or of the translation."""

    erased: int
    shown: int
    violations: int
    """How often certain text was not extended but changed."""

    @property
    def flicker(self) -> float | None:
        """Normalised erasure; None where nothing was shown."""
        return self.erased / self.shown if self.shown else None


def calm(texts: Sequence[Sequence[Shown]], language: str) -> Calm:
    """How calm these texts (one for each turn) grew."""

    def split(text: str) -> list[str]:
        return units(text, language)

    return Calm(
        erased=sum(erased_words([step.display for step in shown], split) for shown in texts),
        shown=sum(len(split(shown[-1].text)) for shown in texts if shown),
        violations=sum(violations([step.text for step in shown]) for shown in texts),
    )
