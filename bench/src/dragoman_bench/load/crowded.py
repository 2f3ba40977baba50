"""Starts a crowd in a process of its own, and runs work beside it while everybody talks.

Scope: the parent's end of ``crowd``.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator

import msgspec

from dragoman_bench.figures import BenchFailed
from dragoman_bench.load.crowd import CrowdPlan, CrowdResult

_LINE_BYTES = 64 * 1024 * 1024


class RunningCrowd:
    """A crowd that was started."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def talking(self) -> None:
        """All sessions talk now. Raises ``BenchFailed`` if the crowd's process ended."""
        await self._line(b"talking")

    async def ending(self) -> None:
        """The first session has ended."""
        await self._line(b"ending")

    async def result(self) -> CrowdResult:
        """What all sessions got, once they are over."""
        return msgspec.json.decode(await self._line(b"{"), type=CrowdResult)

    async def _line(self, begins: bytes) -> bytes:
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line.startswith(begins):
            raise BenchFailed("the load generator ended early")
        return line


@contextlib.asynccontextmanager
async def crowd(plan: CrowdPlan) -> AsyncIterator[RunningCrowd]:
    """Run the plan in another process; it does not outlive the block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "dragoman_bench.load.crowd",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=_LINE_BYTES,
    )
    assert process.stdin is not None
    process.stdin.write(msgspec.json.encode(plan) + b"\n")
    try:
        yield RunningCrowd(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
