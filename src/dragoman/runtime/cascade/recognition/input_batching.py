"""How listening takes its inputs.

Law of this file: small waits and steps. None changes what is heard, only how soon and how cheaply.
"""

from __future__ import annotations

import asyncio
from typing import Any

from dragoman.runtime.cascade.recognition.decoder import TurnDecoder
from dragoman.runtime.driver.inbox import Inbox
from dragoman.speech import Audio

_PIECE_MS = 1_000
"""Audio that has piled up is worked on in pieces of at most this."""


def batch_audio(begin: Audio, inbox: Inbox, rate_hz: int) -> list[Audio]:
    """Take audio that has piled up together, so that a backlog costs fewer hops between threads."""
    limit = rate_hz * 2 * _PIECE_MS // 1000
    parts, size = [begin], begin.size(rate_hz)
    while size < limit and isinstance(waiting := inbox.peek(), Audio):
        inbox.get_now()
        parts.append(waiting)
        size += waiting.size(rate_hz)
    return parts


async def wait_decode_or_input(flight: asyncio.Task[Any], inbox: Inbox) -> bool:
    """Wait for a decode or the next input: whether the decode is done and nothing came before."""
    if inbox.peek() is not None:
        return False
    arrival = asyncio.ensure_future(inbox.arrival())
    try:
        await asyncio.wait((arrival, flight), return_when=asyncio.FIRST_COMPLETED)
    finally:
        arrival.cancel()
    return flight.done() and inbox.peek() is None


async def take_result(hearing: TurnDecoder) -> bool:
    """The step of a decode that came back by itself."""
    return hearing.land()
