"""Opus packets to the PCM that recognisers hear.

Law of this file: one object per stream, blocking, a fraction of a millisecond for a packet. What
goes in lasts as long as it says (``protocol.interpretation.opus_packets``), and so does what comes
out: a packet that cannot be decoded becomes silence of its length, so the clock of the session
stays right. PyAV is imported when the first decoder is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dragoman.audio.resample import Resampler

if TYPE_CHECKING:
    from av.audio.codeccontext import AudioCodecContext

_CODEC_HZ = 48_000
_BYTES = 2


class OpusDecoder:
    """One stream of packets to s16le mono at ``rate_hz``; stereo is mixed down."""

    def __init__(self, rate_hz: int) -> None:
        import av  # noqa: PLC0415 - heavy, see above

        self._av: Any = av
        self._codec: AudioCodecContext = av.CodecContext.create("libopus", "r")
        self._codec.sample_rate = _CODEC_HZ
        self._codec.layout = "mono"
        self._mono = av.AudioResampler("s16", "mono", _CODEC_HZ)
        self._resampler = Resampler(_CODEC_HZ, rate_hz)

    def feed(self, packet: bytes, ms: float) -> bytes:
        """The sound of one packet that lasts ``ms``."""
        size = int(ms * _CODEC_HZ / 1000) * _BYTES
        try:
            frames = self._codec.decode(self._av.Packet(packet))
            pcm = b"".join(
                plain.to_ndarray().tobytes()
                for frame in frames
                for plain in self._mono.resample(frame)
            )
        except (self._av.FFmpegError, ValueError):
            pcm = b""
        return self._resampler.feed(pcm[:size].ljust(size, b"\0"))
