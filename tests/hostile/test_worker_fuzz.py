"""Workers of every kind are killed and stopped at random moments, under load.

The laws: every session comes to its end, every response ends as completed or failed and every turn
with a transcript or its failure, the server answers meanwhile, and the workers come back.

In the suite the moments are the same in every run. With ``FUZZ_EXAMPLES`` in the environment
(``make fuzz``) there are more and other ones; ``FUZZ_SEED`` repeats those of a run that failed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from dragoman.client.events import SessionEnded
from dragoman.client.interpretation import InterpretClient
from dragoman.testing import LiveServer, serve, validate_interpretation
from tests.conformance.sounds import jpeg, turns
from tests.hostile.hostile_client import hostile_session

pytestmark = [pytest.mark.anyio, pytest.mark.engine, pytest.mark.timeout(0)]
WANTED = int(os.environ.get("FUZZ_EXAMPLES", "0"))
ROUNDS = max(10, WANTED // 20)
SEED = int(os.environ.get("FUZZ_SEED") or (time.time_ns() if WANTED else 9))
ENGINES = (
    "vad=energy,asr=scripted-asr@host=process,mt=apertium?timeout_s=5,"
    "tts=espeak@first_sound_s=1,ocr=rapidocr"
)
MODELS = ("qwen3.5-livetranslate-flash-realtime", "qwen3.8-livetranslate-flash-realtime")


def victims(pid: int) -> dict[str, list[int]]:
    """The process ids of the workers by their kind: an engine's name, or ``apertium``."""
    found: dict[str, list[int]] = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            with contextlib.suppress(OSError):
                words = Path(f"/proc/{child}/cmdline").read_bytes().decode().split("\0")
                kind = words[-2].partition("@")[0] if "-m" in words else "apertium"
                found.setdefault(kind, []).append(int(child))
    return found


async def speaks(server: LiveServer, stop: asyncio.Event) -> None:
    """A synthesis session that has something to say until it is stopped."""
    async with hostile_session(server, "commit") as session:
        while not stop.is_set():
            heard = await session.say("One sentence after the other.")
            assert heard.statuses in (["completed"], ["failed"])
            assert not heard.errors


async def interprets(server: LiveServer, model: str, stop: asyncio.Event) -> None:
    """A speaker who shows pictures, ten times as fast as people speak."""
    log: list[tuple[str, dict[str, Any]]] = []

    def tap(way: str, event: dict[str, Any]) -> None:
        log.append((">" if way == "out" else "<", event))

    async with InterpretClient(server.url, model=model, tap=tap) as client:
        await client.update(source="en", target="es")
        listening = asyncio.create_task(ends(client))
        while not stop.is_set():
            pcm = turns(1200, pause_ms=1000)
            for at in range(0, len(pcm), 6400):
                await client.send_audio(pcm[at : at + 6400])
                await asyncio.sleep(0.02)
            await client.send_image(jpeg(320 + random.Random(len(log)).randrange(99) * 2))
        await client.finish()
        async with asyncio.timeout(60):
            assert await listening, "the session has to end by itself"
    validate_interpretation(log, model=model, errors=True, failures=True)


async def ends(client: InterpretClient) -> bool:
    """Whether the session comes to its own end."""
    return any([isinstance(event, SessionEnded) async for event in client])


async def blows(server: LiveServer, rng: random.Random) -> None:
    """Kill or stop one worker after the other, each kind in turn."""
    hit: set[str] = set()
    for _ in range(ROUNDS):
        await asyncio.sleep(rng.uniform(0.05, 0.5))
        kinds = victims(server.process.pid)
        rarest = [kind for kind in kinds if kind not in hit] or list(kinds)
        if not rarest:
            continue
        kind = rng.choice(sorted(rarest))
        hit.add(kind)
        with contextlib.suppress(ProcessLookupError):
            os.kill(rng.choice(kinds[kind]), rng.choice([signal.SIGKILL, signal.SIGSTOP]))
        status, _ = await asyncio.to_thread(server.health)
        assert status == 200
    assert len(hit) >= min(3, ROUNDS)


@contextlib.asynccontextmanager
async def load(server: LiveServer) -> AsyncIterator[None]:
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as sessions:
        for _ in range(2):
            sessions.create_task(speaks(server, stop))
        for model in MODELS:
            sessions.create_task(interprets(server, model, stop))
        yield
        stop.set()


async def test_no_session_hangs_and_the_workers_come_back() -> None:
    print(f"FUZZ_SEED={SEED}")
    with serve(ENGINES) as server:
        async with asyncio.timeout(60 + 3 * ROUNDS), load(server):
            await blows(server, random.Random(SEED))
        deadline = time.monotonic() + 30
        while (await asyncio.to_thread(server.get, "/ready"))[0] != 200:
            assert time.monotonic() < deadline, server.log()
            await asyncio.sleep(0.1)
        async with hostile_session(server, "commit") as session:
            await session.assert_usable()
        assert "Traceback" not in server.log()
