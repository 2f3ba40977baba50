"""A call whose caller is gone ends in an engine that can end calls, wherever it lives."""

import asyncio
from collections.abc import Callable

import pytest

from dragoman.engines.base import Translation
from dragoman.runtime.hosts import thread_host
from dragoman.runtime.hosts.host import EngineFailed, EngineHost
from dragoman.runtime.hosts.thread_host import ThreadHost
from tests.runtime.hosts import tiny_engines as tiny
from tests.runtime.hosts.shared_hosts import open_host, shared

pytestmark = pytest.mark.anyio
ASKED = Translation("a", "en", "es")


async def until(true: Callable[[], bool]) -> None:
    while not true():
        await asyncio.sleep(0.001)


async def cancel_a_call(host: EngineHost, engine: tiny.Stopper) -> None:
    """Three times at one thread: every call frees it."""
    for _ in range(3):
        call = asyncio.create_task(host.call(ASKED))
        await until(lambda: engine.entered.acquire(blocking=False))
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await until(lambda: engine.stopped.acquire(blocking=False))


async def test_in_threads() -> None:
    engine = tiny.Stopper()
    async with asyncio.timeout(20), open_host(ThreadHost(engine, threads=1)) as host:
        await cancel_a_call(host, engine)


async def test_in_the_process_that_gateways_share() -> None:
    engine = tiny.Stopper()
    async with asyncio.timeout(20), shared(ThreadHost(engine, threads=1)) as host:
        await cancel_a_call(host, engine)


async def test_what_is_queued_is_never_begun() -> None:
    engine = tiny.Stopper()
    async with asyncio.timeout(20), open_host(ThreadHost(engine, threads=1)) as host:
        first, second = (asyncio.create_task(host.call(ASKED)) for _ in range(2))
        await until(lambda: engine.entered.acquire(blocking=False))
        second.cancel()
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.gather(first, second, return_exceptions=True)
        await until(lambda: engine.stopped.acquire(blocking=False))
        assert not engine.entered.acquire(blocking=False)


async def test_a_call_beyond_its_time_frees_its_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thread_host, "OTHER_CALL_S", 0.1)
    monkeypatch.setattr(ThreadHost, "_WATCH_S", 0.05)
    engine = tiny.Stopper()
    async with asyncio.timeout(20), open_host(ThreadHost(engine, threads=1)) as host:
        with pytest.raises(EngineFailed, match="no answer"):
            await host.call(ASKED)
        await until(lambda: engine.stopped.acquire(blocking=False))
        await until(lambda: host.vitals.workers == 1)


async def test_closing_the_host_ends_its_calls() -> None:
    engine = tiny.Stopper()
    async with asyncio.timeout(20):
        async with open_host(ThreadHost(engine, threads=1)) as host:
            call = asyncio.create_task(host.call(ASKED))
            await until(lambda: engine.entered.acquire(blocking=False))
        with pytest.raises(EngineFailed, match="closed"):
            await call
        assert engine.stopped.acquire(blocking=False)
