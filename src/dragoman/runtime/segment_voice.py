"""One segment of speech at the rate a client wants; runs where the synthesizer runs.

Law of this file: blocking, no asyncio. Resampling happens beside the engine, so that the event
loop's thread only passes bytes on; the resampler's state lasts one segment.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator

from dragoman.audio.resample import Resampler
from dragoman.engines.base import Synthesizer, Utterance

_LONGEST_PIECE_S = 1  # a cancel is noticed between pieces


def voiced(engine: Synthesizer, utterance: Utterance, rate_hz: int) -> Generator[bytes, None, None]:
    """PCM at ``rate_hz``, never empty, in pieces of at most a second; closing it cancels."""
    longest = rate_hz * 2 * _LONGEST_PIECE_S
    resampler = Resampler(engine.info.rate_hz, rate_hz)
    pieces = iter(engine.synthesize(utterance))
    try:
        for piece in pieces:
            yield from _cut(resampler.feed(piece), longest)
        yield from _cut(resampler.flush(), longest)
    finally:
        if isinstance(pieces, Generator):
            pieces.close()


def _cut(pcm: bytes, longest: int) -> Iterator[bytes]:
    for start in range(0, len(pcm), longest):
        yield pcm[start : start + longest]
