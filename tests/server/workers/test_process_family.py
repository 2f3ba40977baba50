"""Processes take what they are told at any time; one that hangs is found and ended."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from dragoman.server.config import Config
from dragoman.server.workers.board import Work
from dragoman.server.workers.child_process import ChildProcess
from dragoman.server.workers.messages import Drain, StartEngines, StartGateway
from dragoman.server.workers.process_family import ProcessFamily
from tests.runtime.hosts.shared_hosts import abstract_listener

pytestmark = [pytest.mark.anyio, pytest.mark.live]


@asynccontextmanager
async def engine_process(family: ProcessFamily) -> AsyncIterator[ChildProcess]:
    listener: socket.socket = abstract_listener()
    config = Config(engines="scripted")

    def begin(board: int, place: int) -> StartEngines:
        return StartEngines(config, listener.fileno(), board, place)

    child = await family.start("engines", begin, (listener.fileno(),))
    try:
        assert await asyncio.wait_for(child.started, 30) == ""
        yield child
    finally:
        child.kill()
        await child.gone()


async def test_a_process_that_hangs_is_killed_and_its_like_is_not() -> None:
    family = ProcessFamily(2)
    async with engine_process(family) as hangs, engine_process(family) as works:
        os.kill(hangs.pid, signal.SIGSTOP)
        watch = asyncio.create_task(family.end_those_that_hang(pulse_s=2.0))
        assert await asyncio.wait_for(hangs.gone(), 30) == -signal.SIGKILL
        watch.cancel()
        assert works.works


@pytest.mark.parametrize("work", ["engines", "gateway"])
async def test_a_process_takes_what_it_is_told_while_it_starts(work: Work) -> None:
    family = ProcessFamily(1)
    listener, engines = (abstract_listener() for _ in range(2))
    config = Config(engines="scripted")

    def begin(board: int, place: int) -> StartEngines | StartGateway:
        if work == "engines":
            return StartEngines(config, listener.fileno(), board, place)
        address: bytes = engines.getsockname()
        return StartGateway(config, listener.fileno(), board, place, address, opens_when_ready=True)

    child = await family.start(work, begin, (listener.fileno(),))
    metrics = asyncio.create_task(child.ask_metrics())  # as for `/metrics` of another gateway
    await asyncio.sleep(0)
    family.tell(work, Drain())
    assert await asyncio.wait_for(child.gone(), 30) == 0
    await metrics
