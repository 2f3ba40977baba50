"""Memory that was freed goes back to the system.

Scope: the one call. glibc keeps what is freed inside its heap: after a client's unfinished frames
were dropped, 200 of 250 MiB stayed with the process for good.
"""

from __future__ import annotations

import contextlib
import ctypes


def trim() -> None:
    """Give free pages back; about 3 ms for 32 MiB. No effect with another C library than glibc."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
