"""The pictures of a client: checked before they are counted, dropped when they come too fast."""

import base64
import struct

import pytest

from dragoman.protocol.core.session import Rejected
from dragoman.protocol.interpretation.generations import QWEN35
from dragoman.protocol.interpretation.image_intake import ImageIntake


def b64(data):
    return base64.b64encode(data).decode()


def jpeg(width, height, padding=0):
    head = b"\xff\xd8\xff\xc0\x00\x0b\x08" + struct.pack(">HH", height, width)
    return head + b"\x01\x01\x11\x00" + bytes(padding)


def test_pictures_are_checked_before_they_are_counted():
    images = ImageIntake(QWEN35.tariff, 100, strict=True)
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
    images = ImageIntake(QWEN35.tariff, 100, strict=False)
    taken = [images.accept(b64(jpeg(8, 8)), 0, now=1.0) is not None for _ in range(6)]
    assert taken == [True] * 4 + [False] * 2
