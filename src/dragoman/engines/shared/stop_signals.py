"""Programs that outlive the signals which tell the server to stop.

Scope: one context manager. systemd and Docker send SIGTERM to every process of a service, and a
terminal sends SIGINT to its whole process group. The server drains then, and needs its worker
processes and pipes until the last session is over; it ends them itself. A program inherits the
mask of the thread that starts it, so it is protected from its first instruction on.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

STOP_SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP})


@contextmanager
def stop_signals_blocked() -> Iterator[None]:
    """Programs started inside never see ``STOP_SIGNALS``. A signal for the server that comes
    meanwhile is handled behind the block, or by another thread.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
