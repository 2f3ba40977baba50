"""Media files made on the spot, for tests of everything that reads files."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np


def sine(seconds: float, rate_hz: int, channels: int = 1) -> np.ndarray:
    wave = np.sin(np.arange(int(seconds * rate_hz)) * 2 * np.pi * 440 / rate_hz) * 12_000
    return np.repeat(wave.astype(np.int16)[None, :], channels, axis=0)


def make_media(
    path: Path,
    *,
    seconds: float = 2.0,
    rate_hz: int = 44_100,
    channels: int = 2,
    codec: str | None = "aac",
    size: tuple[int, int] | None = None,
    fps: int = 15,
) -> Path:
    """A media file made on the spot: a 440 Hz tone, and a moving grey picture."""
    with av.open(str(path), "w") as container:
        video = None
        if size is not None:
            video = container.add_stream("mpeg4", rate=fps)
            video.width, video.height, video.pix_fmt = *size, "yuv420p"
        audio = None
        if codec is not None:
            layout = "stereo" if channels == 2 else "mono"
            audio = container.add_stream(codec, rate=rate_hz, layout=layout)
        for number in range(int(seconds * fps) if video is not None else 0):
            assert video is not None
            grey = np.full((size[1], size[0], 3), number * 7 % 255, dtype=np.uint8)
            container.mux(video.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        if audio is not None:
            samples = sine(seconds, rate_hz, channels)
            packed = samples.T.reshape(1, -1).copy()
            frame = av.AudioFrame.from_ndarray(packed, format="s16", layout=layout)
            frame.sample_rate, frame.pts, frame.time_base = rate_hz, 0, Fraction(1, rate_hz)
            container.mux(audio.encode(frame))
        for stream in (video, audio):
            if stream is not None:
                container.mux(stream.encode(None))
    return path
