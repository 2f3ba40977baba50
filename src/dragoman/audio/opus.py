"""Opus in Ogg by libopus (PyAV), mono, 20 ms a packet and a page.

Scope: one encoder and the rules of the format. Opus has 8, 12, 16, 24 and 48 kHz, so 22.05 kHz is
resampled to 24 and 44.1 to 48. Pre-skip and the last granule position are exact, so a decoder gives
back the samples that went in (at 48 kHz, as Opus always decodes; RFC 6716, RFC 7845).

A page per packet costs 12 kbit/s. The codec gets the requested bit rate less that, so that the
whole stream has the requested one, but at least 16 kbit/s or the requested rate if that is less.
libopus accepts 6 to 256 kbit/s for mono; the rate varies as its "constrained" mode allows. The
first 20 ms give the header pages (97 bytes), every further 20 ms a page of audio.
"""

from __future__ import annotations

import av
import numpy as np
from av import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer

from dragoman.audio.pcm import SAMPLE_BYTES, WholeSamples
from dragoman.audio.resample import Resampler

LOWEST_KBPS, HIGHEST_KBPS = 6, 256
CONTAINER_KBPS = 12
_CODEC_MIN_KBPS = 16
_SPEECH_MODE_BELOW_KBPS = 32
_PACKETS_PER_S = 50
_CODEC_RATES_HZ = (8_000, 12_000, 16_000, 24_000, 48_000)


def opus_codec_rate_hz(rate_hz: int) -> int:
    """The codec's sample rate for input at ``rate_hz``: the same, or the next higher one."""
    if rate_hz < 1:
        raise ValueError(f"not a sample rate: {rate_hz}")
    return next((known for known in _CODEC_RATES_HZ if known >= rate_hz), _CODEC_RATES_HZ[-1])


def opus_codec_bit_rate(bit_rate: int) -> int:
    """The codec's bit rate (kbit/s) in a stream of ``bit_rate``, which includes the container."""
    codec = max(min(bit_rate, _CODEC_MIN_KBPS), bit_rate - CONTAINER_KBPS)
    return max(LOWEST_KBPS, min(HIGHEST_KBPS, codec))


class _Pages:
    """The file that the muxer writes to; ``take`` returns what was written since the last call."""

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
    """An ``audio.encoder.Encoder`` that makes Opus in Ogg."""

    def __init__(self, rate_hz: int, bit_rate: int) -> None:
        self._codec_hz = opus_codec_rate_hz(rate_hz)
        self._bit_rate = opus_codec_bit_rate(bit_rate)
        self._resampler = Resampler(rate_hz, self._codec_hz)
        self._whole = WholeSamples()
        self._block_bytes = rate_hz // _PACKETS_PER_S * SAMPLE_BYTES
        self._frame_bytes = self._codec_hz // _PACKETS_PER_S * SAMPLE_BYTES
        self._for_resampler = b""  # less than one block
        self._for_codec = b""  # less than one frame
        self._encoded_samples = 0
        self._finished = False
        self._pages = _Pages()
        self._container: OutputContainer | None = None
        self._stream: AudioStream | None = None

    def feed(self, pcm: bytes) -> bytes:
        """Encode more; every 20 ms give a page."""
        if self._finished:
            raise ValueError("this stream is complete; make a new encoder")
        data = self._for_resampler + self._whole.take(pcm)
        whole = len(data) - len(data) % self._block_bytes
        self._for_resampler = data[whole:]
        for at in range(0, whole, self._block_bytes):
            self._encode(self._resampler.feed(data[at : at + self._block_bytes]))
        return self._pages.take()

    def finish(self) -> bytes:
        """The last frame, the codec's lookahead, and the end-of-stream page."""
        if self._finished:
            return b""
        self._encode(self._resampler.feed(self._for_resampler) + self._resampler.flush())
        if self._for_codec:
            self._encode_frame(self._for_codec)
        if self._container is not None and self._stream is not None:
            self._container.mux(self._stream.encode(None))
        self.close()
        return self._pages.take()

    def close(self) -> None:
        """Free PyAV's objects, which otherwise wait for the cycle collector."""
        self._finished = True
        container, self._container, self._stream = self._container, None, None
        if container is not None:
            container.close()

    def _encode(self, pcm: bytes) -> None:
        data = self._for_codec + pcm
        whole = len(data) - len(data) % self._frame_bytes
        self._for_codec = data[whole:]
        for at in range(0, whole, self._frame_bytes):
            self._encode_frame(data[at : at + self._frame_bytes])

    def _encode_frame(self, pcm: bytes) -> None:
        if self._container is None or self._stream is None:
            self._container, self._stream = self._open()
        samples = np.frombuffer(pcm, dtype="<i2").reshape(1, -1)
        frame = AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate = self._codec_hz
        frame.pts = self._encoded_samples
        self._encoded_samples += samples.size
        self._container.mux(self._stream.encode(frame))

    def _open(self) -> tuple[OutputContainer, AudioStream]:
        pages = {"page_duration": "20000", "flush_packets": "1", "fflags": "+bitexact"}
        container = av.open(self._pages, "w", format="ogg", options=pages)  # bitexact: no random id
        options = {
            "frame_duration": "20",
            "vbr": "constrained",
            "application": "voip" if self._bit_rate < _SPEECH_MODE_BELOW_KBPS else "audio",
        }
        stream = container.add_stream("libopus", rate=self._codec_hz, options=options)
        stream.codec_context.layout = "mono"
        stream.codec_context.bit_rate = self._bit_rate * 1000
        return container, stream
