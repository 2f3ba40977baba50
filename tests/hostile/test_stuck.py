"""A text that keeps its engine busy for ever: the session that sent it gets a failed response, the
others get their speech, and all of them stay usable.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dragoman.engines.base import Info
from dragoman.protocol.core.events import ClientEvent, Ids, Malformed, nonce_from
from dragoman.protocol.core.session import Limits
from dragoman.protocol.registry import SYNTHESIS, lookup, make_session
from dragoman.runtime.hosts.process.host import ProcessHost
from dragoman.runtime.jobs import run_session
from dragoman.runtime.observer import FanOut
from dragoman.speech import Coverage
from tests.runtime.hosts import tiny_engines as tiny

pytestmark = [pytest.mark.anyio, pytest.mark.live]
MODEL = "qwen3-tts-flash-realtime"
CODEC = SYNTHESIS.codec


@pytest.fixture(autouse=True)
def _workers_find_the_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(tiny.__file__).parent))


class Client:
    """Both ends of a connection: events that the test sends, and those it received."""

    is_gone = False
    is_writable = True

    def __init__(self) -> None:
        self._arrived: list[ClientEvent | Malformed] = []
        self.asked: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.received: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def arrival(self) -> None:
        self._arrived.append(CODEC.decode(json.dumps(await self.asked.get())))

    def take(self) -> list[ClientEvent | Malformed]:
        taken, self._arrived = self._arrived, []
        return taken

    def write(self, texts: Sequence[str]) -> None:
        for text in texts:
            self.received.put_nowait(json.loads(text))

    async def drain(self) -> None: ...

    async def close(self, code: int, reason: str) -> None:
        self.received.put_nowait({"type": "closed", "code": code})

    def say(self, text: str) -> None:
        self.asked.put_nowait({"type": "input_text_buffer.append", "text": text})
        self.asked.put_nowait({"type": "input_text_buffer.commit"})

    async def response(self) -> tuple[str, float]:
        """The status of the next response and the seconds of sound in it."""
        size = 0
        while True:
            event = await self.received.get()
            assert event["type"] not in {"error", "closed"}, event
            if event["type"] == "response.audio.delta":
                size += len(base64.b64decode(event["delta"]))
            if event["type"] == "response.done":
                return event["response"]["status"], size / 2 / tiny.RATE_HZ


class SessionsOnOneHost:
    """Sessions that share a process host, as in a server."""

    def __init__(self, spec: str, info: Info, workers: int) -> None:
        self.host = ProcessHost(info, spec=spec, workers=workers)
        coverage = Coverage(speaks=frozenset({"*"}))
        self._engines: Any = SimpleNamespace(
            coverage=coverage, interpreter=None, synthesizer=lambda _language: self.host
        )
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> SessionsOnOneHost:
        await self.host.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.host.close()

    def session(self) -> Client:
        client, ids = Client(), Ids(nonce_from(len(self._tasks)))
        session = make_session(lookup(MODEL), ids, Limits(), self._engines.coverage)
        run = run_session(session, client, CODEC.encode, self._engines, FanOut())
        self._tasks.append(asyncio.create_task(run))
        settings = {"mode": "commit", "sample_rate": tiny.RATE_HZ, "language_type": "English"}
        client.asked.put_nowait({"type": "session.update", "session": settings})
        return client


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    ("spec", "engine", "text"),
    [(tiny.IMPATIENT, tiny.Impatient, "!hang"), (tiny.THRIFTY, tiny.Thrifty, "!burn")],
    ids=["waits", "computes"],
)
async def test_only_the_session_that_sent_it_gets_a_failed_response(
    spec: str, engine: type[tiny.Speaker], text: str, workers: int
) -> None:
    async with SessionsOnOneHost(spec, engine().info, workers) as sessions, asyncio.timeout(40):
        bad, others = sessions.session(), [sessions.session() for _ in range(4)]
        bad.say(text)
        for number, other in enumerate(others):
            other.say(f"other {number}")
        for other in others:
            assert await other.response() == ("completed", pytest.approx(0.7, abs=0.01))
        assert await bad.response() == ("failed", 0.0)
        bad.say("better now")
        assert await bad.response() == ("completed", pytest.approx(1.0, abs=0.01))
        assert len(sessions.host.pids) == workers


async def test_a_response_with_endless_audio_is_cut_off() -> None:
    async with SessionsOnOneHost(tiny.TERSE, tiny.Terse().info, 1) as sessions, asyncio.timeout(20):
        client = sessions.session()
        client.say("a segment of more than a second")
        status, seconds = await client.response()
        assert status == "failed"
        assert 0 < seconds < 1.01
        client.say("short")
        assert await client.response() == ("completed", pytest.approx(0.5, abs=0.01))
