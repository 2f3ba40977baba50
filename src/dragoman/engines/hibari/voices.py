"""How the one voice of hibari, "heart", speaks for each cloud voice.

Scope: one table: voice, factor on its pitch, size of the vocal tract, and the measured gain in dB
that brings it to the common level: ``scripts/measure_voices.py hibari --every-name --table``. The
vocoder moves pitch and formants apart, so men are a little more than half as high, with a longer
tract.
"""

from __future__ import annotations

import msgspec

from dragoman.engines.shared.voice_table import assign_sounds

VOICE = "heart"
_FEMALE = [
    (VOICE, pitch, size)
    for size in (1.0, 0.95, 1.05, 0.92, 1.08)
    for pitch in (1.0, 1.1, 0.92, 1.18, 0.86, 1.05, 0.96, 1.14)
]
_MALE = [
    (VOICE, pitch, size)
    for size in (1.16, 1.2, 1.12, 1.24, 1.18)
    for pitch in (0.6, 0.55, 0.65, 0.52, 0.57, 0.62, 0.67, 0.53)
]
TABLE = {
    name: msgspec.structs.replace(sound, gain_db=0.0)
    for name, sound in assign_sounds(_FEMALE, _MALE).items()
}
