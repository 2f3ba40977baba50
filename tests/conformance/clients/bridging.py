"""Like an HTTP bridge: one request, one connection, one answer with its cost.

It appends the whole text and finishes without waiting for the update's answer, reads
``response.usage.characters`` and hangs up with ``session.finished``. A request may ask for any
setting, and stray keys of HTTP APIs come along.
"""

from __future__ import annotations

from typing import Any

from dragoman.testing.validators.rules import Log
from tests.conformance.clients.connection import connected, of_type, sound


async def run(url: str, text: str, **session: Any) -> tuple[bytes, int, Log]:
    """Speech, characters, and the log."""
    async with connected(url, make_id=iter(map("event_{}".format, range(9))).__next__) as socket:
        wanted = {"voice": "Cherry", "mode": "server_commit", "response_format": "pcm"}
        stray = {"model": "other", "output_audio_format": "pcm16", "temperature": 0.7}
        await socket.send("session.update", session={**wanted, **stray, **session})
        await socket.append(text)
        events = await socket.finish()
        done = of_type(events, "response.done")
        return sound(events), sum(e["response"]["usage"]["characters"] for e in done), socket.log
