"""Like a client that interrupts itself with ``response.cancel``.

It speaks long answers in ``server_commit``; when the user interrupts, it cancels and sends the
next answer at once, without waiting for anything. It tells answers apart by their response ids
and takes ``session.finished`` for a word without meaning: wherever it comes, it goes on.
"""

from __future__ import annotations

from dragoman.testing.validators.rules import Event, Log
from tests.conformance.clients.connection import connected, sound


async def run(url: str, interrupted: str, wanted: str) -> tuple[str, bytes, Log]:
    """How the interrupted response ended, the speech of the wanted one, and the log."""
    async with connected(
        url, make_id=iter(map("record_{:03}".format, range(1, 99))).__next__
    ) as to:
        await to.until("session.created")
        await to.send("session.update", session={"voice": "Cherry", "mode": "server_commit"})
        await to.append(interrupted)
        begun = await to.until("response.audio.delta")
        first = begun[-1]["response_id"]
        await to.send("response.cancel")
        await to.append(wanted)
        await to.commit()
        status, speech = "", b""
        while True:
            events = [event for event in await to.until("response.done") if _goes_on(event)]
            response = events[-1]["response"]
            if response["id"] == first:
                status = response["status"]
                continue
            speech = sound([event for event in events if event.get("response_id") != first])
            return status, speech, to.log


def _goes_on(event: Event) -> bool:
    return event["type"] != "session.finished"
