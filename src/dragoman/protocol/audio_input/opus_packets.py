"""Opus as clients send it: the duration of a packet, and packets out of an Ogg stream.

Scope: framing only, pure; nothing is decoded. The API names the format and not its framing, so both
that clients may send are taken: one bare packet per append, or an Ogg stream cut anywhere
(recognised by its first bytes, "OggS"). A first append that is only the beginning of "OggS" is kept
until the next one decides: it cannot be a bare packet, as "O" announces a frame count and "g" is
one that is too high.

Sources: RFC 6716 (3.1, the table of contents byte), RFC 7845 (Opus in Ogg), RFC 3533 (Ogg).
"""

from __future__ import annotations

import struct
from typing import NamedTuple

_PAGE_HEAD = struct.Struct("<4sBBqIIIB")
_MAGIC = b"OggS"
_CONTINUED = 0x01
_MOST_MS = 120
_LONGEST_PACKET = 61_440  # RFC 7845 asks readers to take this much
MOST_PARTS = 5000
"""Of one append: Ogg pages, and their segments, of which a packet has one for each 255 bytes; 100 s
in packets of 20 ms. A packet may have one byte, and 2 MiB of those stop the event loop for two
seconds."""
_SILK_MS = (10.0, 20.0, 40.0, 60.0)
_HYBRID_MS = (10.0, 20.0)
_CELT_MS = (2.5, 5.0, 10.0, 20.0)


class Packet(NamedTuple):
    """One Opus packet and its duration."""

    data: bytes
    ms: float


def packet_ms(data: bytes) -> float:
    """The duration of a packet, ms. Raises ``ValueError`` for what cannot be one."""
    if not data or len(data) > _LONGEST_PACKET:
        raise ValueError("not an Opus packet: wrong size")
    kind, code = data[0] >> 3, data[0] & 3
    if kind < 12:
        frame_ms = _SILK_MS[kind & 3]
    elif kind < 16:
        frame_ms = _HYBRID_MS[kind & 1]
    else:
        frame_ms = _CELT_MS[kind & 3]
    if code == 3 and len(data) < 2:
        raise ValueError("not an Opus packet: cut short")
    frames = (1, 2, 2, data[1] & 0x3F if code == 3 else 0)[code]
    if not 0 < frames * frame_ms <= _MOST_MS:
        raise ValueError("not an Opus packet: impossible length")
    return frames * frame_ms


class TooManyParts(ValueError):
    """More than ``MOST_PARTS`` in one append."""


class OpusFraming:
    """One stream of appends."""

    def __init__(self) -> None:
        self._is_ogg: bool | None = None
        self._rest = b""
        self._open_packet = b""  # a packet whose end is on the next page

    def feed(self, data: bytes) -> list[Packet]:
        """The packets that ``data`` completes. Raises ``TooManyParts``, and ``ValueError`` for
        anything else; the stream stays where it was.
        """
        if not data:
            return []
        whole = self._rest + data
        if self._is_ogg is None and _MAGIC.startswith(whole):
            self._rest = whole
            return []
        is_ogg = whole.startswith(_MAGIC) if self._is_ogg is None else self._is_ogg
        if not is_ogg:
            packet = Packet(data, packet_ms(data))
            self._is_ogg, self._rest = False, b""  # what was kept was no packet
            return [packet]
        packets, rest, open_packet = _pages(whole, self._open_packet)
        self._is_ogg, self._rest, self._open_packet = True, rest, open_packet
        return packets


def _pages(data: bytes, open_packet: bytes) -> tuple[list[Packet], bytes, bytes]:
    """Packets of the whole pages in ``data``; the rest of it; the packet that is continued."""
    packets: list[Packet] = []
    at = parts = 0
    while len(data) - at >= _PAGE_HEAD.size:
        magic, version, kind, *_, count = _PAGE_HEAD.unpack_from(data, at)
        if magic != _MAGIC or version != 0:
            raise ValueError("not an Ogg stream")
        body = at + _PAGE_HEAD.size + count
        lacing = data[at + _PAGE_HEAD.size : body]
        end = body + sum(lacing)
        if len(data) < end or len(lacing) < count:
            break
        parts += 1 + count
        if parts > MOST_PARTS:
            raise TooManyParts
        if not kind & _CONTINUED:
            open_packet = b""
        packets_here, open_packet = _unlaced(data, body, lacing, open_packet)
        packets += packets_here
        at = end
    return packets, data[at:], open_packet


def _unlaced(data: bytes, at: int, lacing: bytes, open_packet: bytes) -> tuple[list[Packet], bytes]:
    packets: list[Packet] = []
    for size in lacing:
        open_packet += data[at : at + size]
        at += size
        if len(open_packet) > _LONGEST_PACKET:
            raise ValueError("not an Opus stream: a packet without end")
        if size == 255:
            continue
        if open_packet and not open_packet.startswith((b"OpusHead", b"OpusTags")):
            packets.append(Packet(open_packet, packet_ms(open_packet)))
        open_packet = b""
    return packets, open_packet
