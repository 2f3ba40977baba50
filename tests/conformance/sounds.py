"""Sound and a picture for flows with scripted engines: nothing recorded, nothing to download."""

from __future__ import annotations

import io

import av
import numpy as np

RATE_HZ = 16_000


def turns(*lengths_ms: int, pause_ms: int = 1_500) -> bytes:
    """Stretches of loud sound with silence behind each; PCM s16le mono, 16 kHz."""
    rng = np.random.default_rng(7)
    parts = []
    for length_ms in lengths_ms:
        at = np.arange(length_ms * RATE_HZ // 1000) / RATE_HZ
        voice = np.sign(np.sin(2 * np.pi * 140 * at)) * 0.25 + rng.normal(0, 0.05, at.size)
        parts.append(voice)
        parts.append(np.zeros(pause_ms * RATE_HZ // 1000))
    return (np.concatenate(parts).clip(-1, 1) * 32767).astype("<i2").tobytes()


def jpeg(width: int = 320, height: int = 240) -> bytes:
    """A small grey JPEG."""

    with io.BytesIO() as sink:
        with av.open(sink, "w", format="mjpeg") as box:
            stream = box.add_stream("mjpeg", rate=1)
            stream.width, stream.height, stream.pix_fmt = width, height, "yuvj420p"
            frame = av.VideoFrame.from_ndarray(
                np.full((height, width, 3), 128, np.uint8), format="rgb24"
            )
            box.mux(stream.encode(frame.reformat(format="yuvj420p")))
            box.mux(stream.encode(None))
        return sink.getvalue()
