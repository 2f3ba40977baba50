"""Like the voice-assistant server that keeps its socket for the next answer.

It finishes each answer with ``session.finish`` and, within a minute, appends the next one on the
same connection, as if nothing had been finished. Its settings are sent once, at the start.
"""

from __future__ import annotations

from collections.abc import Sequence

from dragoman.testing.validators.rules import Log
from tests.conformance.clients.connection import connected, sound


async def run(url: str, answers: Sequence[Sequence[str]]) -> tuple[list[bytes], Log]:
    """Speak each answer (its pieces); the speech of each, and the log."""
    speech = []
    async with connected(url) as socket:
        await socket.until("session.created")
        await socket.update(voice="Serena", mode="server_commit")
        for pieces in answers:
            for piece in pieces:
                await socket.append(piece)
            speech.append(sound(await socket.finish()))
        return speech, socket.log
