"""Limits of time: paused, raised, and blind to what a busy machine takes away."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator

import pytest

from dragoman.runtime.hosts import time_limit
from dragoman.runtime.hosts.engine_work import EngineWork
from dragoman.runtime.hosts.time_limit import TimeLimit, core_wait_s

pytestmark = pytest.mark.anyio


async def used_up_s(limit_s: float, extend_s: float = 0.0) -> float:
    """After how many seconds the limit is used up."""
    over = asyncio.Event()
    began_s = time.monotonic()
    limit = TimeLimit(limit_s, over.set, EngineWork().stint())
    if extend_s:
        limit.extend(extend_s)
    async with asyncio.timeout(20):
        await over.wait()
    return time.monotonic() - began_s


async def test_a_limit_can_be_extended() -> None:
    assert await used_up_s(0.05) >= 0.05
    assert await used_up_s(0.05, extend_s=0.1) >= 0.15


async def test_waiting_for_a_core_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: Iterator[float] = iter([1.0, 1.2, 1.2])
    monkeypatch.setattr(time_limit, "core_wait_s", lambda _pid: next(waits))
    assert await used_up_s(0.05) >= 0.25


async def test_a_loop_that_is_late_itself_first_looks_at_what_has_come() -> None:
    loop = asyncio.get_running_loop()
    over, answered = asyncio.Event(), asyncio.Event()
    limit = TimeLimit(0.01, over.set, EngineWork().stint())

    def answer() -> None:
        limit.pause()
        answered.set()

    loop.call_soon(time.sleep, 0.3)  # the loop is blocked for longer than the limit
    loop.call_later(0.1, answer)
    await answered.wait()
    assert not over.is_set()


async def test_a_paused_limit_does_not_run_out() -> None:
    over = asyncio.Event()
    limit = TimeLimit(0.0, over.set, EngineWork().stint())
    limit.pause()
    await asyncio.sleep(0.01)
    assert not over.is_set()
    limit.resume()
    async with asyncio.timeout(20):
        await over.wait()


def test_the_kernel_is_asked_for_a_process_that_is_gone() -> None:
    assert core_wait_s(os.getpid()) >= 0.0
    assert core_wait_s(2**22 + 1) == 0.0
