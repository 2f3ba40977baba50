"""What simultaneous interpretation is judged by: lag, erasure, violations. Pure arithmetic.

Law of this file: no clock, no socket, no audio beyond a loudness curve. Times are milliseconds on
one clock whose zero is the start of microphone pacing, so a media time of the source is also the
moment at which it could first have been heard.

Sources: normalised erasure as in https://arxiv.org/abs/2004.03643; the playback model as usual
for speech output: a piece starts when it arrives or when the one before it ends. Lags as the
literature defines them are in ``interpret.text_lag``.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Callable, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

CLAUSE_MARKS = ",.;:!?…"
CLAUSE_WORDS = 8
Split = Callable[[str], list[str]]
"""Cuts a text into its units: words, or characters where no spaces are written."""


class Shown(msgspec.Struct, frozen=True):
    """What a client showed of one text from this moment on: certain ``text``, then ``stash``."""

    at_ms: float
    text: str
    stash: str = ""

    @property
    def display(self) -> str:
        """Everything on the screen."""
        return self.text + self.stash


# ---------------------------------------------------------------- calm
def erased_words(displays: Sequence[str], split: Split = str.split) -> int:
    """How many words were taken back or changed, from each display to the next."""
    erased = 0
    for before, after in itertools.pairwise(split(display) for display in displays):
        same = 0
        while same < min(len(before), len(after)) and before[same] == after[same]:
            same += 1
        erased += len(before) - same
    return erased


def violations(texts: Sequence[str]) -> int:
    """How often certain text was not extended but changed; has to be 0."""
    return sum(not after.startswith(before) for before, after in itertools.pairwise(texts))


# ---------------------------------------------------------------- lag of text
def bare(word: str) -> str:
    """A word as it is compared: a mark behind it does not make it another word."""
    return word.strip(CLAUSE_MARKS + "¿¡\"'»«").casefold()


def arrivals(shown: Sequence[Shown], split: Split = str.split) -> list[float]:
    """For each word of the last ``text``: when it reached its final form there."""
    if not shown:
        return []
    final = [bare(word) for word in split(shown[-1].text)]
    times = [shown[-1].at_ms] * len(final)
    agreed = len(final)
    for step in reversed(shown):
        words = [bare(word) for word in split(step.text)]
        same = 0
        while same < min(agreed, len(words)) and words[same] == final[same]:
            same += 1
        agreed = same
        times[:agreed] = [step.at_ms] * agreed
    return times


# ---------------------------------------------------------------- where in the source
class Timeline:
    """Which moment of the speech a share of its text belongs to.

    Without word times the best guess is that text is spoken evenly over the *sounding* parts, so
    the curve counts those. ``loudness`` is one value (RMS, linear) for each ``step_ms``.
    """

    def __init__(self, loudness: Sequence[float], step_ms: float = 20.0) -> None:
        self.step_ms = step_ms
        top = float(np.percentile(loudness, 95)) if len(loudness) else 0.0
        sounding = [value > max(top * _SILENCE, 1e-4) for value in loudness]
        self._heard = list(itertools.accumulate(sounding, initial=0))

    @classmethod
    def of(cls, samples: npt.NDArray[np.int16], rate_hz: int) -> Timeline:
        """From s16 samples."""
        step = rate_hz // 50
        count = len(samples) // step
        frames = samples[: count * step].reshape(count, step).astype(np.float64) / 32768.0
        return cls(np.sqrt((frames**2).mean(axis=1)).tolist() if count else [])

    @property
    def first_ms(self) -> float:
        """Where the first sound begins."""
        return max(0, bisect.bisect_left(self._heard, 1) - 1) * self.step_ms

    @property
    def last_ms(self) -> float:
        """Where the last sound ends."""
        return bisect.bisect_left(self._heard, self._heard[-1]) * self.step_ms

    def at(self, share: float, start_ms: float, end_ms: float) -> float:
        """The time at which ``share`` (0..1) of what sounds between two moments has sounded."""
        first, last = (
            min(max(round(moment / self.step_ms), 0), len(self._heard) - 1)
            for moment in (start_ms, end_ms)
        )
        low, high = self._heard[first], self._heard[last]
        if high == low:
            return start_ms + share * (end_ms - start_ms)
        index = bisect.bisect_left(self._heard, low + share * (high - low) - 1e-9, first, last)
        return min(max(index * self.step_ms, start_ms), end_ms)


_SILENCE = 0.05  # of the loud parts: 26 dB below


def first_clause(text: str) -> float:
    """The share (0..1) of a text that its first clause is: up to a mark, or the eighth word."""
    words = text.split()
    for count, word in enumerate(words, 1):
        if word[-1] in CLAUSE_MARKS or count == CLAUSE_WORDS:
            return len(" ".join(words[:count])) / len(" ".join(words))
    return 1.0


# ---------------------------------------------------------------- speech
class Heard(msgspec.Struct, frozen=True):
    """A piece of translated speech as it is played."""

    start_ms: float
    length_ms: float


def played(pieces: Sequence[tuple[float, float]]) -> list[Heard]:
    """(arrival, length) of each piece to when it is heard."""
    heard: list[Heard] = []
    end_ms = 0.0
    for arrival_ms, length_ms in pieces:
        start_ms = max(arrival_ms, end_ms)
        heard.append(Heard(start_ms, length_ms))
        end_ms = start_ms + length_ms
    return heard


def heard_at(pieces: Sequence[Heard], position_ms: float) -> float:
    """When the sound at this position of a speech begins to be heard."""
    for piece in pieces:
        if position_ms < piece.length_ms:
            return piece.start_ms + position_ms
        position_ms -= piece.length_ms
    return pieces[-1].start_ms + pieces[-1].length_ms


def units(texts: Sequence[str]) -> list[tuple[float, float]]:
    """The pieces by which a text grew, as shares (begin, end) of the final text.

    Growth without a letter or digit (a mark) belongs to the piece before it.
    """
    whole = len(texts[-1]) if texts else 0
    found: list[tuple[float, float]] = []
    before = ""
    for text in texts:
        if len(text) <= len(before):
            continue
        if any(char.isalnum() for char in text[len(before) :]):
            found.append((len(before) / whole, len(text) / whole))
        elif found:
            found[-1] = (found[-1][0], len(text) / whole)
        before = text
    return found
