"""Short sessions that come and go beside the long one: those who stay, and those who vanish.

Law of this file: loops of short sessions, one after another, until told to stop; how each ends
follows from its number, so every run has the same mixture. A session that goes wrong is counted
and the next one comes.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable

import msgspec

from dragoman.client.interpret import InterpretSettings, session_object
from dragoman_bench.figures import BenchFailed
from dragoman_bench.harness.ws_client import WsClient
from dragoman_bench.live import CHUNK_MS, MODEL, append_frame
from dragoman_bench.parts.first_audio import EVERY_S, append, pieces_of, settings
from dragoman_bench.parts.idle import SYNTHESIS_MODEL
from dragoman_bench.recordings import RATE_HZ, Pcm

TEXT = (
    "The tram to the harbour leaves from the other side of the square. "
    "It runs every ten minutes, and the last one goes shortly before midnight. "
)
SPEAKS_S = 10.0
_CHUNK = RATE_HZ * CHUNK_MS // 1000
_ENDINGS = ("finish", "close", "finish", "drop")
_PAUSE_S = (2.0, 6.0)
_FINISH = b'{"type":"session.finish"}'
_WAIT_S = 60.0
_KEPT_FAILURES = 20


class ChurnCounts(msgspec.Struct):
    """Counts of the short sessions."""

    interpreted: int = 0
    spoken: int = 0
    vanished: int = 0
    """Of all of them, those that ended without a word."""
    failures: int = 0
    why: list[str] = []
    """Of the first failures."""

    def failed(self, failure: Exception) -> None:
        """One went wrong."""
        self.failures += 1
        if len(self.why) < _KEPT_FAILURES:
            self.why.append(str(failure) or type(failure).__name__)


Visit = Callable[[str], Awaitable[None]]
"""One short session, which ends in this way."""


async def keep(port: int, samples: Pcm, company: ChurnCounts, *, target: str) -> None:
    """Until cancelled: one short interpretation and one synthesis at a time."""
    starts = random.Random(1)  # noqa: S311  # the same places in every run

    async def listen(ending: str) -> None:
        begin = starts.randrange(max(1, len(samples) - int(SPEAKS_S * RATE_HZ)))
        await interpret(port, samples[begin : begin + int(SPEAKS_S * RATE_HZ)], ending, target)
        company.interpreted += 1

    async def speak(ending: str) -> None:
        await synthesise(port, TEXT, ending)
        company.spoken += 1

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_visits(listen, company, seed=2))
        tasks.create_task(_visits(speak, company, seed=3))


async def each(port: int, samples: Pcm, company: ChurnCounts, *, target: str) -> None:
    """One of each kind and ending, once: afterwards everything has been loaded that ever is."""
    short = samples[: int(SPEAKS_S * RATE_HZ)]
    for ending in dict.fromkeys(_ENDINGS):
        await asyncio.gather(interpret(port, short, ending, target), synthesise(port, TEXT, ending))
        company.interpreted += 1
        company.spoken += 1
        company.vanished += 2 * (ending == "drop")


async def _visits(visit: Visit, company: ChurnCounts, *, seed: int) -> None:
    pauses = random.Random(seed)  # noqa: S311  # the same pauses in every run
    for ending in itertools.cycle(_ENDINGS):
        try:
            await visit(ending)
            company.vanished += ending == "drop"
        except (BenchFailed, OSError, TimeoutError) as failure:
            company.failed(failure)
        await asyncio.sleep(pauses.uniform(*_PAUSE_S))


async def interpret(port: int, samples: Pcm, ending: str, target: str) -> None:
    """Speak at the pace of a microphone, then leave in this way. Raises ``BenchFailed``,
    ``OSError``, ``TimeoutError``.
    """
    peer = await WsClient.connect(port, MODEL)
    try:
        await peer.update(session_object(InterpretSettings(target=target), MODEL))
        finished = peer.coming("session.finished")
        clock = asyncio.get_running_loop().time
        begin_s = clock()
        for number, start in enumerate(range(0, len(samples), _CHUNK), 1):
            due_s = begin_s + number * CHUNK_MS / 1000
            await asyncio.sleep(max(0.0, due_s - clock()))
            peer.send(append_frame(samples[start : start + _CHUNK].tobytes()))
        if ending == "finish":
            peer.send(_FINISH)
            await asyncio.wait_for(finished, _WAIT_S)
    finally:
        _leave(peer, ending)


async def synthesise(port: int, text: str, ending: str) -> None:
    """Have a text spoken that comes in pieces; who does not finish leaves with the first audio.
    Raises as ``interpret``.
    """
    peer = await WsClient.connect(port, SYNTHESIS_MODEL)
    try:
        await peer.update(settings("server_commit"))
        finished = peer.coming("session.finished")
        first = peer.coming("response.audio.delta")
        for piece in pieces_of(text):
            peer.write(append(piece))
            await asyncio.sleep(EVERY_S)
        if ending == "finish":
            peer.send(_FINISH)
        await asyncio.wait_for(finished if ending == "finish" else first, _WAIT_S)
    finally:
        _leave(peer, ending)


def _leave(peer: WsClient, ending: str) -> None:
    (peer.drop if ending == "drop" else peer.close)()
