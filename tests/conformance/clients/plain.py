"""The simplest client there is: one text in, one stream out. Others are compared with it."""

from __future__ import annotations

from typing import Any

from tests.conformance.clients.connection import MODEL, connected, sound


async def speak(url: str, text: str, model: str = MODEL, **session: Any) -> bytes:
    """The bytes of the speech, whatever their format."""
    async with connected(url, model) as socket:
        await socket.until("session.created")
        if session:
            assert (await socket.update(**session))["type"] == "session.updated"
        await socket.append(text)
        return sound(await socket.finish())
