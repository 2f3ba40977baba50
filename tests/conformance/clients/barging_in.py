"""Like a speech gateway that counts characters and lets the user barge in.

Commit mode. Text is buffered while the assistant thinks; a barge-in throws it away with
``input_text_buffer.clear``, whether or not something is being spoken. What it bills is
``usage.characters`` of each ``response.done``; it leaves only after ``session.finished``.
"""

from __future__ import annotations

from dragoman.testing.validators.rules import Log
from tests.conformance.clients.connection import connected, of_type, sound


async def run(url: str, spoken: str, dropped: str, last: str) -> tuple[list[int], bytes, Log]:
    """Characters billed for each response, all speech, and the log."""
    async with connected(url, make_id=iter(map("gw-{}".format, range(99))).__next__) as socket:
        await socket.until("session.created")
        await socket.update(voice="Cherry", mode="commit", response_format="pcm")
        await socket.append(dropped)
        await socket.send("input_text_buffer.clear")
        events = await socket.until("input_text_buffer.cleared")
        await socket.append(spoken)
        await socket.commit()
        events += await socket.until("response.audio.delta")
        await socket.append(dropped)
        await socket.send("input_text_buffer.clear")  # while it speaks
        await socket.append(last)
        await socket.commit()
        events += await socket.finish()
        billed = [
            event["response"]["usage"]["characters"] for event in of_type(events, "response.done")
        ]
        return billed, sound(events), socket.log
