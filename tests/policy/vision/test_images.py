"""Pictures: what they are, how large, how often."""

import struct

import av
import numpy as np
import pytest

from dragoman.policy.vision.images import ImageBucket, ImageInfo, inspect

SOI, SOF0, SOF2 = b"\xff\xd8", b"\xff\xc0", b"\xff\xc2"


def frame(marker, width, height):
    return marker + b"\x00\x0b\x08" + struct.pack(">HH", height, width) + b"\x01\x01\x11\x00"


def encoded(codec, pixels, width, height):
    """A real picture by a real encoder."""
    encoder = av.CodecContext.create(codec, "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, pixels
    encoder.framerate = 1
    picture = av.VideoFrame.from_ndarray(np.zeros((height, width, 3), np.uint8), format="rgb24")
    packets = encoder.encode(picture.reformat(format=pixels)) + encoder.encode(None)
    return b"".join(bytes(packet) for packet in packets)


@pytest.mark.parametrize(
    ("codec", "pixels", "kind"), [("mjpeg", "yuvj420p", "jpeg"), ("png", "rgb24", "png")]
)
def test_real_pictures(codec, pixels, kind):
    assert inspect(encoded(codec, pixels, 64, 48)) == ImageInfo(kind, 64, 48)


@pytest.mark.parametrize(("scans", "known"), [(1, True), (100, True), (101, False)])
def test_a_jpeg_of_endless_scans_is_no_picture(scans, known):
    """500 kB of them would keep a decoder busy for more than a minute."""
    scan = b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00\xff\x00\xda"
    picture = inspect(SOI + frame(SOF2, 1920, 1080) + scan * scans)
    assert picture == (ImageInfo("jpeg", 1920, 1080) if known else None)


@pytest.mark.parametrize("marker", [b"\xff", b"\xff\xd0", b"\xff\xe0\x00\x02"])
def test_a_jpeg_of_endless_markers_is_no_picture(marker):
    """Looking through 500 kB of them would stop the event loop for a tenth of a second."""
    assert inspect(SOI + marker * 400 + frame(SOF0, 64, 48)) == ImageInfo("jpeg", 64, 48)
    assert inspect(SOI + marker * 2000 + frame(SOF0, 64, 48)) is None


def test_progressive_jpeg_with_thumbnail_like_segments_and_fill_bytes():
    exif = b"\xff\xe1" + struct.pack(">H", 2 + 30) + SOI + frame(SOF0, 16, 16) + bytes(15)
    tables = b"\xff\xc4\x00\x04\x00\x00" + b"\xff\xff\xff\xdb\x00\x03\x00"
    assert inspect(SOI + exif + tables + frame(SOF2, 1280, 720)) == ImageInfo("jpeg", 1280, 720)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GIF89a\x10\x00\x10\x00",
        b"RIFF\x00\x00\x00\x00WEBPVP8 ",
        SOI,
        SOI + b"\xff",
        SOI + b"\xff\xe0\x00\x01",
        SOI + b"\xff\xe0\xff\xff",
        SOI + b"\xff\xda\x00\x02",
        SOI + frame(SOF0, 0, 16),
        SOI + frame(SOF0, 16, 16)[:6],
        SOI + b"\xff\xe0\x00\x04ab" + b"no marker",
        b"\x89PNG\r\n\x1a\n",
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIDAT" + bytes(8),
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(8),
    ],
)
def test_no_picture(data):
    assert inspect(data) is None


@pytest.mark.parametrize(
    ("width", "height", "fits"),
    [
        (1920, 1080, True),
        (1080, 1920, True),
        (1921, 1080, False),
        (1081, 1081, False),
        (1, 1, True),
    ],
)
def test_size_limit_in_either_orientation(width, height, fits):
    assert ImageInfo("jpeg", width, height).fits is fits


def test_the_cost_is_half_a_token_for_each_square_touched():
    assert ImageInfo("jpeg", 640, 480).tokens(32) == 20 * 15 / 2
    assert ImageInfo("jpeg", 33, 32).tokens(32) == 1.0
    assert ImageInfo("jpeg", 640, 480).tokens(28) == 23 * 18 / 2


def test_four_at_once_then_two_a_second():
    bucket = ImageBucket()
    assert [bucket.admit(100.0) for _ in range(6)] == [True] * 4 + [False] * 2
    assert not bucket.admit(100.4)
    assert bucket.admit(100.5)
    assert not bucket.admit(100.5)
    assert [bucket.admit(200.0) for _ in range(5)] == [True] * 4 + [False]


def test_a_clock_that_stops_or_goes_back_gives_no_token():
    bucket = ImageBucket(rate=2.0, burst=1)
    assert bucket.admit(10.0)
    assert not bucket.admit(5.0)
    assert not bucket.admit(5.4)
    assert bucket.admit(5.6)
