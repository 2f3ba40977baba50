"""A process that hangs is found and ended; one that answers is not."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from dragoman.server.config import Config
from dragoman.server.workers.child_process import ChildProcess
from dragoman.server.workers.messages import StartEngines
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
