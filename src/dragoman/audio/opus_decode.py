"""Decodes Opus packets to PCM for the recognisers.

Scope: one decoder per stream, blocking, under a millisecond per packet. A packet that cannot be
decoded becomes silence of its duration, so that the media time of the session stays right. PyAV is
imported when the first decoder is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dragoman.audio.pcm import SAMPLE_BYTES
from dragoman.audio.resample import Resampler

if TYPE_CHECKING:
    from av.audio.codeccontext import AudioCodecContext

_CODEC_HZ = 48_000


class OpusDecoder:
    """Decodes one stream to s16le mono at ``rate_hz``; stereo is mixed down."""

    def __init__(self, rate_hz: int) -> None:
        import av  # noqa: PLC0415  # heavy

        self._av: Any = av
        self._codec: AudioCodecContext = av.CodecContext.create("libopus", "r")
        self._codec.sample_rate = _CODEC_HZ
        self._codec.layout = "mono"
        self._mono = av.AudioResampler("s16", "mono", _CODEC_HZ)
        self._resampler = Resampler(_CODEC_HZ, rate_hz)

    def feed(self, packet: bytes, ms: float) -> bytes:
        """The PCM of one packet that lasts ``ms``."""
        size = int(ms * _CODEC_HZ / 1000) * SAMPLE_BYTES
        try:
            frames = self._codec.decode(self._av.Packet(packet))
            pcm = b"".join(
                mono.to_ndarray().tobytes()
                for frame in frames
                for mono in self._mono.resample(frame)
            )
        except (self._av.FFmpegError, ValueError):
            pcm = b""
        return self._resampler.feed(pcm[:size].ljust(size, b"\0"))
