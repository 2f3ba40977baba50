"""Like clients that join the base64 strings of all deltas and decode them once.

Padding inside of the joined string would cut it short or be an error, so it stands or falls with
deltas of whole base64 groups.
"""

from __future__ import annotations

import base64

from dragoman.testing.validators.rules import Log
from tests.conformance.clients.connection import connected, deltas, of_type


async def run(url: str, texts: list[str], form: str, rate_hz: int) -> tuple[list[bytes], Log]:
    """One response for each text, in commit mode; its file, and the log."""
    files = []
    async with connected(url) as socket:
        await socket.until("session.created")
        await socket.update(
            voice="Cherry", mode="commit", response_format=form, sample_rate=rate_hz
        )
        for text in texts:
            await socket.append(text)
            await socket.commit()
            events = await socket.until("response.done")
            assert len(of_type(events, "response.audio.delta")) > 1, "nothing to join"
            files.append(base64.b64decode("".join(deltas(events)), validate=True))
        await socket.finish()
        return files, socket.log
