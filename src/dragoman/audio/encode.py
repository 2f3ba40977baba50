"""Streams of speech in the formats of the API: pcm, wav, mp3 and opus.

Law of this file: blocking, no asyncio. One encoder makes one stream. What comes out depends only
on the samples that went in, not on how they were cut: feeding a byte at a time gives the same
stream as feeding all at once, bit for bit, in every process. A stream into which no sample went
is empty. The codecs live in ``audio.mp3`` and ``audio.opus`` and are imported when first used.

Both codecs release the GIL while they work, so threads are the right place for them. CPU per
second of speech at 24 kHz (one x86-64 core): pcm and wav nothing to speak of, mp3
1.7 ms, opus 3.5 ms, 7 ms at low bit rates; 0.3 to 0.7 ms to start a stream.
"""

from __future__ import annotations

from typing import Literal, Protocol

from dragoman.audio.pcm import wav_header

Format = Literal["pcm", "wav", "mp3", "opus"]
FORMATS: tuple[Format, ...] = ("pcm", "wav", "mp3", "opus")
RATES_HZ = (8_000, 16_000, 22_050, 24_000, 44_100, 48_000)
"""The rates of the API; every format takes each of them."""


class Encoder(Protocol):
    """One stream on its way into a format. Not thread-safe: one call at a time."""

    def feed(self, pcm: bytes) -> bytes:
        """Take samples (s16le mono, any cut, odd ones too); the bytes that are ready, may be none.

        Raises ``ValueError`` after ``finish`` or ``close``.
        """

    def finish(self) -> bytes:
        """No more samples: all that is left, and the stream is complete. Again: nothing."""

    def close(self) -> None:
        """Free everything now, whether finished or not; what is held is lost. Twice is harmless."""


def encoder(form: Format, rate_hz: int, bit_rate: int = 128) -> Encoder:
    """An encoder for s16le mono at ``rate_hz``; ``bit_rate`` in kbit/s is brought into the range
    that the codec has at this rate.

    Raises ``ValueError`` for a rate the format cannot carry; all of ``RATES_HZ`` are fine.
    """
    if form == "mp3":
        from dragoman.audio.mp3 import Mp3Encoder  # noqa: PLC0415 - see the head of this file

        return Mp3Encoder(rate_hz, bit_rate)
    if form == "opus":
        from dragoman.audio.opus import OpusEncoder  # noqa: PLC0415 - see the head of this file

        return OpusEncoder(rate_hz, bit_rate)
    if rate_hz < 1:
        raise ValueError(f"not a sample rate: {rate_hz}")
    return PlainEncoder(wav_header(rate_hz) if form == "wav" else b"")


class WholeSamples:
    """Cuts bytes so that no sample is split; the odd byte waits for the next cut."""

    def __init__(self) -> None:
        self._half = b""

    def of(self, pcm: bytes) -> bytes:
        """The whole samples that are there now."""
        if not self._half and not len(pcm) % 2:
            return pcm
        data = self._half + pcm
        whole = len(data) & ~1
        self._half = data[whole:]
        return data[:whole]


class PlainEncoder:
    """Samples as they are behind a header: pcm (no header) and wav of unknown length."""

    def __init__(self, header: bytes) -> None:
        self._header = header
        self._samples = WholeSamples()
        self._over = False

    def feed(self, pcm: bytes) -> bytes:
        """As in the Protocol; the header comes with the first sample."""
        if self._over:
            raise ValueError("this stream is complete; make a new encoder")
        data = self._samples.of(pcm)
        if data and self._header:
            data, self._header = self._header + data, b""
        return data

    def finish(self) -> bytes:
        """As in the Protocol; nothing is ever left."""
        self._over = True
        return b""

    def close(self) -> None:
        """As in the Protocol."""
        self._over = True
