"""Arithmetic on PCM: signed 16-bit little-endian mono, as ``bytes``.

Law of this file: pure functions and two small stream objects (``Fade``, ``EdgeTrim``); no rates
are assumed, no asyncio, no events. A sample is two bytes; every function that cuts keeps samples
whole.
"""

from __future__ import annotations

import struct

import numpy as np
import numpy.typing as npt

SAMPLE_BYTES = 2
UNKNOWN_LENGTH = 0xFFFFFFFF
"""Size field of a WAV header written before the length is known; readers read to the end."""


def samples_in(ms: float, rate_hz: int) -> int:
    """How many samples last ``ms`` milliseconds, rounded to the nearest."""
    return round(ms * rate_hz / 1000)


def bytes_in(ms: float, rate_hz: int) -> int:
    """How many bytes last ``ms`` milliseconds; always even."""
    return samples_in(ms, rate_hz) * SAMPLE_BYTES


def ms_of(size: int, rate_hz: int) -> int:
    """How many whole milliseconds ``size`` bytes last."""
    return size // SAMPLE_BYTES * 1000 // rate_hz


def silence(ms: float, rate_hz: int) -> bytes:
    """Zero samples lasting ``ms`` milliseconds."""
    return bytes(bytes_in(ms, rate_hz))


def as_int16(pcm: bytes) -> npt.NDArray[np.int16]:
    """The samples, shape (n,), without a copy and read-only.

    Raises ``ValueError`` for an odd number of bytes.
    """
    return np.frombuffer(pcm, dtype="<i2")


def to_float(pcm: bytes) -> npt.NDArray[np.float32]:
    """The samples as float32 in -1..1 (full scale is 32768), shape (n,)."""
    return as_int16(pcm).astype(np.float32) / np.float32(32768)


def from_float(samples: npt.NDArray[np.float32]) -> bytes:
    """Float samples in -1..1 as PCM; what lies outside is clipped, not wrapped round."""
    scaled = np.rint(np.clip(samples, -1.0, 1.0) * 32768.0)
    return _as_pcm(scaled)


def amplified(pcm: bytes, factor: float) -> bytes:
    """The same sound ``factor`` times as strong, clipped at full scale."""
    if factor == 1.0 or not pcm:
        return pcm
    scaled = as_int16(pcm).astype(np.float32) * np.float32(factor)
    return _as_pcm(np.rint(scaled))


def _as_pcm(samples: npt.NDArray[np.float32]) -> bytes:
    return bytes(np.clip(samples, -32768, 32767).astype("<i2").tobytes())


def wav_header(rate_hz: int, *, channels: int = 1, size: int | None = None) -> bytes:
    """A 44-byte WAV header for 16-bit PCM.

    ``size`` is the number of PCM bytes that follow, None while unknown: then both size fields
    hold ``UNKNOWN_LENGTH``, which common readers take as "to the end" (0 would mean empty).
    """
    riff, data = (UNKNOWN_LENGTH, UNKNOWN_LENGTH) if size is None else (size + 36, size)
    align = channels * SAMPLE_BYTES
    head = struct.pack("<4sI4s", b"RIFF", riff, b"WAVE")
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, channels, rate_hz, rate_hz * align, align, 16)
    return head + form + struct.pack("<4sI", b"data", data)


class Fade:
    """Fades the first and the last ``count`` samples of a stream of PCM, while it streams.

    The last ones are held back for that. Whole samples only; the length stays as it is.
    """

    def __init__(self, count: int) -> None:
        self._rise = (np.arange(count, dtype=np.float32) + 0.5) / np.float32(max(1, count))
        self._at = 0  # how much of the rise has gone by
        self._held = b""

    def feed(self, pcm: bytes) -> bytes:
        """Take more; what does not belong to the end so far (may be empty)."""
        rise = self._rise[self._at :]
        if pcm and rise.size:
            head = as_int16(pcm[: rise.size * SAMPLE_BYTES])
            self._at += head.size
            pcm = _as_pcm(np.rint(head * rise[: head.size])) + pcm[head.size * SAMPLE_BYTES :]
        held = self._held + pcm
        out = len(held) - self._rise.size * SAMPLE_BYTES
        if out <= 0:
            self._held = held
            return b""
        self._held = held[out:]
        return held[:out]

    def finish(self) -> bytes:
        """No more comes: the end, faded."""
        tail, self._held = as_int16(self._held), b""
        return _as_pcm(np.rint(tail * self._rise[: tail.size][::-1]))


class EdgeTrim:
    """Takes the silence off both ends of a stream of PCM, while it streams.

    Loudness is the RMS of 5 ms windows against ``floor_db`` below full scale; ``keep_ms`` of the
    quiet next to the sound stay, so that soft consonants live. Silence inside is held back until
    sound follows it, and then comes out whole. The first and last 5 ms of what comes out are faded,
    so that what follows (a pause, another segment) joins without a click.
    """

    _WINDOW_MS = 5.0

    def __init__(self, rate_hz: int, *, floor_db: float = -45.0, keep_ms: float = 20.0) -> None:
        self._window = bytes_in(self._WINDOW_MS, rate_hz)
        self._keep = bytes_in(keep_ms, rate_hz)
        self._floor = (32768.0 * 10 ** (floor_db / 20)) ** 2
        self._held = b""  # quiet or not yet judged, in order
        self._judged = 0  # how much of it is known to be quiet
        self._started = False
        self._fade = Fade(self._window // SAMPLE_BYTES)

    def feed(self, pcm: bytes) -> bytes:
        """Take more; what is now known to lie inside the edges (may be empty)."""
        return self._fade.feed(self._inside(pcm))

    def finish(self) -> bytes:
        """No more comes: the last quiet that stays, nothing when there never was a sound.

        Then it is fresh, for another sound.
        """
        tail = self._fade.feed(self._rest()) + self._fade.finish()
        self._fade = Fade(self._window // SAMPLE_BYTES)
        return tail

    def _inside(self, pcm: bytes) -> bytes:
        held = self._held + pcm
        count = (len(held) - self._judged) // self._window
        if not count:
            self._held = held
            return b""
        fresh = as_int16(held[self._judged : self._judged + count * self._window])
        energy = np.square(fresh.reshape(count, -1), dtype=np.float32).mean(axis=1)
        loud = np.flatnonzero(energy > self._floor)
        start, end = self._judged, self._judged + count * self._window
        if not loud.size:
            return self._hold(held, end)
        first = start + int(loud[0]) * self._window
        last = start + (int(loud[-1]) + 1) * self._window
        begin = 0 if self._started else max(0, first - self._keep)
        self._started = True
        self._held, self._judged = held[last:], end - last
        return held[begin:last]

    def _hold(self, held: bytes, judged: int) -> bytes:
        if not self._started:  # only the last bit can still be needed, before the first sound
            drop = max(0, judged - self._keep)
            held, judged = held[drop:], judged - drop
        self._held, self._judged = held, judged
        return b""

    def _rest(self) -> bytes:
        rest = self._held[self._judged :]
        tail = self._held[: self._keep] if self._started else b""
        if rest:  # less than one window was never judged
            energy = float(np.square(as_int16(rest), dtype=np.float32).mean())
            if energy > self._floor:
                begin = 0 if self._started else max(0, self._judged - self._keep)
                tail = self._held[begin:]
        self._held, self._judged, self._started = b"", 0, False
        return tail
