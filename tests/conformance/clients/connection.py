"""What the re-made clients share: a WebSocket that logs, and waiting for an event.

Each file beside this one is one real client's way with the protocol, written anew from a
description of what it sends and what it insists on: its ids, its order, what it waits for and
what it does with the audio. A client returns what it got; the tests judge that.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from dragoman.testing.validators.rules import Event, Log

MODEL = "qwen3-tts-flash-realtime"
PATIENCE_S = 30.0
MakeId = Callable[[], str]


class Socket:
    """A connection of one client; ``make_id`` makes its event ids, None for clients without."""

    def __init__(self, socket: ClientConnection, make_id: MakeId | None) -> None:
        self.raw = socket
        self._make_id = make_id
        self.log: Log = []

    async def send(self, kind: str, **fields: Any) -> None:
        """Send an event, logged before it goes."""
        event: Event = {"event_id": self._make_id()} if self._make_id else {}
        event |= {"type": kind, **fields}
        self.log.append((">", event))
        await self.raw.send(json.dumps(event))

    async def receive(self, patience_s: float = PATIENCE_S) -> Event:
        """The next event."""
        async with asyncio.timeout(patience_s):
            text = await self.raw.recv()
        assert isinstance(text, str), "a binary frame"
        event: Event = json.loads(text)
        self.log.append(("<", event))
        return event

    async def until(self, *kinds: str) -> list[Event]:
        """Everything up to and with the first event of one of these types."""
        events = [await self.receive()]
        while events[-1]["type"] not in kinds:
            events.append(await self.receive())
        return events

    async def update(self, **session: Any) -> Event:
        """Change settings and wait for the answer."""
        await self.send("session.update", session=session)
        return (await self.until("session.updated", "error"))[-1]

    async def append(self, text: str) -> None:
        """Send text."""
        await self.send("input_text_buffer.append", text=text)

    async def commit(self) -> None:
        """Ask for speech."""
        await self.send("input_text_buffer.commit")

    async def finish(self) -> list[Event]:
        """Everything that is left, with ``session.finished``."""
        await self.send("session.finish")
        return await self.until("session.finished")


@contextlib.asynccontextmanager
async def connected(
    url: str, model: str = MODEL, make_id: MakeId | None = None, **headers: str
) -> AsyncIterator[Socket]:
    """A connection as most clients open it: a key, no extensions, no pings of the library's."""
    async with connect(
        f"{url}?model={model}",
        additional_headers={"Authorization": "Bearer sk-any", **headers},
        compression=None,
        ping_interval=None,
        max_size=None,
        proxy=None,
    ) as socket:
        yield Socket(socket, make_id)


def deltas(events: list[Event]) -> list[str]:
    """The audio strings, as they came."""
    return [event["delta"] for event in events if event["type"] == "response.audio.delta"]


def sound(events: list[Event]) -> bytes:
    """The audio, each string decoded by itself."""
    return b"".join(base64.b64decode(text) for text in deltas(events))


def of_type(events: list[Event], kind: str) -> list[Event]:
    """The events of one type."""
    return [event for event in events if event["type"] == kind]
