"""A click detector for tests.

A click is where the error of linear prediction (order 16, over 20 ms) is ``factor`` times its
median. The factor is large because each glottal pulse of speech is hard to predict too.
"""

from __future__ import annotations

import numpy as np

from tests.audio.sounds import Samples

_ORDER = 16


def clicks(
    samples: Samples, rate_hz: int, factor: float = 12.0, floor: float = 2e-3
) -> list[float]:
    """The times (seconds) of possible clicks; ``floor`` is added to the median error."""
    frame = rate_hz // 50
    found = []
    for start in range(_ORDER, samples.size - frame + 1, frame // 2):
        past = np.stack([samples[start - k : start - k + frame] for k in range(1, _ORDER + 1)])
        here = samples[start : start + frame]
        window = np.hanning(frame)
        matrix = (past * window) @ past.T + 1e-7 * frame * np.eye(_ORDER)
        error = np.abs(here - np.linalg.solve(matrix, (past * window) @ here) @ past)
        usual = np.median(error) + floor
        inner = slice(frame // 4, frame - frame // 4)
        if error[inner].max() > factor * usual:
            found.append((start + frame // 4 + int(np.argmax(error[inner]))) / rate_hz)
    return found
