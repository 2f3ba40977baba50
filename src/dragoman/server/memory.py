"""How the server's process takes memory from the system.

Law of this file: one setting of glibc's, made before the first thread starts; elsewhere nothing.

Why. glibc gives threads heaps of their own, and each keeps the most that was ever needed in it. An
engine that decodes in whatever thread is free makes every heap as large as one would have to be:
measured with the embedded engines, 80 MiB of 225 were free memory that nobody got back, and a
server under changing load went on growing in steps for half an hour. With one heap it is 15 MiB,
and recognition is as fast, since numpy and onnxruntime ask for memory rarely, in large pieces.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys

_M_ARENA_MAX = -8
_ASKED = ("MALLOC_ARENA_MAX", "GLIBC_TUNABLES", "LD_PRELOAD")
"""Where one of these is set, the operator has an opinion, or another allocator."""


def share_one_heap() -> bool:
    """Let all threads that start from now on share one heap; whether that was done."""
    if not sys.platform.startswith("linux") or any(name in os.environ for name in _ASKED):
        return False
    with contextlib.suppress(AttributeError, OSError):  # another C library has no such thing
        return bool(ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1))
    return False
