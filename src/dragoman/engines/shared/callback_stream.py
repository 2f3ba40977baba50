"""Iterators over the audio of libraries that deliver it by a callback.

Scope: threads, for any library. The producing call runs in a thread of its own and fills a bounded
buffer. Closing the iterator makes the callback ask the library to stop, and waits until it has, so
that the library is free for the next text. A late reader gets everything that waits as one piece,
which saves wake-ups.

``ProducerLock`` is for libraries that are not thread-safe: one producer runs at a time. A producer
with a full buffer waits for its reader, unless another producer waits for the lock: then it runs to
its end (callers limit the length of a text, so that is bounded, too). So a thread that reads two
iterators alternately cannot deadlock, and a slow reader never blocks another one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator

Put = Callable[[bytes], bool]
"""Given to the producer: takes a piece, blocks while the buffer is full; False means stop."""

Produce = Callable[[Put], None]


class ProducerLock:
    """A lock for the producers of one library, which knows how many wait for it."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.waiting = 0
        self._busy = False

    def enter(self, unless: Callable[[], bool]) -> bool:
        """Take the lock; False, and not taken, when ``unless`` came true first."""
        with self.changed:
            self.waiting += 1
            self.changed.notify_all()
            self.changed.wait_for(lambda: unless() or not self._busy)
            self.waiting -= 1
            if unless():
                return False
            self._busy = True
            return True

    def leave(self) -> None:
        """Release the lock."""
        with self.changed:
            self._busy = False
            self.changed.notify_all()


class _Buffer:
    """Audio that one producer has made and its reader has not taken yet."""

    def __init__(self, lock: ProducerLock, bound: int) -> None:
        self._lock = lock
        self._bound = bound
        self._pieces: list[bytes] = []
        self._size = 0
        self._ended = False
        self._closed = False
        self._error: BaseException | None = None

    def put(self, piece: bytes) -> bool:
        with self._lock.changed:
            self._lock.changed.wait_for(self._may_go_on)
            if self._closed:
                return False
            self._pieces.append(piece)
            self._size += len(piece)
            self._lock.changed.notify_all()
            return True

    def _may_go_on(self) -> bool:
        return self._closed or self._size < self._bound or self._lock.waiting > 0

    def run(self, produce: Produce) -> None:
        """The producer's thread."""
        try:
            if self._lock.enter(lambda: self._closed):
                try:
                    produce(self.put)
                finally:
                    self._lock.leave()
        except BaseException as error:  # noqa: BLE001 - raised again in the reader
            self._error = error
        with self._lock.changed:
            self._ended = True
            self._lock.changed.notify_all()

    def take(self, most: int) -> bytes:
        """Everything that waits, up to about ``most`` bytes; empty at the end."""
        with self._lock.changed:
            self._lock.changed.wait_for(lambda: self._pieces or self._ended)
            if not self._pieces:
                if self._error is not None:
                    raise self._error
                return b""
            count, size = 0, 0
            while count < len(self._pieces) and (not count or size < most):
                size += len(self._pieces[count])
                count += 1
            taken, self._pieces = self._pieces[:count], self._pieces[count:]
            self._size -= size
            self._lock.changed.notify_all()
        return b"".join(taken)

    def close(self) -> None:
        """Make the producer stop, and wait until it has."""
        with self._lock.changed:
            self._closed = True
            self._lock.changed.notify_all()
            self._lock.changed.wait_for(lambda: self._ended)


def iterate_audio(
    lock: ProducerLock, produce: Produce, *, bound: int = 1 << 18, most: int = 1 << 15
) -> Generator[bytes, None, None]:
    """The pieces that ``produce`` puts, as they are made.

    ``bound`` is how many bytes may wait, ``most`` about how many come out at once. What
    ``produce`` raises is raised here, after the pieces before it.
    """
    buffer = _Buffer(lock, bound)
    threading.Thread(target=buffer.run, args=(produce,), name="audio-producer", daemon=True).start()
    try:
        while piece := buffer.take(most):
            yield piece
    finally:
        buffer.close()
