"""One segment of speech at the rate a client wants; runs where the synthesizer runs.

Law of this file: blocking, no asyncio. Resampling happens beside the engine, so that the event
loop's thread only passes bytes on; the resampler's state lasts one segment.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing

from dragoman.audio.pcm import bytes_in
from dragoman.audio.resample import Resampler
from dragoman.engines.base import Synthesizer, Utterance

_LONGEST_PIECE_S = 1  # a cancel is noticed between pieces
_JOINED_MS = 300


def voiced(engine: Synthesizer, utterance: Utterance, rate_hz: int) -> Generator[bytes, None, None]:
    """PCM at ``rate_hz``, never empty, in pieces of at most a second; closing it cancels."""
    longest = rate_hz * 2 * _LONGEST_PIECE_S
    pieces = _resampled(engine, utterance, rate_hz)
    with closing(pieces):
        for piece in _joined(pieces, bytes_in(_JOINED_MS, rate_hz)):
            yield from _cut(piece, longest)


def _resampled(
    engine: Synthesizer, utterance: Utterance, rate_hz: int
) -> Generator[bytes, None, None]:
    resampler = Resampler(engine.info.rate_hz, rate_hz)
    pieces = iter(engine.synthesize(utterance))
    try:
        for piece in pieces:
            yield resampler.feed(piece)
        yield resampler.flush()
    finally:
        if isinstance(pieces, Generator):
            pieces.close()


def _joined(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The first piece as it is; then pieces of ``size``, or of all that went before if less."""
    waiting, length, given = [], 0, 0
    for piece in pieces:
        waiting.append(piece)
        length += len(piece)
        if length >= min(size, given or 1):
            yield b"".join(waiting)
            given += length
            waiting, length = [], 0
    if length:
        yield b"".join(waiting)


def _cut(pcm: bytes, longest: int) -> Iterator[bytes]:
    for start in range(0, len(pcm), longest):
        yield pcm[start : start + longest]
