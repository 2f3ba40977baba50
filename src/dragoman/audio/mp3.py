"""MPEG layer III by LAME (``lameenc``, LGPL-3.0), mono, constant bit rate.

Law of this file: one class and what the format dictates. All rates of the API are native: 8 kHz
is MPEG 2.5, 16 to 24 kHz MPEG 2 (frames of 576 samples), 44.1 and 48 kHz MPEG 1 (1152 samples).
No Xing, Info or LAME header frame is written: it would have to know the length in advance.

A decoded stream is longer than the sound by the codec's delay: the sound begins 1105 samples
late (576 of the encoder, 529 of any decoder) and ends before the last frame does. Measured:
23 to 108 ms in all at 16 kHz and above. At 8 kHz the delay alone is 138 ms; there, final frames
that hold only digital silence are left away, so that speech with its usual pause behind stays
within 120 ms; sound up to the very last sample makes it up to 216 ms. The first bytes come after
less than two frames of sound. (ISO/IEC 11172-3, 13818-3; LAME's technical FAQ.)
"""

from __future__ import annotations

import lameenc

from dragoman.audio.encode import WholeSamples
from dragoman.audio.pcm import SAMPLE_BYTES

DELAY_SAMPLES = 576 + 529
"""How late sound is in the decoded stream: LAME's encoder and the standard's decoder."""

_MPEG1 = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_MPEG2 = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_MPEG25 = (8, 16, 24, 32, 40, 48, 56, 64)
_BIT_RATES = {
    **dict.fromkeys((32_000, 44_100, 48_000), _MPEG1),
    **dict.fromkeys((16_000, 22_050, 24_000), _MPEG2),
    **dict.fromkeys((8_000, 11_025, 12_000), _MPEG25),
}
_QUALITY = 5  # 0 best, 9 fastest; 2 would cost three times as much
_LONGEST_EXTRA_MS = 120


def mp3_bit_rate(rate_hz: int, bit_rate: int) -> int:
    """The bit rate (kbit/s) of the standard nearest to the one asked for; the lower of two.

    Raises ``ValueError`` for a rate that MPEG layer III does not have.
    """
    if rate_hz not in _BIT_RATES:
        raise ValueError(f"mp3 has no sample rate of {rate_hz} Hz")
    return min(_BIT_RATES[rate_hz], key=lambda known: abs(known - bit_rate))


class Mp3Encoder:
    """An ``Encoder``; see the head of this file."""

    def __init__(self, rate_hz: int, bit_rate: int) -> None:
        self.bit_rate = mp3_bit_rate(rate_hz, bit_rate)
        self._rate_hz = rate_hz
        self._samples = WholeSamples()
        self._taken = 0  # samples
        self._sounding = 0  # samples up to the last one that is not zero
        self._given = 0  # bytes
        lame = lameenc.Encoder()
        lame.set_channels(1)
        lame.set_in_sample_rate(rate_hz)
        lame.set_out_sample_rate(rate_hz)  # LAME would choose a lower one at low bit rates
        lame.set_bit_rate(self.bit_rate)
        lame.set_quality(_QUALITY)
        lame.silence()  # it would print what it does
        self._lame: lameenc.Encoder | None = lame

    def feed(self, pcm: bytes) -> bytes:
        """As in the Protocol. LAME itself works on whole frames, whatever it is fed."""
        if self._lame is None:
            raise ValueError("this stream is complete; make a new encoder")
        data = self._samples.of(pcm)
        if not data:
            return b""
        sounding = len(data.rstrip(b"\0"))
        if sounding:
            self._sounding = self._taken + -(-sounding // SAMPLE_BYTES)
        self._taken += len(data) // SAMPLE_BYTES
        out = bytes(self._lame.encode(data))
        self._given += len(out)
        return out

    def finish(self) -> bytes:
        """As in the Protocol: up to three frames."""
        lame, self._lame = self._lame, None
        if lame is None or not self._taken:
            return b""
        rest = bytes(lame.flush())
        return rest if self._rate_hz != 8_000 else rest[: self._most_bytes() - self._given]

    def _most_bytes(self) -> int:
        """How long a stream at 8 kHz may get; all frames have one size there, without padding."""
        frame = 576
        allowed = self._taken + self._rate_hz * _LONGEST_EXTRA_MS // 1000
        needed = -(-(self._sounding + DELAY_SAMPLES) // frame)
        return max(allowed // frame, needed) * (frame * self.bit_rate * 1000 // 8 // self._rate_hz)

    def close(self) -> None:
        """As in the Protocol."""
        self._lame = None
