"""Opus in Ogg by libopus (PyAV), mono, 20 ms a packet and a page.

Law of this file: one class and what the format dictates. Opus knows 8, 16, 24 and 48 kHz (12 is
not of the API); 22.05 kHz is resampled to 24, 44.1 to 48 in here. Pre-skip and the last granule
position are right, so decoders give back exactly the samples that went in (at 48 kHz, as Opus
always decodes; RFC 6716, RFC 7845).

A page per packet costs 12 kbit/s on top of the codec. The codec gets what is asked less that, so
that the stream as a whole is as asked; but at least 16 kbit/s, or what is asked if that is less.
libopus allows a mono stream 6 to 256 kbit/s. The bit rate varies within the "constrained" mode.
The first 20 ms give the header pages (97 bytes); after that every 20 ms give a page of sound.
"""

from __future__ import annotations

import av
import numpy as np
from av import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer

from dragoman.audio.encode import WholeSamples
from dragoman.audio.pcm import SAMPLE_BYTES
from dragoman.audio.resample import Resampler

LOWEST_KBPS, HIGHEST_KBPS = 6, 256
CONTAINER_KBPS = 12
_CODEC_LEAST_KBPS = 16
_SPEECH_MODE_KBPS = 32
_PACKETS_PER_S = 50
_CODEC_RATES_HZ = (8_000, 12_000, 16_000, 24_000, 48_000)


def opus_codec_rate_hz(rate_hz: int) -> int:
    """The rate of the codec for sound at ``rate_hz``: the same, or the next one above."""
    if rate_hz < 1:
        raise ValueError(f"not a sample rate: {rate_hz}")
    return next((known for known in _CODEC_RATES_HZ if known >= rate_hz), _CODEC_RATES_HZ[-1])


def opus_codec_bit_rate(bit_rate: int) -> int:
    """The bit rate (kbit/s) of the codec for a stream of ``bit_rate``; see the head of the file."""
    codec = max(min(bit_rate, _CODEC_LEAST_KBPS), bit_rate - CONTAINER_KBPS)
    return max(LOWEST_KBPS, min(HIGHEST_KBPS, codec))


class _Pages:
    """The file that the muxer writes to: keeps what is written until it is taken."""

    def __init__(self) -> None:
        self._written: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._written.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        taken = b"".join(self._written)
        self._written.clear()
        return taken


class OpusEncoder:
    """An ``Encoder``; see the head of this file."""

    def __init__(self, rate_hz: int, bit_rate: int) -> None:
        self._codec_hz = opus_codec_rate_hz(rate_hz)
        self._bit_rate = opus_codec_bit_rate(bit_rate)
        self._resampler = Resampler(rate_hz, self._codec_hz)
        self._samples = WholeSamples()
        self._in_block = rate_hz // _PACKETS_PER_S * SAMPLE_BYTES
        self._frame = self._codec_hz // _PACKETS_PER_S * SAMPLE_BYTES
        self._raw = b""  # not yet a block for the resampler
        self._waiting = b""  # not yet a frame for the codec
        self._at = 0  # samples given to the codec
        self._over = False
        self._pages = _Pages()
        self._container: OutputContainer | None = None
        self._stream: AudioStream | None = None

    def feed(self, pcm: bytes) -> bytes:
        """As in the Protocol."""
        if self._over:
            raise ValueError("this stream is complete; make a new encoder")
        data = self._raw + self._samples.of(pcm)
        whole = len(data) - len(data) % self._in_block
        self._raw = data[whole:]
        for at in range(0, whole, self._in_block):
            self._encode(self._resampler.feed(data[at : at + self._in_block]))
        return self._pages.take()

    def finish(self) -> bytes:
        """As in the Protocol: the last frame, the codec's lookahead, and the end-of-stream page."""
        if self._over:
            return b""
        self._encode(self._resampler.feed(self._raw) + self._resampler.flush())
        if self._waiting:
            self._put(self._waiting)
        if self._container is not None and self._stream is not None:
            self._container.mux(self._stream.encode(None))
        self.close()
        return self._pages.take()

    def close(self) -> None:
        """As in the Protocol. Without it PyAV's objects would wait for the cycle collector."""
        self._over = True
        container, self._container, self._stream = self._container, None, None
        if container is not None:
            container.close()

    def _encode(self, pcm: bytes) -> None:
        data = self._waiting + pcm
        whole = len(data) - len(data) % self._frame
        self._waiting = data[whole:]
        for at in range(0, whole, self._frame):
            self._put(data[at : at + self._frame])

    def _put(self, pcm: bytes) -> None:
        if self._container is None or self._stream is None:
            self._container, self._stream = self._opened()
        samples = np.frombuffer(pcm, dtype="<i2").reshape(1, -1)
        frame = AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate = self._codec_hz
        frame.pts = self._at
        self._at += samples.size
        self._container.mux(self._stream.encode(frame))

    def _opened(self) -> tuple[OutputContainer, AudioStream]:
        pages = {"page_duration": "20000", "flush_packets": "1", "fflags": "+bitexact"}
        container = av.open(self._pages, "w", format="ogg", options=pages)  # bitexact: no random id
        options = {
            "frame_duration": "20",
            "vbr": "constrained",
            "application": "voip" if self._bit_rate < _SPEECH_MODE_KBPS else "audio",
        }
        stream = container.add_stream("libopus", rate=self._codec_hz, options=options)
        stream.codec_context.layout = "mono"
        stream.codec_context.bit_rate = self._bit_rate * 1000
        return container, stream
