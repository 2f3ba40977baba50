"""What comes in: whole samples, bounded waiting."""

import base64
import struct

import pytest

from dragoman.protocol.audio_input.speech_intake import SpeechIntake, payload
from dragoman.protocol.core.session import Rejected
from dragoman.speech import Audio

PCM = {"rate_hz": 16_000, "opus": False}
OPUS = {"rate_hz": 16_000, "opus": True}


def joined(pieces):
    return b"".join(piece.pcm for piece in pieces)


def b64(data):
    return base64.b64encode(data).decode()


def test_odd_bytes_are_carried_over():
    speech = SpeechIntake(1000)
    got = [
        joined(speech.accept(b64(piece), **PCM, keep=False)) for piece in (b"a", b"bcd", b"e", b"f")
    ]
    assert got == [b"", b"abcd", b"", b"ef"]


def test_half_a_sample_is_not_yet_speech():
    speech = SpeechIntake(1000)
    speech.accept(b64(b"a"), **PCM, keep=False)
    assert not speech.has_come
    speech.accept(b64(b"b"), **PCM, keep=False)
    assert speech.has_come


def test_clear_forgets_the_half_sample_too():
    speech = SpeechIntake(1000)
    speech.accept(b64(b"abc"), **PCM, keep=True)
    speech.clear()
    assert not speech.waiting
    assert speech.accept(b64(b"de"), **PCM, keep=False) == [Audio(b"de")]


def test_what_waits_is_bounded_and_kept():
    speech = SpeechIntake(6)
    speech.accept(b64(b"abcde"), **PCM, keep=True)
    with pytest.raises(Rejected) as refused:
        speech.accept(b64(b"fgh"), **PCM, keep=True)
    assert refused.value.param == "audio"
    speech.accept(b64(b"f"), **PCM, keep=True)  # the half sample is still there
    assert speech.take(16_000) == [Audio(b"abcdef")]
    assert not speech.waiting


def test_opus_that_waits_is_bounded_by_its_bytes_too():
    speech = SpeechIntake(1_000_000)
    packet = b64(b"\xe0" + bytes(60_000))  # 2.5 ms
    for _ in range(16):
        speech.accept(packet, **OPUS, keep=True)
    with pytest.raises(Rejected):
        speech.accept(packet, **OPUS, keep=True)
    assert 900_000 < speech.waiting_bytes <= 1_000_000
    speech.clear()
    assert speech.waiting_bytes == 0


def test_speech_is_pushed_in_pieces_of_a_second():
    pieces = SpeechIntake(1000).accept(b64(bytes(70_000)), **PCM, keep=False)
    assert [len(piece.pcm) for piece in pieces] == [32_000, 32_000, 6_000]


def test_opus_packets_wait_and_are_counted_by_what_they_last():
    packet = b"\x08" + bytes(30)  # 20 ms
    speech = SpeechIntake(16_000 * 2 // 50 * 2)  # 40 ms of PCM at 16 kHz, whatever the settings say
    assert speech.accept(b64(packet), **OPUS, keep=False) == [Audio(packet, 20.0)]
    assert speech.accept(b64(packet), **OPUS, keep=True) == []
    assert speech.accept(b64(packet), **OPUS, keep=True) == []
    with pytest.raises(Rejected) as refused:
        speech.accept(b64(packet), **OPUS, keep=True)
    assert "full" in refused.value.message
    waited = speech.take(16_000)
    assert waited == [Audio(packet, 20.0)] * 2
    assert not speech.waiting
    for audio in waited:
        speech.count_pushed(audio, 16_000)
    assert speech.pushed_ms == 40
    with pytest.raises(Rejected) as refused:
        speech.accept(b64(b"\x0b"), **OPUS, keep=False)  # code 3 without its count
    assert "neither an Opus packet nor part of an Ogg stream" in refused.value.message


def test_media_time_counts_pushed_samples_at_their_rate():
    speech = SpeechIntake(1000)
    speech.count_pushed(Audio(bytes(1600)), 8_000)
    assert speech.pushed_ms == 100
    speech.count_pushed(Audio(bytes(8)), 8_000)
    assert speech.pushed_ms == 100
    speech.count_pushed(Audio(bytes(8)), 8_000)
    assert speech.pushed_ms == 101


@pytest.mark.parametrize("text", ["***", "A", "AAAAA"])
def test_bad_base64_names_its_field(text):
    with pytest.raises(Rejected) as refused:
        payload(text, "audio")
    assert (refused.value.code, refused.value.param) == ("invalid_value", "audio")


@pytest.mark.parametrize("text", ["AAA", "AAA=", "AA\nA=", "-_8", "+/8="])
def test_base64_as_real_clients_write_it(text):
    assert len(payload(text, "audio")) == 2


@pytest.mark.parametrize("cut", range(1, 8))
def test_an_ogg_stream_may_begin_with_any_few_bytes(cut):
    packet = b"\x08" + bytes(30)
    page = struct.pack("<4sBBqIIIB", b"OggS", 0, 0, 960, 1, 0, 0, 1) + bytes([len(packet)]) + packet
    speech = SpeechIntake(1000)
    assert speech.accept(b64(page[:cut]), **OPUS, keep=False) == []
    assert not speech.has_come
    assert speech.accept(b64(page[cut:]), **OPUS, keep=False) == [Audio(packet, 20.0)]
