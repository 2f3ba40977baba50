"""MPEG layer III by LAME (``lameenc``, LGPL-3.0), mono, constant bit rate.

Scope: one encoder and the rules of the format. All sample rates of the API are native: 8 kHz is
MPEG 2.5, 16 to 24 kHz MPEG 2 (576 samples per frame), 44.1 and 48 kHz MPEG 1 (1152 samples). No
Xing, Info or LAME header frame is written, because it contains the length of the stream.

A decoded stream is longer than the input: the codec delays it by 1105 samples (576 in the encoder,
529 in any decoder) and pads the last frame; measured 23 to 108 ms in all at 16 kHz and above. At
8 kHz the delay alone is 138 ms, so final frames of digital silence are dropped: speech followed by
a pause gets at most 120 ms longer, speech up to the last sample up to 216 ms. The first bytes come
after less than two frames of input. (ISO/IEC 11172-3, 13818-3; LAME's technical FAQ.)
"""

from __future__ import annotations

import lameenc

from dragoman.audio.pcm import SAMPLE_BYTES, WholeSamples

DELAY_SAMPLES = 576 + 529
"""Delay of a decoded stream: LAME's encoder and the standard's decoder."""

_MPEG1 = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_MPEG2 = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_MPEG25 = (8, 16, 24, 32, 40, 48, 56, 64)
_BIT_RATES = {
    **dict.fromkeys((32_000, 44_100, 48_000), _MPEG1),
    **dict.fromkeys((16_000, 22_050, 24_000), _MPEG2),
    **dict.fromkeys((8_000, 11_025, 12_000), _MPEG25),
}
_QUALITY = 5  # 0 best, 9 fastest; 2 would cost three times as much
_MAX_EXTRA_MS = 120


def mp3_bit_rate(rate_hz: int, bit_rate: int) -> int:
    """The standard bit rate (kbit/s) nearest to ``bit_rate``; of two equally near, the lower.

    Raises ``ValueError`` for a sample rate that MPEG layer III does not have.
    """
    if rate_hz not in _BIT_RATES:
        raise ValueError(f"mp3 has no sample rate of {rate_hz} Hz")
    return min(_BIT_RATES[rate_hz], key=lambda known: abs(known - bit_rate))


class Mp3Encoder:
    """An ``audio.encoder.Encoder`` that makes MPEG layer III."""

    def __init__(self, rate_hz: int, bit_rate: int) -> None:
        self.bit_rate = mp3_bit_rate(rate_hz, bit_rate)
        self._rate_hz = rate_hz
        self._whole = WholeSamples()
        self._samples_in = 0
        self._samples_with_sound = 0  # up to the last one that is not zero
        self._bytes_out = 0
        lame = lameenc.Encoder()
        lame.set_channels(1)
        lame.set_in_sample_rate(rate_hz)
        lame.set_out_sample_rate(rate_hz)  # LAME would choose a lower one at low bit rates
        lame.set_bit_rate(self.bit_rate)
        lame.set_quality(_QUALITY)
        lame.silence()  # else it prints a log
        self._lame: lameenc.Encoder | None = lame

    def feed(self, pcm: bytes) -> bytes:
        """Encode more; LAME collects whole frames itself."""
        if self._lame is None:
            raise ValueError("this stream is complete; make a new encoder")
        data = self._whole.take(pcm)
        if not data:
            return b""
        with_sound = len(data.rstrip(b"\0"))
        if with_sound:
            self._samples_with_sound = self._samples_in + -(-with_sound // SAMPLE_BYTES)
        self._samples_in += len(data) // SAMPLE_BYTES
        out = bytes(self._lame.encode(data))
        self._bytes_out += len(out)
        return out

    def finish(self) -> bytes:
        """End the stream; returns up to three frames."""
        lame, self._lame = self._lame, None
        if lame is None or not self._samples_in:
            return b""
        rest = bytes(lame.flush())
        return rest if self._rate_hz != 8_000 else rest[: self._max_bytes() - self._bytes_out]

    def _max_bytes(self) -> int:
        """The most bytes of a stream at 8 kHz, where all frames have one size, without padding."""
        frame = 576
        allowed = self._samples_in + self._rate_hz * _MAX_EXTRA_MS // 1000
        needed = -(-(self._samples_with_sound + DELAY_SAMPLES) // frame)
        return max(allowed // frame, needed) * (frame * self.bit_rate * 1000 // 8 // self._rate_hz)

    def close(self) -> None:
        """Free LAME."""
        self._lame = None
