"""A server of several processes for tests, and what it says of its processes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from dragoman.testing.live_server import LiveServer
from tests.conformance.clients.connection import Socket, connected

THREADED = ",".join(
    f"{role}={engine}@host=thread"
    for role, engine in {
        "vad": "energy",
        "asr": "scripted-asr",
        "mt": "scripted-mt",
        "tts": "scripted-tts",
    }.items()
)
"""The scripted engines in the engine process: on the loop, each gateway would have its own."""
PATIENCE_S = 90.0


def pids(server: LiveServer, work: str = "gateway") -> set[int]:
    """The processes of a kind that are ready."""
    found = server.health()[1]["processes"]
    return {one["pid"] for one in found if one["work"] == work and one["state"] == "ready"}


def sessions_by_pid(server: LiveServer) -> dict[int, int]:
    """How many sessions each gateway has."""
    found = server.health()[1]["processes"]
    return {one["pid"]: one["sessions"] for one in found if one["work"] == "gateway"}


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait until it holds."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    """Whether there is such a process that is no zombie."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


@contextlib.asynccontextmanager
async def one_on_each(server: LiveServer) -> AsyncIterator[dict[int, Socket]]:
    """A session on every gateway."""
    async with contextlib.AsyncExitStack() as stack:
        found: dict[int, Socket] = {}
        while len(found) < len(sessions_by_pid(server)):
            before = sessions_by_pid(server)
            socket = await stack.enter_async_context(connected(server.url))
            await socket.until("session.created")
            after = sessions_by_pid(server)
            await asyncio.sleep(0)
            (pid,) = [pid for pid, count in after.items() if count > before[pid]]
            if pid in found:
                await socket.raw.close()
                deadline = time.monotonic() + PATIENCE_S
                while sessions_by_pid(server)[pid] == after[pid]:
                    assert time.monotonic() < deadline
            else:
                found[pid] = socket
        yield found


def total(page: bytes, sample: str) -> float:
    """The value of one sample of the exposition."""
    found = re.search(rf"^{re.escape(sample)} (\S+)$", page.decode(), re.MULTILINE)
    return float(found[1]) if found else 0.0
