"""Whether there was enough speech for the words that a recogniser wrote: hallucination filter.

Scope: a judgement, pure. A recogniser made for speech answers everything with words: for a note of
a flute it writes "You", with high confidence. Its confidence cannot tell, so the words are checked
against the voice detector's view of the same audio:

* hardly any evidence of speech: no words are plausible;
* words that this recogniser is known to write for silence and noise (probed when it was loaded)
  need as much evidence as a plainly spoken word leaves, and not much more sound;
* words and speech must be in proportion: no sentence out of a click, and no single word out of many
  seconds of "speech", which is what music and machines look like.

Evidence is measured in milliseconds; each frame is weighted by how far its probability lies above
the threshold, so a frame just above it counts next to nothing and a certain one in full. The bounds
are far from what people do (five words a second; one in two seconds of pure speech), so that quiet
and noisy speech, of which a detector is less certain, passes.
"""

from __future__ import annotations

import bisect
from collections.abc import Collection, Sequence

from dragoman.speech import Word
from dragoman.text.words import fold

LEAST_MS = 50.0
"""Evidence below which nothing was said."""
PLAIN_MS = 450.0
"""Evidence that one plainly spoken word leaves."""
_LONGEST_MS = 1_000.0
_FASTEST_MS = 90.0
_SLACK_MS = 300.0
_SLOWEST_MS = 2_500.0
_LETTERS_PER_WORD = 6
_ROUNDING_MS = 0.5


class SpeechEvidence:
    """The detector's view of one window of audio. Times count from the window's begin."""

    def __init__(self, threshold: float = 0.5) -> None:
        self._threshold = min(threshold, 0.9)
        self._sums = [(0.0, 0.0, 0.0)]  # running: time, speech, weighted speech

    def feed(self, probability: float, duration_ms: float) -> None:
        """One more frame."""
        end_ms, voiced_ms, certain_ms = self._sums[-1]
        if probability >= self._threshold:
            voiced_ms += duration_ms
            certain_ms += duration_ms * (probability - self._threshold) / (1 - self._threshold)
        self._sums.append((end_ms + duration_ms, voiced_ms, certain_ms))

    def cut(self, at_ms: float) -> None:
        """The window from now on begins this much later."""
        first = self._at(at_ms)
        before = self._sums[first]
        self._sums = [
            (sums[0] - before[0], sums[1] - before[1], sums[2] - before[2])
            for sums in self._sums[first:]
        ]

    @property
    def is_any(self) -> bool:
        """Whether anything can have been said so far."""
        return self._sums[-1][2] >= LEAST_MS

    def is_plausible(
        self, words: Sequence[Word], until_ms: float, hallucinations: Collection[str] = ()
    ) -> bool:
        """Whether these words can have been said up to this time. ``hallucinations``: what the
        engine is known to write for silence, see ``known_hallucination``.
        """
        _, voiced_ms, certain_ms = self._sums[self._at(until_ms)]
        if not words:
            return True
        if certain_ms < LEAST_MS:
            return False
        is_word = certain_ms >= PLAIN_MS and voiced_ms <= _LONGEST_MS * len(words)
        if known_hallucination(words) in hallucinations and not is_word:
            return False
        letters = sum(len(word.text) for word in words)
        most = max(len(words), letters / _LETTERS_PER_WORD)
        is_crowded = len(words) * _FASTEST_MS > voiced_ms + _SLACK_MS
        is_empty = voiced_ms > _SLOWEST_MS and most * _SLOWEST_MS < voiced_ms
        return not is_crowded and not is_empty

    def _at(self, time_ms: float) -> int:
        """Index of the sums at this time, or behind it."""
        place = bisect.bisect_left(self._sums, (time_ms - _ROUNDING_MS,))
        return min(place, len(self._sums) - 1)


def known_hallucination(words: Sequence[Word]) -> str:
    """The text of a hypothesis in the form in which known hallucinations are kept."""
    return " ".join(fold(word.text) for word in words)
