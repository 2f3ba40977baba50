"""Like a Rust client: bare UUIDs as event ids, Opus at 48 kHz, chunks written straight to a file.

It waits for ``session.updated``, appends without pauses, finishes, and plays the file when
``session.finished`` has come. It checks that no two events have the same id.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from dragoman.testing.validators.rules import Log
from tests.conformance.clients.connection import connected, sound


async def run(url: str, pieces: Sequence[str]) -> tuple[bytes, Log]:
    """The file, and the log."""
    async with connected(url, make_id=lambda: str(uuid.uuid4())) as socket:
        await socket.until("session.created")
        await socket.update(
            voice="Ethan", mode="server_commit", response_format="opus", sample_rate=48_000
        )
        for piece in pieces:
            await socket.append(piece)
        events = await socket.finish()
        ids = [event["event_id"] for _, event in socket.log]
        assert len(set(ids)) == len(ids)
        return sound(events), socket.log
