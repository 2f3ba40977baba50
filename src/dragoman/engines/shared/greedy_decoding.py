"""What the recognisers with a greedy decoder share: loops to cut off, and a confidence.

Scope: arithmetic on token ids and log probabilities.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def geometric_mean(logprobs: Sequence[float]) -> float:
    """Of the probabilities with these logarithms; 0 for none."""
    return float(np.exp(np.mean(logprobs))) if logprobs else 0.0


def repeated_count(ids: Sequence[object], longest: int = 12, times: int = 3) -> int:
    """How many ids at the end only repeat what stands before them: 0, or a loop to cut off.

    A greedy decoder can loop over noise ("And, and, and"). A unit that stands
    ``times`` times in a row is a loop; one or two tokens need twice as often, because people do
    say "no, no, no".
    """
    for size in range(1, longest + 1):
        needed = times * 2 if size <= 2 else times
        tail = list(ids[-size * needed :])
        if len(tail) == size * needed and tail == tail[:size] * needed:
            return size * (needed - 1)
    return 0
