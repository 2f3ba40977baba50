"""The packer: every delta is one a strict client takes, and no audio is lost or late."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.protocol.core.audio_packer import DELTA_BYTES, LONGEST_MS, NOMINAL_MS, AudioPacker
from dragoman.speech import Format

RATES = [8_000, 16_000, 22_050, 24_000, 44_100, 48_000]


LENGTHS = [NOMINAL_MS, LONGEST_MS]


@given(
    st.sampled_from(RATES),
    st.sampled_from(LENGTHS),
    st.lists(st.binary(max_size=120_000), max_size=8),
)
def test_what_comes_out_is_what_went_in(rate_hz: int, longest_ms: int, pieces: list[bytes]):
    packer = AudioPacker(rate_hz, longest_ms=longest_ms)
    deltas = [delta for piece in pieces for delta in packer.feed(piece)] + packer.flush()
    whole = b"".join(pieces)
    assert b"".join(deltas) == whole + bytes(-len(whole) % 6)
    for delta in deltas:
        assert delta
        assert len(delta) % 6 == 0
        assert len(delta) <= min(DELTA_BYTES, rate_hz * 2 * longest_ms // 1000)


@pytest.mark.parametrize("rate_hz", RATES)
def test_the_first_sound_goes_out_at_once(rate_hz: int):
    packer = AudioPacker(rate_hz)
    twenty_five_ms = bytes(rate_hz * 2 * 25 // 1000 // 2 * 2)
    (delta,) = packer.feed(twenty_five_ms)
    assert len(twenty_five_ms) - len(delta) < 6


def test_short_pieces_wait_for_the_next_one_and_no_longer():
    packer = AudioPacker(24_000)
    assert packer.feed(b"\x01\x02") == []
    assert packer.feed(bytes(958)) == [b"\x01\x02" + bytes(958)]
    assert packer.feed(b"\x01\x02") == []
    assert packer.flush() == [b"\x01\x02\x00\x00\x00\x00"]
    assert packer.flush() == []


@given(st.sampled_from(["wav", "mp3", "opus"]), st.lists(st.binary(max_size=60_000), max_size=8))
def test_an_encoded_stream_is_not_filled_up(form: Format, pieces: list[bytes]):
    packer = AudioPacker(24_000, form)
    deltas = [delta for piece in pieces for delta in packer.feed(piece)] + packer.flush()
    assert b"".join(deltas) == b"".join(pieces)
    assert all(0 < len(delta) <= DELTA_BYTES for delta in deltas)
    assert all(len(delta) % (6 if form == "wav" else 3) == 0 for delta in deltas[:-1])
