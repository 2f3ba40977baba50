"""Long sounds stay speech; the noise floor follows a louder background."""

from __future__ import annotations

import numpy as np

from dragoman.engines.energy import FRAME, Energy

_SECOND = -(-16_000 // FRAME)


def probabilities(level_dbfs: float, seconds: int) -> list[float]:
    stream = Energy().start()
    tone = np.sin(2 * np.pi * 500 * np.arange(FRAME) / 16_000).astype(np.float32)
    frame = tone * np.float32(2**0.5 * 10 ** (level_dbfs / 20))
    return [stream.feed(frame) for _ in range(seconds * _SECOND)]


def test_a_tone_is_sound_after_five_minutes_as_well() -> None:
    for level_dbfs in (-6.0, -20.0, -30.0):
        assert min(probabilities(level_dbfs, 300)) > 0.5


def test_the_noise_floor_follows_a_louder_background() -> None:
    found = probabilities(-43.0, 60)
    assert found[0] > 0.5
    assert found[-1] < 0.1


def test_below_the_floor_is_silence() -> None:
    assert max(probabilities(-60.0, 2)) < 0.01
