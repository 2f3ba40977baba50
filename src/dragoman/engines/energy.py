"""Voice detection by loudness alone: the detector of the scripted stack.

Scope: deterministic, numpy only, ready at once. It distinguishes sound from silence, not speech
from noise: anything clearly louder than the noise floor counts. Tests want that (a beep is
"speech"); it is not meant for microphones.
"""

from __future__ import annotations

import math

import numpy as np

from dragoman.engines.base import Detection, Info, Samples

FRAME = 512


class Energy:
    """``Detector``: probability from the level above an adaptive noise floor.

    ``floor_dbfs`` is the level below which nothing is ever speech; ``margin_db`` is how far above
    the noise floor a frame has probability one half; ``rise_db_s`` is how fast the floor follows
    a background that got louder, up to ``noise_dbfs``: what is louder than that by the margin is
    sound, however long it lasts.
    """

    info = Info(
        name="energy",
        role="vad",
        licence="Apache-2.0",
        quality="scripted",
        runs_in="loop",
        languages=("*",),
        about="Loudness above an adaptive floor; for tests and the scripted stack",
    )

    frame_samples: int = FRAME

    def __init__(
        self,
        *,
        floor_dbfs: float = -55.0,
        margin_db: float = 9.0,
        rise_db_s: float = 0.5,
        noise_dbfs: float = -40.0,
    ) -> None:
        self._floor_dbfs, self._margin_db, self._rise_db_s = floor_dbfs, margin_db, rise_db_s
        self._noise_dbfs = noise_dbfs

    def load(self) -> None:
        """Nothing to load."""

    def close(self) -> None:
        """Nothing to free."""

    def start(self) -> Detection:
        """State for a new stream."""
        highest_dbfs = max(self._floor_dbfs, self._noise_dbfs)
        return _EnergyStream(self._floor_dbfs, self._margin_db, self._rise_db_s, highest_dbfs)


class _EnergyStream:
    """One stream: the noise floor in dBFS.

    The floor starts at the lowest level and falls at once but rises slowly, so that a stream
    that begins in the middle of a word is speech from its first frame.
    """

    def __init__(
        self, lowest_dbfs: float, margin_db: float, rise_db_s: float, highest_dbfs: float
    ) -> None:
        self._lowest = self._floor = lowest_dbfs
        self._highest = highest_dbfs
        self._margin = margin_db
        self._rise = rise_db_s * FRAME / 16_000

    def feed(self, frame: Samples) -> float:
        """Probability that the frame holds sound. Raises ``ValueError`` for a wrong length."""
        if frame.shape != (FRAME,):
            raise ValueError(f"a frame has {FRAME} samples, not {frame.shape}")
        power = float(np.dot(frame, frame)) / FRAME
        level = 10 * math.log10(power) if power > 1e-12 else -120.0
        raised = min(level, self._floor + self._rise, self._highest)
        self._floor = max(self._lowest, raised)
        over = level - self._floor - self._margin
        return 1 / (1 + math.exp(max(-60.0, min(60.0, -over))))
