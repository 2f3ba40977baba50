"""What others read on the board is whole, whatever happens to the one who writes."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest

from dragoman.server.workers.board import Board, ProcessCounts, new_board


@pytest.fixture
def memory() -> Iterator[int]:
    descriptor = new_board(3)
    yield descriptor
    os.close(descriptor)


def counts(sessions: int) -> ProcessCounts:
    """Counts of a size that changes with the number."""
    return ProcessCounts(7, "gateway", "ready", {f"api{n}": sessions for n in range(sessions % 50)})


def test_everybody_sees_the_others_and_not_itself(memory: int) -> None:
    first, second, third = (Board(memory, place) for place in range(3))
    assert first.others() == []
    first.publish(counts(1))
    second.publish(counts(2))
    assert first.others() == [counts(2)]
    assert third.others() == [counts(1), counts(2)]
    first.publish(counts(3))
    assert third.others() == [counts(3), counts(2)]


def test_a_place_that_was_cleared_is_empty(memory: int) -> None:
    first, second = Board(memory, 0), Board(memory, 1)
    second.publish(counts(2))
    first.clear(1)
    assert first.others() == []
    second.publish(counts(4))
    assert first.others() == [counts(4)]


def test_a_writer_that_stops_in_the_middle_changes_nothing(memory: int) -> None:
    reader, writer = Board(memory, 0), Board(memory, 1)
    writer.publish(counts(2))
    half = writer._half(1, 2)  # the one that is written next
    writer._memory[half : half + 4] = (30_000).to_bytes(4, "little")
    assert reader.others() == [counts(2)]


def test_what_is_read_while_it_is_written_is_whole(memory: int) -> None:
    reader, writer = Board(memory, 0), Board(memory, 1)
    written = threading.Event()

    def write() -> None:
        for sessions in range(1, 3_000):
            writer.publish(counts(sessions))
        written.set()

    thread = threading.Thread(target=write)
    thread.start()
    seen = 0
    while not written.is_set():
        for found in reader.others():
            latest = max(found.sessions.values(), default=0)
            assert found == counts(latest) or not found.sessions
            seen = max(seen, latest)
    thread.join()
    assert reader.others() == [counts(2_999)]


def test_too_much_is_refused(memory: int) -> None:
    with pytest.raises(ValueError):
        Board(memory, 0).publish(ProcessCounts(1, "gateway", "x" * 40_000))
