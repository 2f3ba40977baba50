"""Opus framing: bare packets by the RFC's table, Ogg cut anywhere."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.protocol.audio_input.opus_packets import (
    MOST_PARTS,
    OpusFraming,
    Packet,
    TooManyParts,
    packet_ms,
)
from tests.audio.ogg_stream import STREAM


def framed(stream: bytes, cuts: Iterable[int]) -> list[Packet]:
    """The packets of a stream that comes in appends, cut at these places."""
    framing = OpusFraming()
    appends = itertools.pairwise([0, *sorted(cuts), len(stream)])
    return [packet for begin, end in appends for packet in framing.feed(stream[begin:end])]


@pytest.mark.parametrize(
    ("head", "ms"),
    [
        (b"\x00", 10),  # SILK, narrow band, one frame
        (b"\x18", 60),
        (b"\x60", 10),  # hybrid
        (b"\x80", 2.5),  # CELT
        (b"\xf8", 20),
        (b"\xf9", 40),  # two frames
        (b"\xfb\x03", 60),  # a count of frames
    ],
)
def test_the_duration_of_a_packet(head: bytes, ms: float) -> None:
    assert packet_ms(head + bytes(40)) == ms
    (packet,) = OpusFraming().feed(head + bytes(40))
    assert (packet.data, packet.ms) == (head + bytes(40), ms)


@pytest.mark.parametrize("data", [b"\xfb", b"\xfb\x00", b"\x1b\x07" + bytes(9), b"\xf8" * 70_000])
def test_what_cannot_be_a_packet(data: bytes) -> None:
    with pytest.raises(ValueError, match="Opus"):
        OpusFraming().feed(data)


@pytest.mark.parametrize("packets", [0, 1, 255])
def test_the_pages_and_packets_of_one_append_are_bounded(packets: int) -> None:
    """Two MiB of packets of one byte took two seconds of the event loop."""
    page = b"OggS" + bytes(22) + bytes([packets]) + b"\x01" * packets + b"\xf8" * packets
    most = MOST_PARTS // (1 + packets)
    framing = OpusFraming()
    with pytest.raises(TooManyParts):
        framing.feed(page * (most + 1))
    assert len(framing.feed(page * most)) == most * packets


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_ogg_may_be_cut_anywhere(cuts: list[int]) -> None:
    packets = framed(STREAM, cuts)
    assert packets == OpusFraming().feed(STREAM)
    assert 1000 <= sum(packet.ms for packet in packets) <= 1040  # and the encoder's pre-skip


@pytest.mark.parametrize(
    "cuts", [cuts for n in range(7) for cuts in itertools.combinations(range(1, 7), n)]
)
def test_ogg_may_be_cut_inside_its_capture_pattern(cuts: tuple[int, ...]) -> None:
    assert framed(STREAM, cuts) == OpusFraming().feed(STREAM)


@pytest.mark.parametrize("packet", [b"\x08", b"\xf8\x01", b"O\x01", b"P\0\0"])
def test_a_bare_packet_may_be_very_short(packet: bytes) -> None:
    framing = OpusFraming()
    assert [got.data for got in framing.feed(packet) + framing.feed(packet)] == [packet] * 2


@pytest.mark.parametrize("begun", [b"O", b"Og", b"Ogg"])
def test_a_begun_capture_pattern_that_does_not_go_on_costs_no_packet(begun: bytes) -> None:
    """None of these is an Opus packet: "O" promises a count, and "g" is a count too high."""
    with pytest.raises(ValueError, match="Opus"):
        packet_ms(begun)
    framing = OpusFraming()
    assert framing.feed(begun) == []
    assert [packet.data for packet in framing.feed(b"\xf8abc")] == [b"\xf8abc"]
    with pytest.raises(ValueError, match="Opus"):  # bare packets from then on
        framing.feed(STREAM)


def test_a_stream_that_breaks_is_named_and_stays_where_it_was() -> None:
    framing = OpusFraming()
    half = len(STREAM) // 2
    before = framing.feed(STREAM[:half])
    with pytest.raises(ValueError, match=r"Ogg|Opus"):
        framing.feed(b"no page at all" * 2000)
    assert before + framing.feed(STREAM[half:]) == OpusFraming().feed(STREAM)
