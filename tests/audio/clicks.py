"""A click detector: where a sound does what its last milliseconds did not announce.

Linear prediction (order 16) of every 20 ms, and the places where the error is many times its
usual size there. Speech surprises too, at every opening of the glottis, so it takes a factor.
"""

from __future__ import annotations

import numpy as np

from tests.audio.sounds import Samples

_ORDER = 16


def clicks(
    samples: Samples, rate_hz: int, factor: float = 12.0, floor: float = 2e-3
) -> list[float]:
    """The times (seconds) of what may be clicks; ``floor`` is the least error that counts."""
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
