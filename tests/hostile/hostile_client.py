"""A synthesis client for hostile input; it collects what the server answers."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from dragoman.testing.live_server import LiveServer

MODEL = "qwen3-tts-flash-realtime"
RATE_HZ = 8_000


@dataclass
class Answer:
    """The answer to one text: errors, the status of its responses, and audio."""

    errors: list[dict[str, Any]] = field(default_factory=list)
    statuses: list[str] = field(default_factory=list)
    characters: int = 0
    pcm: bytes = b""
    wall_s: float = 0.0
    first_s: float = 0.0

    @property
    def seconds(self) -> float:
        return len(self.pcm) / 2 / RATE_HZ

    def take(self, event: dict[str, Any]) -> None:
        match event["type"]:
            case "error":
                self.errors.append(event["error"])
            case "response.audio.delta":
                self.pcm += base64.b64decode(event["delta"], validate=True)
            case "response.done":
                self.statuses.append(event["response"]["status"])
                self.characters += event["response"]["usage"]["characters"]


class HostileSession:
    """One session; ``mode`` and language are set at the start."""

    def __init__(self, socket: ClientConnection, mode: str) -> None:
        self.socket = socket
        self.mode = mode

    async def send(self, kind: str, **fields: Any) -> None:
        await self.socket.send(json.dumps({"type": kind, **fields}))

    async def append(self, text: str, pieces: int = 1) -> None:
        size = max(1, -(-len(text) // pieces))
        for at in range(0, len(text), size):
            await self.send("input_text_buffer.append", text=text[at : at + size])

    async def until(self, *kinds: str) -> Answer:
        """Everything up to the first event of one of these types."""
        heard, clock = Answer(), asyncio.get_running_loop().time
        began = clock()
        async with asyncio.timeout(60):
            while True:
                event = json.loads(await self.socket.recv())
                heard.take(event)
                if event["type"] == "response.audio.delta" and not heard.first_s:
                    heard.first_s = clock() - began
                if event["type"] in kinds:
                    heard.wall_s = clock() - began
                    return heard

    async def say(self, text: str, pieces: int = 1) -> Answer:
        """One text and the answer to it, by a commit or a finish as the mode has it."""
        await self.append(text, pieces)
        if self.mode == "commit":
            await self.send("input_text_buffer.commit")
            return await self.until("response.done", "error")
        await self.send("session.finish")
        return await self.until("session.finished")

    async def assert_usable(self) -> None:
        """Assert that the session still answers a plain sentence."""
        heard = await self.say("We are well.")
        assert heard.statuses == ["completed"]
        assert not heard.errors
        assert 0.4 < heard.seconds < 4


@asynccontextmanager
async def hostile_session(
    live: LiveServer, mode: str, language: str = "English"
) -> AsyncIterator[HostileSession]:
    url = f"{live.url}?model={MODEL}"
    async with connect(url, ping_interval=None, max_size=None, compression=None) as socket:
        session = HostileSession(socket, mode)
        settings = {"mode": mode, "sample_rate": RATE_HZ, "language_type": language}
        await session.send("session.update", session=settings)
        assert not (await session.until("session.updated")).errors
        yield session


def resident_mib(pid: int) -> float:
    """Memory of the process and of its children, the workers among them."""
    total = 0
    for each in [pid, *children(pid)]:
        for line in Path(f"/proc/{each}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                total += int(line.split()[1])
    return total / 1024


def children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]
