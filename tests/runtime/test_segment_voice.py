"""Speech on its way to the loop: complete, first sound at once, then in fewer pieces."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from dragoman.engines.base import Info, Utterance
from dragoman.runtime.segment_voice import voiced

RATE_HZ = 16_000
MS = RATE_HZ * 2 // 1000


class Pieces:
    """A synthesizer that gives out what it is told, and remembers how far it was asked."""

    info = Info(name="pieces", role="tts", licence="-", quality="scripted", rate_hz=RATE_HZ)

    def __init__(self, sizes_ms: list[int]) -> None:
        self._sizes_ms = sizes_ms
        self.made = 0
        self.closed = False

    def load(self) -> None: ...

    def close(self) -> None: ...

    def synthesize(self, utterance: Utterance) -> Iterator[bytes]:
        try:
            for size_ms in self._sizes_ms:
                self.made += 1
                yield bytes([self.made % 256]) * (size_ms * MS)
        finally:
            self.closed = True


def lengths(sizes_ms: list[int]) -> list[int]:
    engine = Pieces(sizes_ms)
    return [len(p) // MS for p in voiced(engine, Utterance("x", "", "en"), RATE_HZ)]


def test_the_first_piece_goes_at_once_and_later_ones_grow_to_300_ms() -> None:
    assert lengths([60] * 20) == [60, 60, 120, 240, 300, 300, 120]


def test_long_pieces_are_cut_to_a_second() -> None:
    assert lengths([2500]) == [1000, 1000, 500]


def test_the_first_piece_is_not_waited_for_by_the_second() -> None:
    engine = Pieces([60] * 9)
    pieces = voiced(engine, Utterance("x", "", "en"), RATE_HZ)
    next(pieces)
    assert engine.made == 1
    pieces.close()
    assert engine.closed


@given(st.lists(st.integers(1, 400), max_size=30))
def test_nothing_is_lost_and_no_listener_runs_dry(sizes_ms: list[int]) -> None:
    engine = Pieces(sizes_ms)
    pieces = list(voiced(engine, Utterance("x", "", "en"), RATE_HZ))
    whole = b"".join(bytes([n % 256]) * (size * MS) for n, size in enumerate(sizes_ms, 1))
    assert b"".join(pieces) == whole
    assert all(pieces)
    given = 0
    for piece in pieces[:-1]:
        # What is put together is at most what was given out before, and the piece that fills it.
        assert len(piece) <= max(given, 0) + max(sizes_ms) * MS
        given += len(piece)
