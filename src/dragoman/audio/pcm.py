"""Arithmetic on PCM: signed 16-bit little-endian mono, as ``bytes``.

Scope: pure functions and three small stream objects (``WholeSamples``, ``Fade``, ``EdgeTrim``),
for any sample rate. A sample is two bytes; nothing here splits one.
"""

from __future__ import annotations

import struct

import numpy as np
import numpy.typing as npt

SAMPLE_BYTES = 2
UNKNOWN_LENGTH = 0xFFFFFFFF
"""Size field of a WAV header of unknown length; readers then read to the end of the file."""


def samples_in(ms: float, rate_hz: int) -> int:
    """How many samples last ``ms`` milliseconds, rounded to the nearest."""
    return round(ms * rate_hz / 1000)


def bytes_in(ms: float, rate_hz: int) -> int:
    """How many bytes last ``ms`` milliseconds; always even."""
    return samples_in(ms, rate_hz) * SAMPLE_BYTES


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
    """Float samples in -1..1 as PCM; values outside are clipped."""
    scaled = np.rint(np.clip(samples, -1.0, 1.0) * 32768.0)
    return _as_pcm(scaled)


def amplified(pcm: bytes, factor: float) -> bytes:
    """The samples times ``factor``, clipped at full scale."""
    if factor == 1.0 or not pcm:
        return pcm
    scaled = as_int16(pcm).astype(np.float32) * np.float32(factor)
    return _as_pcm(np.rint(scaled))


def _as_pcm(samples: npt.NDArray[np.float32]) -> bytes:
    return bytes(np.clip(samples, -32768, 32767).astype("<i2").tobytes())


def wav_header(rate_hz: int, *, channels: int = 1, size: int | None = None) -> bytes:
    """A 44-byte WAV header for 16-bit PCM.

    ``size`` is the number of PCM bytes that follow. If None, both size fields hold
    ``UNKNOWN_LENGTH``, which common readers take as "to the end" (0 would mean empty).
    """
    riff, data = (UNKNOWN_LENGTH, UNKNOWN_LENGTH) if size is None else (size + 36, size)
    align = channels * SAMPLE_BYTES
    head = struct.pack("<4sI4s", b"RIFF", riff, b"WAVE")
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, channels, rate_hz, rate_hz * align, align, 16)
    return head + form + struct.pack("<4sI", b"data", data)


def wav_file(samples: npt.NDArray[np.float32], rate_hz: int) -> bytes:
    """Float samples in -1..1 as a WAV file."""
    pcm = from_float(samples)
    return wav_header(rate_hz, size=len(pcm)) + pcm


class WholeSamples:
    """Cuts a stream of bytes between samples; an odd byte waits for the next call."""

    def __init__(self) -> None:
        self._half = b""

    def take(self, pcm: bytes) -> bytes:
        """The samples that are complete now."""
        if not self._half and not len(pcm) % SAMPLE_BYTES:
            return pcm
        data = self._half + pcm
        whole = len(data) - len(data) % SAMPLE_BYTES
        self._half = data[whole:]
        return data[:whole]


class Fade:
    """Fades a stream of PCM in and out over ``count`` samples; its length does not change.

    The last ``count`` samples are held back until ``finish``. Input is whole samples.
    """

    def __init__(self, count: int) -> None:
        self._ramp = (np.arange(count, dtype=np.float32) + 0.5) / np.float32(max(1, count))
        self._faded_in = 0
        self._held = b""

    def feed(self, pcm: bytes) -> bytes:
        """Fade more; returns all but the last ``count`` samples (may be b"")."""
        ramp = self._ramp[self._faded_in :]
        if pcm and ramp.size:
            head = as_int16(pcm[: ramp.size * SAMPLE_BYTES])
            self._faded_in += head.size
            pcm = _as_pcm(np.rint(head * ramp[: head.size])) + pcm[head.size * SAMPLE_BYTES :]
        held = self._held + pcm
        out = len(held) - self._ramp.size * SAMPLE_BYTES
        if out <= 0:
            self._held = held
            return b""
        self._held = held[out:]
        return held[:out]

    def finish(self) -> bytes:
        """End the stream; returns the faded end."""
        tail, self._held = as_int16(self._held), b""
        return _as_pcm(np.rint(tail * self._ramp[: tail.size][::-1]))


class EdgeTrim:
    """Removes the silence at both ends of a stream of PCM.

    A 5 ms window is silent if its RMS is below ``floor_db`` (full scale is 0). ``keep_ms`` of
    silence stay at each end, because soft consonants are that quiet. Silence inside is held back
    until sound follows it. 5 ms are faded in and out, so that segments join without a click.
    """

    _WINDOW_MS = 5.0

    def __init__(self, rate_hz: int, *, floor_db: float = -45.0, keep_ms: float = 20.0) -> None:
        self._window = bytes_in(self._WINDOW_MS, rate_hz)
        self._keep = bytes_in(keep_ms, rate_hz)
        self._floor = (32768.0 * 10 ** (floor_db / 20)) ** 2
        self._held = b""
        self._quiet = 0  # bytes of _held that are known to be quiet; the rest is less than a window
        self._started = False
        self._fade = Fade(self._window // SAMPLE_BYTES)

    def feed(self, pcm: bytes) -> bytes:
        """Trim more; returns what is known to lie between the silent ends (may be b"")."""
        return self._fade.feed(self._inner(pcm))

    def finish(self) -> bytes:
        """End the stream; returns the silence kept at its end, b"" if all was silent.

        The object can then trim another stream.
        """
        tail = self._fade.feed(self._rest()) + self._fade.finish()
        self._fade = Fade(self._window // SAMPLE_BYTES)
        return tail

    def _inner(self, pcm: bytes) -> bytes:
        held = self._held + pcm
        count = (len(held) - self._quiet) // self._window
        if not count:
            self._held = held
            return b""
        fresh = as_int16(held[self._quiet : self._quiet + count * self._window])
        energy = np.square(fresh.reshape(count, -1), dtype=np.float32).mean(axis=1)
        loud = np.flatnonzero(energy > self._floor)
        start, end = self._quiet, self._quiet + count * self._window
        if not loud.size:
            return self._hold(held, end)
        first = start + int(loud[0]) * self._window
        last = start + (int(loud[-1]) + 1) * self._window
        begin = 0 if self._started else max(0, first - self._keep)
        self._started = True
        self._held, self._quiet = held[last:], end - last
        return held[begin:last]

    def _hold(self, held: bytes, quiet: int) -> bytes:
        if not self._started:  # before the first sound only ``keep_ms`` can still be needed
            drop = max(0, quiet - self._keep)
            held, quiet = held[drop:], quiet - drop
        self._held, self._quiet = held, quiet
        return b""

    def _rest(self) -> bytes:
        rest = self._held[self._quiet :]
        tail = self._held[: self._keep] if self._started else b""
        if rest:  # a last piece shorter than a window
            energy = float(np.square(as_int16(rest), dtype=np.float32).mean())
            if energy > self._floor:
                begin = 0 if self._started else max(0, self._quiet - self._keep)
                tail = self._held[begin:]
        self._held, self._quiet, self._started = b"", 0, False
        return tail
