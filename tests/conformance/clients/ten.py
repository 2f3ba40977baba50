"""Like the TTS extension of the TEN framework.

* ``session.created`` must be the first frame, and come within 10 s.
* No event ids and no ``session.update``: the defaults have to do.
* For each request append and commit; its audio ends with ``response.done``. The first audio has
  30 s. The socket stays open for the next request; nothing is ever finished.
* It pings by itself (every 20 s in the original) and hangs up when a pong takes 10 s.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from dragoman.testing.validators.rules import Log
from tests.conformance.clients.connection import Socket, connected, sound

CREATED_S, AUDIO_S, PONG_S = 10.0, 30.0, 10.0


@dataclass
class Spoken:
    """What came. ``pongs``: how long the log was when each of them came."""

    requests: list[bytes] = field(default_factory=list)
    pongs: list[int] = field(default_factory=list)
    slowest_pong_s: float = 0.0
    log: Log = field(default_factory=list)


async def run(url: str, texts: Sequence[str], ping_every_s: float = 0.002) -> Spoken:
    """Speak each text; raises ``TimeoutError`` where the original gives up."""
    result = Spoken()
    async with connected(url) as socket:
        result.log = socket.log
        first = await socket.receive(CREATED_S)
        assert first["type"] == "session.created", first
        pinging = asyncio.create_task(_ping(socket, result, ping_every_s))
        try:
            for text in texts:
                result.requests.append(await _request(socket, text))
        finally:
            pinging.cancel()
        (failure,) = await asyncio.gather(pinging, return_exceptions=True)
        assert isinstance(failure, asyncio.CancelledError), failure
    return result


async def _request(socket: Socket, text: str) -> bytes:
    await socket.append(text)
    await socket.commit()
    async with asyncio.timeout(AUDIO_S):
        events = await socket.until("response.audio.delta")
    return sound(events + await socket.until("response.done"))


async def _ping(socket: Socket, result: Spoken, every_s: float) -> None:
    while True:
        began = time.monotonic()
        async with asyncio.timeout(PONG_S):
            await (await socket.raw.ping())
        result.slowest_pong_s = max(result.slowest_pong_s, time.monotonic() - began)
        result.pongs.append(len(socket.log))
        await asyncio.sleep(every_s)
