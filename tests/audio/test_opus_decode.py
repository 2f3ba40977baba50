"""A decoded Opus packet has the duration of the packet, whatever is in it."""

from __future__ import annotations

import numpy as np
import pytest

from dragoman.audio.opus_decode import OpusDecoder
from dragoman.audio.pcm import to_float
from dragoman.protocol.audio_input.opus_packets import OpusFraming
from tests.audio.ogg_stream import STREAM, ogg


@pytest.mark.parametrize("rate_hz", [8_000, 16_000])
def test_a_tone_keeps_its_pitch_and_level(rate_hz: int) -> None:
    decoder = OpusDecoder(rate_hz)
    packets = OpusFraming().feed(STREAM)
    pcm = b"".join(decoder.feed(packet.data, packet.ms) for packet in packets)
    due = sum(packet.ms for packet in packets) * rate_hz / 1000
    assert abs(len(pcm) / 2 - due) <= rate_hz * 0.003, "a resampler holds back 2 ms at most"
    sound = to_float(pcm)[rate_hz // 4 : rate_hz // 4 * 3]
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    assert abs(np.argmax(spectrum) * rate_hz / len(sound) - 440) < 5
    assert 0.15 < np.abs(sound).max() < 0.35


def test_a_broken_packet_is_silence_of_its_length() -> None:
    decoder = OpusDecoder(16_000)
    packets = OpusFraming().feed(ogg(0.2))
    sizes = [len(decoder.feed(packet.data, packet.ms)) for packet in packets[:3]]
    broken = decoder.feed(b"\xfb\x43\xff" + b"\xff" * 3, 60.0)  # lengths that do not add up
    assert abs(len(broken) - 3 * sizes[-1]) <= 64
    again = decoder.feed(packets[3].data, packets[3].ms)
    assert abs(len(again) - sizes[-1]) <= 64
