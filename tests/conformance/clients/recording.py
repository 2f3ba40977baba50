"""Like the recorder that made the only published recordings of the real service.

It sends what it sent then (16 kHz, one sentence of twelve Han characters and a full stop, ids
that count) and accepts nothing but that order and those shapes. The language must come back as
it was sent or in lower case.
"""

from __future__ import annotations

from itertools import groupby

from dragoman.testing.validators.rules import Event, Log
from tests.conformance.clients import golden
from tests.conformance.clients.connection import connected

SENTENCE = "夜里起风之后海面变得很白。"
LANGUAGE = "Chinese"
assert len(SENTENCE) == 12 + 1


async def run(url: str, mode: str) -> tuple[list[str], Log]:
    """What differed from the recording (nothing, for a good server), and the log."""
    made = iter(f"record_{number:03}" for number in range(1, 9))
    async with connected(url, make_id=made.__next__) as socket:
        events = await socket.until("session.created")
        settings = {"voice": "Cherry", "mode": mode, "language_type": LANGUAGE}
        events.append(await socket.update(**settings, response_format="pcm", sample_rate=16_000))
        await socket.append(SENTENCE)
        if mode == "commit":
            await socket.commit()
            events += await socket.until("response.done")
        else:
            events += await socket.until("response.audio.delta")
        events += await socket.finish()
        return _wrong(events, mode), socket.log


def _wrong(events: list[Event], mode: str) -> list[str]:
    order = tuple(kind for kind, _ in groupby(event["type"] for event in events))
    if order != golden.ORDER[mode]:
        return [f"the order was {order}"]
    wrong = [line for event in events for line in golden.differences(event)]
    echoed = events[1]["session"]
    if echoed["mode"] != mode:
        wrong.append(f"the mode came back as {echoed['mode']!r}")
    if echoed["language_type"] not in (LANGUAGE, LANGUAGE.lower()):
        wrong.append(f"the language came back as {echoed['language_type']!r}")
    return wrong
