"""What comes in: whole samples, bounded waiting, lawful pictures."""

import base64
import struct

import pytest

from dragoman.families.livetranslate import QWEN35
from dragoman.session.base import Rejected
from dragoman.session.intake import Images, Speech, payload


def b64(data):
    return base64.b64encode(data).decode()


def jpeg(width, height, padding=0):
    head = b"\xff\xd8\xff\xc0\x00\x0b\x08" + struct.pack(">HH", height, width)
    return head + b"\x01\x01\x11\x00" + bytes(padding)


def test_odd_bytes_are_carried_over():
    speech = Speech(1000)
    got = [speech.accept(b64(piece), 16_000, keep=False) for piece in (b"a", b"bcd", b"e", b"f")]
    assert got == [b"", b"abcd", b"", b"ef"]


def test_half_a_sample_is_not_yet_speech():
    speech = Speech(1000)
    speech.accept(b64(b"a"), 16_000, keep=False)
    assert not speech.has_come
    speech.accept(b64(b"b"), 16_000, keep=False)
    assert speech.has_come


def test_clear_forgets_the_half_sample_too():
    speech = Speech(1000)
    speech.accept(b64(b"abc"), 16_000, keep=True)
    speech.clear()
    assert not speech.waiting
    assert speech.accept(b64(b"de"), 16_000, keep=False) == b"de"


def test_what_waits_is_bounded_and_kept():
    speech = Speech(6)
    speech.accept(b64(b"abcde"), 16_000, keep=True)
    with pytest.raises(Rejected) as refused:
        speech.accept(b64(b"fgh"), 16_000, keep=True)
    assert refused.value.param == "audio"
    speech.accept(b64(b"f"), 16_000, keep=True)  # the half sample is still there
    assert speech.take() == b"abcdef"
    assert not speech.waiting


def test_media_time_counts_pushed_samples_at_their_rate():
    speech = Speech(1000)
    speech.pushed(1600, 8_000)
    assert speech.pushed_ms == 100
    speech.pushed(8, 8_000)
    assert speech.pushed_ms == 100
    speech.pushed(8, 8_000)
    assert speech.pushed_ms == 101


@pytest.mark.parametrize("text", ["***", "A", "AAAAA"])
def test_bad_base64_names_its_field(text):
    with pytest.raises(Rejected) as refused:
        payload(text, "audio")
    assert (refused.value.code, refused.value.param) == ("invalid_value", "audio")


@pytest.mark.parametrize("text", ["AAA", "AAA=", "AA\nA=", "-_8", "+/8="])
def test_base64_as_real_clients_write_it(text):
    assert len(payload(text, "audio")) == 2


def test_pictures_are_checked_before_they_are_counted():
    images = Images(QWEN35.tariff, 100, strict=True)
    for bad in (jpeg(2000, 100), jpeg(10, 10, 200), b"GIF89a"):
        for _ in range(5):
            with pytest.raises(Rejected):
                images.accept(b64(bad), 0, now=1.0)
    good = [images.accept(b64(jpeg(64, 64)), 40, now=1.0) for _ in range(4)]
    assert [picture.at_ms for picture in good] == [40] * 4
    with pytest.raises(Rejected):
        images.accept(b64(jpeg(64, 64)), 40, now=1.0)
    assert images.take_tokens() == 4 * 2.0
    assert images.take_tokens() == 0


def test_too_fast_is_only_dropped_by_default():
    images = Images(QWEN35.tariff, 100, strict=False)
    taken = [images.accept(b64(jpeg(8, 8)), 0, now=1.0) is not None for _ in range(6)]
    assert taken == [True] * 4 + [False] * 2
