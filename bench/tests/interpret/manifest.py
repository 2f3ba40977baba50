"""A folder of recordings with a manifest, for tests on a live server."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import soundfile as sf

RATE_HZ = 16_000


def one_recording(folder: Path) -> Path:
    """One recording of 1.5 s of noise that goes on and off."""
    rng = np.random.default_rng(1)
    sound = rng.standard_normal(int(1.5 * RATE_HZ)) * 3000
    sound[: RATE_HZ // 4] = 0
    sf.write(folder / "one.wav", sound.astype("<i2"), RATE_HZ, subtype="PCM_16")
    entry = {
        "id": "one",
        "file": "one.wav",
        "language": "en",
        "duration_s": 1.5,
        "speech_start_s": 0.25,
        "speech_end_s": 1.5,
        "transcript": "one two",
        "translations": {"es": {"text": "uno dos"}},
    }
    (folder / "manifest.json").write_text(json.dumps([entry]))
    return folder
