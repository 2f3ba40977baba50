"""SIGTERM to every process of a service, as systemd and Docker send it: sessions still finish."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from dragoman.testing.live_server import STOP_S, serve
from tests.hostile.hostile_client import hostile_session

pytestmark = [pytest.mark.anyio, pytest.mark.engine]


def descendants(pid: int) -> list[int]:
    """The process ids below this one."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in map(int, (task / "children").read_text().split()):
            found += [child, *descendants(child)]
    return found


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def test_engines_live_until_the_last_session_is_over() -> None:
    engines = "vad=energy,asr=scripted-asr,mt=apertium,tts=espeak@concurrency=1"
    with serve(engines, warm="en-es", drain_s=30) as server:
        pid = server.process.pid
        programs = descendants(pid)
        assert len(programs) > 3, "a worker of espeak and the pipe of a direction"
        async with hostile_session(server, "commit") as session:
            for stopped in (*programs, pid):
                os.kill(stopped, signal.SIGTERM)
            while server.health()[1]["status"] != "draining":
                await asyncio.sleep(0.01)
            assert all(map(is_alive, programs))
            heard = await session.say("One more sentence.")
            assert heard.statuses == ["completed"]
            assert heard.seconds > 0.5
            assert set(descendants(pid)) == set(programs), "no worker had to be replaced"
        assert await asyncio.to_thread(server.process.wait, STOP_S) == 0
        assert not any(map(is_alive, programs))
