"""One segment of speech as a client wants it; runs where the synthesizer runs.

Law of this file: blocking, no asyncio. What the engine does not do itself (``Info.controls``) is
done here: rate and pitch by ``audio.prosody``, volume by gain; instructions are dropped. Such an
engine is asked for neutral values, so that nothing is done twice. Then the edges are made soft and
the rate is changed. All of it happens beside the engine, so that the event loop's thread only
passes bytes on; all state lasts one segment.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing

import msgspec
import numpy as np
import numpy.typing as npt

from dragoman.audio.pcm import SAMPLE_BYTES, amplified, as_int16, bytes_in, samples_in
from dragoman.audio.prosody import Prosody
from dragoman.audio.resample import Resampler
from dragoman.engines.base import Synthesizer, Utterance
from dragoman.runtime.hosts.audio_limit import limit_audio

_LONGEST_PIECE_S = 1  # a cancel is noticed between pieces
_JOINED_MS = 300
_NEUTRAL_VOLUME = 50
_EDGE_MS = 5
_STEP = 328  # of 32768: an edge that begins or ends with less cannot be heard to click


def synthesize_segment(
    engine: Synthesizer, utterance: Utterance, rate_hz: int
) -> Generator[bytes, None, None]:
    """PCM at ``rate_hz``, never empty, in pieces of at most a second; closing it cancels.
    Raises ``AudioLimitExceeded`` behind ``Caps.audio_s`` of sound, and what the engine raises.
    """
    with closing(_resampled(engine, utterance, rate_hz)) as sound:
        joined = _joined(sound, bytes_in(_JOINED_MS, rate_hz))
        pieces = _cut(joined, rate_hz * SAMPLE_BYTES * _LONGEST_PIECE_S)
        yield from limit_audio(pieces, engine.info.caps, rate_hz)


def _resampled(
    engine: Synthesizer, utterance: Utterance, rate_hz: int
) -> Generator[bytes, None, None]:
    resampler = Resampler(engine.info.rate_hz, rate_hz)
    pieces = _shaped(engine, utterance)
    with closing(pieces):
        for piece in pieces:
            yield resampler.feed(piece)
        yield resampler.flush()


def _shaped(engine: Synthesizer, utterance: Utterance) -> Generator[bytes, None, None]:
    """The engine's speech with everything the utterance asks for, at the engine's rate."""
    native = engine.info.controls
    rate = 1.0 if "rate" in native else utterance.rate
    pitch = 1.0 if "pitch" in native else utterance.pitch
    gain = 1.0 if "volume" in native else utterance.volume / _NEUTRAL_VOLUME
    pieces = iter(engine.synthesize(_for_engine(utterance, native)))
    try:
        soft = _softened(pieces, engine.info.rate_hz)
        if rate != 1.0 or pitch != 1.0:
            soft = _softened(_moved(soft, engine.info.rate_hz, rate, pitch), engine.info.rate_hz)
        for piece in soft:
            yield amplified(piece, gain)
    finally:
        if isinstance(pieces, Generator):
            pieces.close()


def _for_engine(utterance: Utterance, native: tuple[str, ...]) -> Utterance:
    neutral = {"rate": 1.0, "pitch": 1.0, "volume": _NEUTRAL_VOLUME, "instructions": None}
    left_out = {name: value for name, value in neutral.items() if name not in native}
    return msgspec.structs.replace(utterance, **left_out)


def _moved(pieces: Iterable[bytes], rate_hz: int, rate: float, pitch: float) -> Iterator[bytes]:
    prosody = Prosody(rate_hz, rate=rate, pitch=pitch)
    for piece in pieces:
        yield prosody.feed(piece)
    yield prosody.finish()


def _softened(pieces: Iterable[bytes], rate_hz: int) -> Iterator[bytes]:
    edges = _SoftEdges(rate_hz)
    for piece in pieces:
        yield edges.feed(piece)
    yield edges.finish()


class _SoftEdges:
    """Sees to it that a segment that begins or ends in full sound does not click.

    Engines mostly give out trimmed and faded sound with a pause behind; that passes untouched.
    A loud beginning is faded in; behind a loud end come 5 ms on the way down to zero, which needs
    no sound to be held back.
    """

    def __init__(self, rate_hz: int) -> None:
        count = max(1, samples_in(_EDGE_MS, rate_hz))
        self._rise = np.arange(count, dtype=np.float32) / np.float32(count)
        self._at = -1  # how far the fade has come; -1: not known yet whether one is needed
        self._last: npt.NDArray[np.int16] = np.zeros(1, np.int16)

    def feed(self, pcm: bytes) -> bytes:
        """The piece, faded where it has to be."""
        if not pcm:
            return pcm
        samples = as_int16(pcm)
        self._last = np.concatenate([self._last, samples])[-self._rise.size - 1 :]
        if self._at < 0:
            self._at = 0 if abs(int(samples[0])) > _STEP else self._rise.size
        rise = self._rise[self._at : self._at + samples.size]
        if not rise.size:
            return pcm
        self._at += rise.size
        head = bytes(np.rint(samples[: rise.size] * rise).astype("<i2"))
        return head + pcm[rise.size * SAMPLE_BYTES :]

    def finish(self) -> bytes:
        """What has to follow the last sample: mostly nothing."""
        end = int(self._last[-1])
        if abs(end) <= _STEP:
            return b""
        # Turned about its last point the sound goes on with the same value and slope.
        turned = 2.0 * end - self._last[-2::-1].astype(np.float32)
        fall = 0.5 + 0.5 * np.cos(np.pi * self._rise[: turned.size])
        return bytes(np.clip(np.rint(turned * fall), -32768, 32767).astype("<i2"))


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


def _cut(pieces: Iterable[bytes], longest: int) -> Iterator[bytes]:
    for pcm in pieces:
        for start in range(0, len(pcm), longest):
            yield pcm[start : start + longest]
