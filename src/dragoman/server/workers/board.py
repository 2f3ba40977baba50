"""Counts of every process of a server, in memory that they all have.

Scope: each process writes its own place and reads the others'; nobody waits for anybody. A place
has two halves: a value is written to the half that nobody reads, then the version says that it is
the newer one. So a process may be killed or stopped at any moment and what the others read stays
whole. Whoever admits a session counts it first and adds up then: of two processes that do so at the
same time, at least one sees both.
"""

from __future__ import annotations

import mmap
import os
from typing import Literal

import msgspec

Work = Literal["gateway", "engines"]

_HALF_BYTES = 32 * 1024
_PLACE_BYTES = 64 + 2 * _HALF_BYTES
_HEAD = 4
_TRIES = 8


class ProcessCounts(msgspec.Struct, frozen=True):
    """What a process says of itself: its ``sessions`` by API, its active ``speakers`` by the roles
    of their engines, and for each of the ``recognizers`` by name how many turns have speech and how
    many decodes are in flight.
    """

    pid: int
    work: Work
    state: str
    sessions: dict[str, int] = {}
    speakers: tuple[tuple[tuple[str, ...], int], ...] = ()
    recognizers: dict[str, tuple[int, int]] = {}


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(ProcessCounts)


def new_board(places: int) -> int:
    """A descriptor of memory for so many processes, to be inherited."""
    descriptor = os.memfd_create("dragoman-board")
    os.ftruncate(descriptor, places * _PLACE_BYTES)
    return descriptor


class Board:
    """The memory behind a descriptor of ``new_board``; ``place`` is the part that is ours."""

    def __init__(self, descriptor: int, place: int) -> None:
        self._memory = mmap.mmap(descriptor, 0)
        self._versions = memoryview(self._memory).cast("Q")
        self._place = place
        self._last: dict[int, tuple[int, ProcessCounts | None]] = {}  # by place, with the version

    def publish(self, counts: ProcessCounts) -> None:
        """Write our place."""
        self._write(self._place, _encoder.encode(counts))

    def clear(self, place: int) -> None:
        """Empty the place of a process that has ended."""
        self._write(place, b"")

    def others(self) -> list[ProcessCounts]:
        """What the other processes have written."""
        places = len(self._memory) // _PLACE_BYTES
        found = (self._read(place) for place in range(places) if place != self._place)
        return [counts for counts in found if counts is not None]

    def _write(self, place: int, data: bytes) -> None:
        if len(data) > _HALF_BYTES - _HEAD:
            raise ValueError(f"{len(data)} bytes do not fit on the board")
        at = place * _PLACE_BYTES // 8
        version = self._versions[at] + 1
        start = self._half(place, version)
        self._memory[start : start + _HEAD] = len(data).to_bytes(_HEAD, "little")
        self._memory[start + _HEAD : start + _HEAD + len(data)] = data
        self._versions[at] = version

    def _read(self, place: int) -> ProcessCounts | None:
        at = place * _PLACE_BYTES // 8
        for _ in range(_TRIES):
            version = self._versions[at]
            known = self._last.get(place)
            if known is not None and known[0] == version:
                break
            start = self._half(place, version)
            size = int.from_bytes(self._memory[start : start + _HEAD], "little")
            data = self._memory[start + _HEAD : start + _HEAD + min(size, _HALF_BYTES - _HEAD)]
            if self._versions[at] == version:  # else this half may be written at the moment
                self._last[place] = version, _decoder.decode(data) if data else None
                break
        return self._last.get(place, (0, None))[1]

    @staticmethod
    def _half(place: int, version: int) -> int:
        return place * _PLACE_BYTES + 64 + version % 2 * _HALF_BYTES
