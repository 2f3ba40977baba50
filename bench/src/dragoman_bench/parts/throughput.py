"""How much speech comes a second: long texts of many sessions at once, beside the bare pool.

Scope: all begin at one instant, in commit mode; the pool speaks the same segments, those of one
text one after another. They alternate, and the ratio is the median over the rounds. Only audio that
arrived is counted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from statistics import median

import msgspec

from dragoman.runtime.hosts.host import EngineHost
from dragoman_bench.figures import Figure
from dragoman_bench.harness.pacer import Pacer
from dragoman_bench.harness.synthesis_session import COMMIT, RATE_HZ, SynthesisSession, append_text
from dragoman_bench.parts.first_audio import segments_of
from dragoman_bench.parts.paired_rounds import speak_segment

SESSIONS = 50
AIM = 0.85
_PARAGRAPH = (
    "The ferry leaves the northern pier a little after seven, when the fog has lifted. "
    "Its captain has made the crossing for thirty years and knows every rock by name. "
    "On market days farmers come aboard with crates of apples, cheese and live hens. "
    "Children lean over the rail to count the seals that follow the boat. "
    "By the time the bells ring on the other side, most of the bread is gone. "
)
_SPOKEN_S = 120.0


class Throughput(msgspec.Struct, frozen=True):
    """One round: seconds of audio that arrived, and seconds that took."""

    audio_s: float
    wall_s: float

    @property
    def rate(self) -> float:
        """Audio seconds a second."""
        return self.audio_s / self.wall_s


class ThroughputRounds(msgspec.Struct):
    """All rounds, the server's and the pool's in pairs."""

    server: list[Throughput]
    pool: list[Throughput]

    def ratio(self) -> float:
        """The server's rate by the pool's, median over the rounds."""
        pairs = zip(self.server, self.pool, strict=True)
        return median(server.rate / pool.rate for server, pool in pairs)


async def measure(
    port: int, pool: EngineHost, *, quick: bool, sessions: int = SESSIONS
) -> tuple[ThroughputRounds, list[Figure]]:
    """Server and pool in turns."""
    text = _PARAGRAPH * (1 if quick else 3)
    frames = append_text(text) + COMMIT
    segments = [segment.text for segment in segments_of([text], eager=False)]
    clients = [await SynthesisSession.open(port, "commit") for _ in range(sessions)]

    async def on_server(client: SynthesisSession) -> int:
        spoken = client.expect()
        client.write(frames)
        return (await spoken).audio_bytes

    async def on_pool() -> int:
        pacer = Pacer()
        return sum([(await speak_segment(pool, s, pacer)).audio_bytes for s in segments])

    found = ThroughputRounds([], [])
    try:
        for _ in range(2 if quick else 5):
            found.server.append(await _timed([on_server(client) for client in clients]))
            found.pool.append(await _timed([on_pool() for _ in clients]))
    finally:
        for client in clients:
            client.close()
    return found, _figures(found, sessions)


async def _timed(texts: Sequence[Awaitable[int]]) -> Throughput:
    began_s = asyncio.get_running_loop().time()
    sizes = await asyncio.wait_for(asyncio.gather(*texts), _SPOKEN_S)
    wall_s = asyncio.get_running_loop().time() - began_s
    return Throughput(sum(sizes) / (2 * RATE_HZ), wall_s)


def _figures(found: ThroughputRounds, sessions: int) -> list[Figure]:
    part, unit = f"synthesis, {sessions} long texts", "s/s"
    server, pool = (median(one.rate for one in side) for side in (found.server, found.pool))
    ratio = found.ratio()
    return [
        Figure(part=part, name="audio seconds per second", value=server, unit=unit),
        Figure(part=part, name="bare pool, audio seconds per second", value=pool, unit=unit),
        Figure(part=part, name="ratio to bare pool", value=ratio, unit="x", aim=AIM, at_least=True),
    ]
