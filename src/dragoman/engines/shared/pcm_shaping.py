"""What every embedded synthesizer does with its audio: formants, edges, level, pause.

Scope: generators over pieces of PCM s16le mono at the engine's rate. Only silence at the edges is
held back, so the first piece passes at once.

The *size* of a voice is that of its vocal tract. The audio is resampled as if it had a lower rate,
which lowers formants and pitch together. Engines ask their library for more pace and pitch
beforehand, so that in the end only the formants are lower: another speaker.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator

import numpy as np

from dragoman.audio.pcm import EdgeTrim, as_int16, silence
from dragoman.audio.resample import Resampler

_KNEE = 0.75
"""Share of full scale above which peaks are compressed instead of clipped."""


def shaped(
    pieces: Iterator[bytes], rate_hz: int, *, size: float, gain: float, pause_ms: float
) -> Generator[bytes, None, None]:
    """The pieces without the silence at their edges, resized, ``gain`` times as strong, with a
    pause behind them. Nothing when they hold no sound. Closes a generator that it was given.
    """
    trim = EdgeTrim(rate_hz)
    try:
        for piece in _resized(pieces, rate_hz, size):
            if kept := trim.feed(piece):
                yield leveled(kept, gain)
    finally:
        if isinstance(pieces, Generator):
            pieces.close()
    if kept := trim.finish():
        yield leveled(kept, gain) + silence(pause_ms, rate_hz)


def _resized(pieces: Iterator[bytes], rate_hz: int, size: float) -> Iterator[bytes]:
    if size == 1.0:
        yield from pieces
        return
    resampler = Resampler(round(rate_hz / size), rate_hz)
    for piece in pieces:
        yield resampler.feed(piece)
    yield resampler.flush()


def leveled(pcm: bytes, gain: float) -> bytes:
    """The sound ``gain`` times as strong. Peaks are limited softly: samples above the
    knee follow a hyperbolic tangent.
    """
    if gain == 1.0 or not pcm:
        return pcm
    samples = as_int16(pcm).astype(np.float32) * np.float32(gain / 32768)
    size = np.abs(samples)
    loud = size > _KNEE
    if loud.any():
        limited = _KNEE + (1 - _KNEE) * np.tanh((size[loud] - _KNEE) / (1 - _KNEE))
        samples[loud] = np.copysign(limited, samples[loud])
    return bytes(np.rint(samples * 32767).astype("<i2").tobytes())
