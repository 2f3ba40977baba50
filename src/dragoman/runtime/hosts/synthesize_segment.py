"""One segment of speech as a client wants it: runs where the synthesizer runs.

Scope: blocking, no asyncio; all state lasts one segment. What the engine does not do itself
(``Info.controls``) is done here: rate and pitch by ``audio.prosody``, volume by gain; instructions
are dropped. The engine is asked for neutral values then, so that nothing is done twice. After that
the edges are faded, the sample rate is changed, small pieces are joined, and the length is limited.
The event loop's thread only passes bytes on.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator

import msgspec
import numpy as np
import numpy.typing as npt

from dragoman.audio.pcm import SAMPLE_BYTES, amplified, as_int16, bytes_in, samples_in
from dragoman.audio.prosody import Prosody
from dragoman.audio.resample import Resampler
from dragoman.engines.base import Caps, Info, Synthesizer, Utterance

LONGEST_MS = 960
"""The longest piece: that of the longest delta of a synthesis session. Every piece costs the event
loop some 100 µs on its way to the client, whatever its length; a cancel is noticed between pieces.
"""
_NEUTRAL_VOLUME = 50
_EDGE_MS = 5
_QUIET = 328  # of 32768: an edge that begins or ends below this cannot click


class AudioLimitExceeded(Exception):
    """An engine made more sound of one segment than ``Caps.audio_s``."""


def synthesize_segment(
    engine: Synthesizer, utterance: Utterance, rate_hz: int
) -> Generator[bytes, None, None]:
    """PCM at ``rate_hz``, never empty, in pieces of at most ``LONGEST_MS``; closing it cancels.
    Raises ``AudioLimitExceeded`` behind ``Caps.audio_s`` of sound, and what the engine raises.
    """
    info = engine.info
    most = bytes_in(LONGEST_MS, rate_hz)
    resampler = Resampler(info.rate_hz, rate_hz)
    made = iter(engine.synthesize(_for_engine(utterance, info.controls)))
    try:
        shaped = _shaped(made, utterance, info)
        resampled = _through(resampler.feed, resampler.flush, shaped)
        yield from limit_audio(_cut(_joined(resampled, most), most), info.caps, rate_hz)
    finally:
        if isinstance(made, Generator):
            made.close()


def _shaped(made: Iterable[bytes], utterance: Utterance, info: Info) -> Iterator[bytes]:
    """The engine's speech with everything the utterance asks for, at the engine's rate."""
    rate = 1.0 if "rate" in info.controls else utterance.rate
    pitch = 1.0 if "pitch" in info.controls else utterance.pitch
    gain = 1.0 if "volume" in info.controls else utterance.volume / _NEUTRAL_VOLUME
    faded = _faded(made, info.rate_hz)
    if rate != 1.0 or pitch != 1.0:
        prosody = Prosody(info.rate_hz, rate=rate, pitch=pitch)
        faded = _faded(_through(prosody.feed, prosody.finish, faded), info.rate_hz)
    return (amplified(piece, gain) for piece in faded)


def _for_engine(utterance: Utterance, native: tuple[str, ...]) -> Utterance:
    neutral = {"rate": 1.0, "pitch": 1.0, "volume": _NEUTRAL_VOLUME, "instructions": None}
    left_out = {name: value for name, value in neutral.items() if name not in native}
    return msgspec.structs.replace(utterance, **left_out)


def _through(
    feed: Callable[[bytes], bytes], finish: Callable[[], bytes], pieces: Iterable[bytes]
) -> Iterator[bytes]:
    yield from map(feed, pieces)
    yield finish()


def _faded(pieces: Iterable[bytes], rate_hz: int) -> Iterator[bytes]:
    edges = _EdgeFader(rate_hz)
    return _through(edges.feed, edges.finish, pieces)


class _EdgeFader:
    """Prevents clicks where a segment begins or ends in full sound.

    Most engines trim and fade themselves and leave a pause behind; that passes unchanged. A loud
    beginning is faded in. Behind a loud end, 5 ms that fall to zero are added, so no audio has to
    be held back.
    """

    def __init__(self, rate_hz: int) -> None:
        count = max(1, samples_in(_EDGE_MS, rate_hz))
        self._rise = np.arange(count, dtype=np.float32) / np.float32(count)
        self._position = -1  # samples faded so far; -1: not known yet whether a fade is needed
        self._last: npt.NDArray[np.int16] = np.zeros(1, np.int16)

    def feed(self, pcm: bytes) -> bytes:
        """The piece, faded in where that is needed."""
        if not pcm:
            return pcm
        samples = as_int16(pcm)
        self._last = np.concatenate([self._last, samples])[-self._rise.size - 1 :]
        if self._position < 0:
            self._position = 0 if abs(int(samples[0])) > _QUIET else self._rise.size
        rise = self._rise[self._position : self._position + samples.size]
        if not rise.size:
            return pcm
        self._position += rise.size
        head = bytes(np.rint(samples[: rise.size] * rise).astype("<i2"))
        return head + pcm[rise.size * SAMPLE_BYTES :]

    def finish(self) -> bytes:
        """The fall to zero behind the last sample; mostly empty."""
        end = int(self._last[-1])
        if abs(end) <= _QUIET:
            return b""
        # The audio, mirrored about its last point, continues with the same value and slope.
        turned = 2.0 * end - self._last[-2::-1].astype(np.float32)
        fall = 0.5 + 0.5 * np.cos(np.pi * self._rise[: turned.size])
        return bytes(np.clip(np.rint(turned * fall), -32768, 32767).astype("<i2"))


def _joined(pieces: Iterable[bytes], most: int) -> Iterator[bytes]:
    """The first piece at once; then pieces of ``most`` bytes, or of as many as went before."""
    waiting, length, given = [], 0, 0
    for piece in pieces:
        waiting.append(piece)
        length += len(piece)
        if length >= min(most, given or 1):
            yield b"".join(waiting)
            given += length
            waiting, length = [], 0
    if length:
        yield b"".join(waiting)


def _cut(pieces: Iterable[bytes], longest: int) -> Iterator[bytes]:
    for pcm in pieces:
        for start in range(0, len(pcm), longest):
            yield pcm[start : start + longest]


def limit_audio(pieces: Iterable[bytes], caps: Caps, rate_hz: int) -> Iterator[bytes]:
    """The pieces of PCM, up to the cap; raises ``AudioLimitExceeded`` for the one beyond it."""
    left = bytes_in(caps.audio_s * 1000, rate_hz)
    for piece in pieces:
        left -= len(piece)
        if left < 0:
            raise AudioLimitExceeded(f"one segment of speech went beyond {caps.audio_s:g} s")
        yield piece
