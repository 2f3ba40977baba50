"""The fingerprint of a picture: what it tells apart, and what it costs."""

from __future__ import annotations

import resource
import struct
import zlib

import av
import numpy as np
import pytest

from dragoman.policy.vision.onscreen import looks_the_same
from dragoman.runtime.hosts.image_fingerprint import ACROSS, DOWN, image_fingerprint


def png(shade: int, *ancillary: bytes, width: int = 64, height: int = 36) -> bytes:
    rows = b"".join(b"\0" + bytes([shade]) * (3 * width) for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(rows))
    parts = (chunk(b"IHDR", header), *ancillary, pixels, chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def jpeg(shade: int) -> bytes:
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.framerate = 128, 72, "yuvj420p", 1
    picture = av.VideoFrame.from_ndarray(np.full((72, 128, 3), shade, np.uint8), format="rgb24")
    packets = encoder.encode(picture.reformat(format="yuvj420p")) + encoder.encode(None)
    return b"".join(map(bytes, packets))


def test_the_same_picture_in_either_format_looks_the_same_and_another_does_not() -> None:
    prints = [image_fingerprint(data) for data in (png(40), jpeg(40), png(200), jpeg(200))]
    assert all(len(print_) == ACROSS * DOWN for print_ in prints)
    assert looks_the_same(prints[0], prints[1])
    assert looks_the_same(prints[2], prints[3])
    assert not looks_the_same(prints[0], prints[2])


@pytest.mark.parametrize("kind", [b"zTXt", b"iCCP"])
def test_what_a_png_has_besides_pixels_is_not_unpacked(kind: bytes) -> None:
    hidden = chunk(kind, b"a\0\0" + zlib.compress(bytes(100_000_000), 1))
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert image_fingerprint(png(40, hidden)) == image_fingerprint(png(40))
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib
    assert grown_kib < 50_000


@pytest.mark.parametrize("data", [b"", b"GIF89a", png(1)[:30], jpeg(1)[:300]])
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="not a picture"):
        image_fingerprint(data)


def test_more_pixels_than_a_picture_may_have_are_refused() -> None:
    with pytest.raises(ValueError, match="not a picture"):
        image_fingerprint(png(1, width=4000, height=2000))
