"""Starts a load in a process of its own, and tells when everybody talks in it.

Scope: the parent's end of ``crowd`` and ``bare``.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator

import msgspec

from dragoman_bench.figures import BenchFailed
from dragoman_bench.load.bare import BarePlan
from dragoman_bench.load.crowd import CrowdPlan, CrowdResult

_LINE_BYTES = 64 * 1024 * 1024


class RunningLoad:
    """A load that was started."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.pid = process.pid

    async def talking(self) -> None:
        """All sessions talk now. Raises ``BenchFailed`` if the load's process ended."""
        await self._line(b"talking")

    async def ending(self) -> None:
        """The first session has ended."""
        await self._line(b"ending")

    async def last_line(self) -> bytes:
        """The result, once all sessions are over."""
        return await self._line(b"{")

    async def result(self) -> CrowdResult:
        """What all sessions of a crowd got, once they are over."""
        return msgspec.json.decode(await self.last_line(), type=CrowdResult)

    async def _line(self, begins: bytes) -> bytes:
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line.startswith(begins):
            raise BenchFailed("the load generator ended early")
        return line


@contextlib.asynccontextmanager
async def beside(module: str, plan: CrowdPlan | BarePlan) -> AsyncIterator[RunningLoad]:
    """Run the plan with this module of ``dragoman_bench.load``; it does not outlive the block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        f"dragoman_bench.load.{module}",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=_LINE_BYTES,
    )
    assert process.stdin is not None
    process.stdin.write(msgspec.json.encode(plan) + b"\n")
    try:
        yield RunningLoad(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def crowd(plan: CrowdPlan) -> contextlib.AbstractAsyncContextManager[RunningLoad]:
    """A crowd that plays this plan."""
    return beside("crowd", plan)
