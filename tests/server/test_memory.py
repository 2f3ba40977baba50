"""The server's threads share one heap, unless somebody asked for something else."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.live

PROGRAM = """
import ctypes, threading
from dragoman.server.serve import share_one_heap

done = share_one_heap()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
together = threading.Barrier(4)

def take():
    together.wait()
    libc.malloc(ctypes.c_size_t(100_000))
    together.wait()

threads = [threading.Thread(target=take) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
libc.fopen.restype = ctypes.c_void_p
out = ctypes.c_void_p(libc.fopen(b"/dev/stdout", b"w"))
print(done, flush=True)
libc.malloc_info(0, out)
libc.fclose(out)
"""


def heaps(**more: str) -> tuple[str, int]:
    """What was answered, and how many heaps four busy threads got."""
    plain = {k: v for k, v in os.environ.items() if not k.startswith(("MALLOC_", "GLIBC_", "LD_"))}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=plain | more,
        capture_output=True,
        text=True,
        check=True,
    )
    answer, _, info = done.stdout.partition("\n")
    return answer, info.count("<heap nr=")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a setting of glibc")
def test_threads_share_one_heap() -> None:
    assert heaps() == ("True", 1)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a setting of glibc")
def test_the_operators_allocator_setting_stays() -> None:
    answer, count = heaps(MALLOC_ARENA_MAX="3")
    assert answer == "False"
    assert 1 < count <= 3
