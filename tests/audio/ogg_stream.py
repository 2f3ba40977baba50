"""A real Ogg/Opus stream, for tests of everything that reads Opus packets."""

from __future__ import annotations

import io
from fractions import Fraction

import av
import numpy as np


def ogg(seconds: float = 1.0) -> bytes:
    """A real Ogg/Opus stream of a tone."""
    file = io.BytesIO()
    with av.open(file, "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=48_000, layout="mono")
        wave = np.sin(np.arange(int(48_000 * seconds)) * 2 * np.pi * 440 / 48_000) * 8000
        frame = av.AudioFrame.from_ndarray(wave.astype("<i2").reshape(1, -1), "s16", "mono")
        frame.sample_rate, frame.time_base, frame.pts = 48_000, Fraction(1, 48_000), 0
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return file.getvalue()


STREAM = ogg()
