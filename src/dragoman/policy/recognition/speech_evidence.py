"""Whether there was enough speech for what a recogniser claims to have heard.

Law of this file: a judgement, pure. A recogniser made for speech answers everything with words:
a note of a flute is a confident "You". Its confidence alone cannot tell, so what the detector
of speech saw of the same audio has a say, in three ways:

* hardly any evidence of speech: no words, whatever they are;
* words that this recogniser is known to say of silence and noise (``phantoms``, asked for when it
  was loaded) need as much evidence as a word spoken plainly leaves, and not much more sound;
* words and speech must be in proportion: neither a sentence out of a click, nor one word out of
  many seconds of "speech", which is what music and machines look like.

The measure of evidence is milliseconds, each frame weighted by how far its probability lies above
the threshold: a frame just above it counts next to nothing, a certain one in full. The bounds are
far from what people do (five words a second; one in two seconds of pure speech), so that quiet
and noisy speech, which a detector is less sure of, passes.
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
_SPARE_MS = 300.0
_SLOWEST_MS = 2_500.0
_LETTERS_PER_WORD = 6
_ROUNDING_MS = 0.5


class SpeechEvidence:
    """What a detector saw of one window of audio. Times count from the window's begin."""

    def __init__(self, threshold: float = 0.5) -> None:
        self._threshold = min(threshold, 0.9)
        self._seen = [(0.0, 0.0, 0.0)]  # sums: time, speech, speech weighted by certainty

    def feed(self, probability: float, duration_ms: float) -> None:
        """One more frame."""
        end_ms, voiced_ms, certain_ms = self._seen[-1]
        if probability >= self._threshold:
            voiced_ms += duration_ms
            certain_ms += duration_ms * (probability - self._threshold) / (1 - self._threshold)
        self._seen.append((end_ms + duration_ms, voiced_ms, certain_ms))

    def cut(self, at_ms: float) -> None:
        """The window begins so much later from now on."""
        gone = self._at(at_ms)
        before = self._seen[gone]
        self._seen = [
            (seen[0] - before[0], seen[1] - before[1], seen[2] - before[2])
            for seen in self._seen[gone:]
        ]

    @property
    def is_any(self) -> bool:
        """Whether anything can have been said so far."""
        return self._seen[-1][2] >= LEAST_MS

    def bears(self, words: Sequence[Word], until_ms: float, phantoms: Collection[str] = ()) -> bool:
        """Whether these words can have been said; ``phantoms``: see ``known_hallucination``."""
        _, voiced_ms, certain_ms = self._seen[self._at(until_ms)]
        if not words:
            return True
        if certain_ms < LEAST_MS:
            return False
        is_word = certain_ms >= PLAIN_MS and voiced_ms <= _LONGEST_MS * len(words)
        if known_hallucination(words) in phantoms and not is_word:
            return False
        letters = sum(len(word.text) for word in words)
        most = max(len(words), letters / _LETTERS_PER_WORD)
        is_crowded = len(words) * _FASTEST_MS > voiced_ms + _SPARE_MS
        is_empty = voiced_ms > _SLOWEST_MS and most * _SLOWEST_MS < voiced_ms
        return not is_crowded and not is_empty

    def _at(self, time_ms: float) -> int:
        """The sums nearest to this time, from above."""
        place = bisect.bisect_left(self._seen, (time_ms - _ROUNDING_MS,))
        return min(place, len(self._seen) - 1)


def known_hallucination(words: Sequence[Word]) -> str:
    """What a hypothesis says, in the form in which phantoms are remembered."""
    return " ".join(fold(word.text) for word in words)
