"""Libraries that push audio through a callback, turned into iterators that are pulled.

Law of this file: plain threads, no library's details. The producing call runs in a thread of its
own; what it makes waits in a bounded buffer; closing the iterator makes the callback ask the
library to stop and waits until it has, so that a library that is stuck is never left behind for
the next text to wait for. A reader that comes late gets everything that waits as one piece, so a
fast library is not paid for piece by piece.

``OneAtATime`` is for libraries that are not thread-safe: producers take turns. A producer with a
full buffer waits for its reader, unless another producer waits for its turn: then it runs to its
end (callers cap the length of a text, so that is bounded too). Thus one thread that reads two
iterators in turn cannot lock itself out.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator

Put = Callable[[bytes], bool]
"""Given to the producer: takes a piece, blocks while the buffer is full; False means stop."""

Produce = Callable[[Put], None]


class OneAtATime:
    """The line in which the producers of one library stand."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.waiting = 0
        self._busy = False

    def enter(self, unless: Callable[[], bool]) -> bool:
        """Wait for one's turn; False when ``unless`` came true first, and then it is no turn."""
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
        """One's turn is over."""
        with self.changed:
            self._busy = False
            self.changed.notify_all()


class _Buffer:
    """What one producer has made and its reader has not yet taken."""

    def __init__(self, line: OneAtATime, bound: int) -> None:
        self._line = line
        self._bound = bound
        self._pieces: list[bytes] = []
        self._size = 0
        self._ended = False
        self._closed = False
        self._error: BaseException | None = None

    def put(self, piece: bytes) -> bool:
        with self._line.changed:
            self._line.changed.wait_for(self._may_go_on)
            if self._closed:
                return False
            self._pieces.append(piece)
            self._size += len(piece)
            self._line.changed.notify_all()
            return True

    def _may_go_on(self) -> bool:
        return self._closed or self._size < self._bound or self._line.waiting > 0

    def run(self, produce: Produce) -> None:
        """The producer's thread."""
        try:
            if self._line.enter(lambda: self._closed):
                try:
                    produce(self.put)
                finally:
                    self._line.leave()
        except BaseException as error:  # noqa: BLE001 - raised again where the reader stands
            self._error = error
        with self._line.changed:
            self._ended = True
            self._line.changed.notify_all()

    def take(self, most: int) -> bytes:
        """Everything that waits, up to about ``most`` bytes; empty at the end."""
        with self._line.changed:
            self._line.changed.wait_for(lambda: self._pieces or self._ended)
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
            self._line.changed.notify_all()
        return b"".join(taken)

    def close(self) -> None:
        """Have the producer stop, and wait until it has."""
        with self._line.changed:
            self._closed = True
            self._line.changed.notify_all()
            self._line.changed.wait_for(lambda: self._ended)


def pulled(
    line: OneAtATime, produce: Produce, *, bound: int = 1 << 18, most: int = 1 << 15
) -> Generator[bytes, None, None]:
    """The pieces that ``produce`` puts, as they are made.

    ``bound`` is how many bytes may wait, ``most`` about how many come out at once. What
    ``produce`` raises is raised here, after the pieces before it.
    """
    buffer = _Buffer(line, bound)
    threading.Thread(target=buffer.run, args=(produce,), name="pulled", daemon=True).start()
    try:
        while piece := buffer.take(most):
            yield piece
    finally:
        buffer.close()
