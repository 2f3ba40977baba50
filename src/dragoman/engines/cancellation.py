"""How a call that is under way learns that nobody wants its answer any more.

Scope: one object between a host and an engine. An engine that takes it says so (see
``engines.base.CancellableTranslator``).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Cancellation:
    """Whether somebody still wants the answer to a call that is under way. A host makes one for
    each call, and cancels it when whoever asked is gone. Thread-safe.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stop: Callable[[], None] | None = None
        self._cancelled = False

    @property
    def cancelled(self) -> bool:
        """Nobody does."""
        return self._cancelled

    def cancel(self) -> None:
        """Nobody does any more; twice is harmless."""
        with self._lock:
            self._cancelled = True
            stop, self._stop = self._stop, None
            if stop is not None:
                stop()

    @contextmanager
    def stops(self, stop: Callable[[], None]) -> Iterator[None]:
        """Inside, ``stop`` is called when the call is cancelled, at most once and by another
        thread; at once if it was already. It must be quick and may not raise.
        """
        with self._lock:
            late = self._cancelled
            self._stop = None if late else stop
        if late:
            stop()
        try:
            yield
        finally:
            with self._lock:
                self._stop = None
