"""Audio that a library delivers by a callback, as an iterator; closing it ends the producer."""

from __future__ import annotations

import threading

import pytest

from dragoman.engines.shared.callback_stream import ProducerLock, Put, iterate_audio


def counting(count: int) -> object:
    def produce(put: Put) -> None:
        for number in range(count):
            if not put(bytes([number])):
                return

    return produce


def test_everything_comes_in_order() -> None:
    assert b"".join(iterate_audio(ProducerLock(), counting(200))) == bytes(range(200))
    assert b"".join(iterate_audio(ProducerLock(), counting(200), bound=3, most=2)) == bytes(
        range(200)
    )


def test_what_the_producer_raises_comes_behind_its_pieces() -> None:
    def produce(put: Put) -> None:
        put(b"one")
        raise ValueError("as asked")

    pieces = iterate_audio(ProducerLock(), produce)
    assert next(pieces) == b"one"
    with pytest.raises(ValueError, match="as asked"):
        next(pieces)


def test_closing_waits_until_the_library_has_stopped() -> None:
    """Otherwise a worker would report itself free while its library is busy or stuck."""
    line, asked, let_go = ProducerLock(), threading.Event(), threading.Event()
    left: list[bool] = []

    def produce(put: Put) -> None:
        put(b"one")
        asked.set()
        let_go.wait()
        left.append(put(b"two"))

    pieces = iterate_audio(line, produce)
    assert next(pieces) == b"one"
    asked.wait()
    closing = threading.Thread(target=pieces.close)
    closing.start()
    closing.join(0.05)
    assert closing.is_alive(), "the producer is not back yet"
    let_go.set()
    closing.join(10)
    assert not closing.is_alive()
    assert left == [False], "it was told to stop"
    assert b"".join(iterate_audio(line, counting(3))) == bytes(range(3))


def test_a_producer_that_waits_for_the_lock_is_closed_at_once() -> None:
    line = ProducerLock()
    busy, behind = iterate_audio(line, counting(200), bound=3), iterate_audio(line, counting(5))
    assert next(busy)
    waits = threading.Thread(target=next, args=(behind, b""))
    waits.start()  # lets the first run to its end, as nobody else can give it room
    waits.join(10)
    behind.close()
    assert b"".join(busy)[-1] == 199


def test_one_thread_may_read_two_iterators_alternately() -> None:
    line = ProducerLock()
    first, second = (
        iterate_audio(line, counting(100), bound=3),
        iterate_audio(line, counting(9), bound=3),
    )
    begun = next(first)
    assert b"".join(second) == bytes(range(9))
    assert begun + b"".join(first) == bytes(range(100))
