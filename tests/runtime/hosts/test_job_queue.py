"""The order of what waits for an engine, and which calls leave together."""

from __future__ import annotations

import asyncio

import pytest

from dragoman.engines.base import Translation, Window
from dragoman.runtime.hosts.job_queue import Batching, CallJob, JobQueue
from dragoman.runtime.hosts.requests import Request

pytestmark = pytest.mark.anyio
WINDOWS = Batching(max_batch=3, max_wait_s=0.5, kinds=frozenset({Window}))


def call(request: Request) -> CallJob:
    return CallJob(request, asyncio.get_running_loop().create_future())


def taken(queue: JobQueue[object], now_s: float = 100.0, *, idle: bool = True) -> object:
    job, wait_s = queue.take(now_s, idle=idle)
    assert job is not None
    assert wait_s is None
    return job


def test_a_queue_is_sorted_by_need_and_then_by_arrival() -> None:
    queue: JobQueue[object] = JobQueue()
    a, b, c, d, e = jobs = [object() for _ in range(5)]
    for job, due_s in zip(jobs, (3.0, 1.0, 3.0, 2.0, 1.0), strict=True):
        queue.add(job, due_s)
    assert len(queue) == 5
    assert queue.remove(d)
    assert not queue.remove(d)
    assert [taken(queue), taken(queue)] == [b, e]
    assert queue.drain() == [a, c]
    assert queue.take(0.0, idle=True) == (None, None)


async def test_calls_of_a_kind_leave_together_others_alone() -> None:
    queue: JobQueue[object] = JobQueue(WINDOWS)
    windows = [call(Window(b"")) for _ in range(4)]
    translations = [call(Translation("a", "en", "es")) for _ in range(2)]
    for job in (*windows, *translations):
        queue.add(job, 0.0)
    assert [taken(queue) for _ in range(4)] == [
        windows[:3], windows[3:], translations[:1], translations[1:],
    ]  # fmt: skip


async def test_calls_whose_callers_left_take_no_place() -> None:
    queue: JobQueue[object] = JobQueue(WINDOWS)
    windows = [call(Window(b"")) for _ in range(6)]
    for job in windows:
        queue.add(job, 0.0)
    for gone in (0, 2, 3):
        windows[gone].future.cancel()
    assert taken(queue) == [windows[1], windows[4], windows[5]]
    assert len(queue) == 0


async def test_a_busy_engine_lets_an_incomplete_batch_wait_an_idle_one_does_not() -> None:
    queue: JobQueue[object] = JobQueue(WINDOWS)
    first = call(Window(b""))
    queue.add(first, 10.0)
    assert queue.take(10.1, idle=False) == (None, pytest.approx(0.4))
    assert queue.take(10.1, idle=True) == ([first], None)
    batch = [call(Window(b"")) for _ in range(3)]
    queue.add(batch[0], 10.0)
    assert queue.take(10.5, idle=False) == ([batch[0]], None)
    for job in batch:
        queue.add(job, 20.0)
    assert queue.take(20.0, idle=False) == (batch, None)
