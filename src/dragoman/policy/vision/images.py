"""What a picture is, and how often one may come.

Scope: pure functions of bytes and of the time that they are given. No picture is decoded, and no
library is used that could be made to decode one. The first bytes tell the format, the headers the
size (``IHDR`` of a PNG, the first start-of-frame segment of a JPEG). The limits are those of the
API's documents: 1080p in either orientation, two pictures a second with a token bucket of four.

A JPEG may have many scans, and each costs a decoder a pass over all pixels: 40,000 of them are a
minute of work in 500 kB. Cameras write one, progressive encoders about ten.
"""

from __future__ import annotations

from typing import Literal

import msgspec

LONG_SIDE_PX = 1920
SHORT_SIDE_PX = 1080
MOST_SCANS = 100
MOST_MARKERS = 1000
"""Before the frame, fill bytes included. A colour profile is in 255 pieces at most."""

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
# Start-of-frame markers; C4, C8 and CC in their range are tables and extensions.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SCAN = b"\xff\xda"  # in what is compressed, a zero follows every FF
# Markers without a length: TEM, the restart markers and a second start of image.
_BARE = frozenset((0x01, *range(0xD0, 0xD9)))


class ImageInfo(msgspec.Struct, frozen=True):
    """Format and size of a picture."""

    kind: Literal["jpeg", "png"]
    width_px: int
    height_px: int

    @property
    def fits(self) -> bool:
        """Whether it is at most 1080p, in portrait or landscape."""
        long, short = max(self.width_px, self.height_px), min(self.width_px, self.height_px)
        return long <= LONG_SIDE_PX and short <= SHORT_SIDE_PX

    def tokens(self, square_px: int) -> float:
        """Its cost in tokens: half a token for each square of this side that it touches."""
        across, down = -(-self.width_px // square_px), -(-self.height_px // square_px)
        return across * down * 0.5


def inspect(data: bytes) -> ImageInfo | None:
    """The picture in these bytes, or None if they are no JPEG or PNG with a readable header, or a
    JPEG of more than ``MOST_SCANS``, or with very many markers before its frame.
    """
    if data.startswith(_PNG):
        return _png(data)
    if data.startswith(_JPEG) and data.count(_SCAN) <= MOST_SCANS:
        return _jpeg(data)
    return None


def _png(data: bytes) -> ImageInfo | None:
    if len(data) < 24 or data[12:16] != b"IHDR":
        return None
    return _picture("png", data[16:20], data[20:24])


def _jpeg(data: bytes) -> ImageInfo | None:
    at = 2
    for _ in range(MOST_MARKERS):
        if at + 4 > len(data) or data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF:  # fill byte before a marker
            at += 1
        elif marker in _BARE:
            at += 2
        elif marker in _FRAMES:
            return _picture("jpeg", data[at + 7 : at + 9], data[at + 5 : at + 7])
        elif marker in (0xD9, 0xDA):  # end of image, or scan data before any frame
            return None
        else:
            length = int.from_bytes(data[at + 2 : at + 4], "big")
            if length < 2:
                return None
            at += 2 + length
    return None


def _picture(kind: Literal["jpeg", "png"], width: bytes, height: bytes) -> ImageInfo | None:
    width_px, height_px = int.from_bytes(width, "big"), int.from_bytes(height, "big")
    if not width_px or not height_px:
        return None
    return ImageInfo(kind, width_px, height_px)


class ImageBucket:
    """Token bucket: ``burst`` pictures at once, ``rate`` a second in the long run."""

    def __init__(self, rate: float = 2.0, burst: int = 4) -> None:
        self._rate, self._burst = rate, burst
        self._level = float(burst)
        self._last_s: float | None = None

    def admit(self, now: float) -> bool:
        """Take a token at ``now`` (seconds, monotonic); whether there was one."""
        if self._last_s is not None:
            gained = max(0.0, now - self._last_s) * self._rate
            self._level = min(float(self._burst), self._level + gained)
        self._last_s = now
        if self._level < 1.0:
            return False
        self._level -= 1.0
        return True
