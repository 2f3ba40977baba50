"""Short sessions that come and go beside the long one, and end in different ways.

Scope: loops of short sessions, one after another, until cancelled; how each ends follows from its
number, so every run has the same mixture. A failure is counted, and the next session comes.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable
from typing import Literal, get_args

import msgspec

from dragoman.client.interpretation import InterpretSettings, session_object
from dragoman_bench.figures import BenchFailed
from dragoman_bench.harness.synthesis_session import (
    PIECES_PER_S,
    append_text,
    pieces_of,
    settings,
)
from dragoman_bench.harness.ws_client import (
    FINISH,
    INTERPRETATION_MODEL,
    SYNTHESIS_MODEL,
    WsClient,
    append_audio,
)
from dragoman_bench.interpret.play import microphone
from dragoman_bench.interpret.recordings import RATE_HZ, Pcm

TEXT = (
    "The tram to the harbour leaves from the other side of the square. "
    "It runs every ten minutes, and the last one goes shortly before midnight. "
)
SPEECH_S = 10.0
Ending = Literal["finish", "close", "abort"]
_MIXTURE: tuple[Ending, ...] = ("finish", "close", "finish", "abort")
_PAUSE_S = (2.0, 6.0)
_WAIT_S = 60.0
_KEPT_FAILURES = 20


class ChurnCounts(msgspec.Struct):
    """Counts of the short sessions."""

    interpreted: int = 0
    spoken: int = 0
    aborted: int = 0
    """Of all of them, those that ended without a close frame."""
    failures: int = 0
    why: list[str] = []
    """Of the first failures."""

    def failed(self, failure: Exception) -> None:
        """Count a failure."""
        self.failures += 1
        if len(self.why) < _KEPT_FAILURES:
            self.why.append(str(failure) or type(failure).__name__)


async def keep_churning(port: int, samples: Pcm, counts: ChurnCounts, *, target: str) -> None:
    """Until cancelled: one short interpretation and one synthesis at a time."""
    starts = random.Random(1)  # noqa: S311  # the same places in every run
    length = int(SPEECH_S * RATE_HZ)

    async def interpretation(ending: Ending) -> None:
        begin = starts.randrange(max(1, len(samples) - length))
        await interpret(port, samples[begin : begin + length], ending, target)
        counts.interpreted += 1

    async def synthesis(ending: Ending) -> None:
        await synthesise(port, TEXT, ending)
        counts.spoken += 1

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_one_after_another(interpretation, counts, seed=2))
        tasks.create_task(_one_after_another(synthesis, counts, seed=3))


async def one_of_each(port: int, samples: Pcm, counts: ChurnCounts, *, target: str) -> None:
    """One session of each kind and ending: afterwards everything has been loaded that ever is."""
    short = samples[: int(SPEECH_S * RATE_HZ)]
    for ending in get_args(Ending):
        await asyncio.gather(interpret(port, short, ending, target), synthesise(port, TEXT, ending))
        counts.interpreted += 1
        counts.spoken += 1
        counts.aborted += 2 * (ending == "abort")


async def _one_after_another(
    session: Callable[[Ending], Awaitable[None]], counts: ChurnCounts, *, seed: int
) -> None:
    pauses = random.Random(seed)  # noqa: S311  # the same pauses in every run
    for ending in itertools.cycle(_MIXTURE):
        try:
            await session(ending)
            counts.aborted += ending == "abort"
        except (BenchFailed, OSError, TimeoutError) as failure:
            counts.failed(failure)
        await asyncio.sleep(pauses.uniform(*_PAUSE_S))


async def interpret(port: int, samples: Pcm, ending: Ending, target: str) -> None:
    """Speak at the pace of a microphone, then end in this way. Raises ``BenchFailed``,
    ``OSError``, ``TimeoutError``.
    """
    client = await WsClient.connect(port, INTERPRETATION_MODEL)
    try:
        session = session_object(InterpretSettings(target=target), INTERPRETATION_MODEL)
        await client.update(session)
        finished = client.next_event("session.finished")
        clock = asyncio.get_running_loop().time
        begin_s = clock()
        async for pcm, _late in microphone(samples, lambda: (clock() - begin_s) * 1000):
            client.send(append_audio(pcm))
        if ending == "finish":
            client.send(FINISH)
            await asyncio.wait_for(finished, _WAIT_S)
    finally:
        _end(client, ending)


async def synthesise(port: int, text: str, ending: Ending) -> None:
    """Have a text spoken that comes in pieces; without ``finish`` the session ends with the first
    audio. Raises as ``interpret``.
    """
    client = await WsClient.connect(port, SYNTHESIS_MODEL)
    try:
        await client.update(settings("server_commit"))
        finished = client.next_event("session.finished")
        first = client.next_event("response.audio.delta")
        for piece in pieces_of(text):
            client.write(append_text(piece))
            await asyncio.sleep(1 / PIECES_PER_S)
        if ending == "finish":
            client.send(FINISH)
        await asyncio.wait_for(finished if ending == "finish" else first, _WAIT_S)
    finally:
        _end(client, ending)


def _end(client: WsClient, ending: Ending) -> None:
    (client.abort if ending == "abort" else client.close)()
