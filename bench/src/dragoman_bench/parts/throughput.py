"""How much speech a second gives: long texts of many sessions at once, beside the bare pool.

Law of this file: all begin at one instant, in commit mode; the pool speaks the same segments, those
of one text one after another. They take turns, and the ratio is the median over the rounds.
Counted is audio that arrived, not audio that was promised.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from statistics import median

import msgspec

from dragoman.runtime.hosts.host import EngineHost
from dragoman_bench.figures import BenchFailed, Figure
from dragoman_bench.harness.pacer import Pacer
from dragoman_bench.harness.ws_client import WsClient, kind_of
from dragoman_bench.parts.first_audio import COMMIT, append, segments_of, settings
from dragoman_bench.parts.idle import SYNTHESIS_MODEL
from dragoman_bench.parts.paired_rounds import RATE_HZ, spoken

SESSIONS = 50
AIM = 0.85
_PARAGRAPH = (
    "The ferry leaves the northern pier a little after seven, when the fog has lifted. "
    "Its captain has made the crossing for thirty years and knows every rock by name. "
    "On market days farmers come aboard with crates of apples, cheese and live hens. "
    "Children lean over the rail to count the seals that follow the boat. "
    "By the time the bells ring on the other side, most of the bread is gone. "
)
_DELTA = b'"delta":"'
_SPOKEN_S = 120.0


class Speed(msgspec.Struct, frozen=True):
    """One round: seconds of audio that arrived, and seconds that took."""

    audio_s: float
    wall_s: float

    @property
    def rate(self) -> float:
        """Audio seconds a second."""
        return self.audio_s / self.wall_s


class Rounds(msgspec.Struct):
    """All rounds, the server's and the pool's in pairs."""

    server: list[Speed]
    pool: list[Speed]

    def ratio(self) -> float:
        """The server's rate by the pool's, median over the rounds."""
        pairs = zip(self.server, self.pool, strict=True)
        return median(ours.rate / bare.rate for ours, bare in pairs)


def audio_bytes(frame: bytes) -> int:
    """How many bytes of audio an event carries, from the length of its base64."""
    start = frame.find(_DELTA)
    if start < 0:
        return 0
    start += len(_DELTA)
    end = frame.index(b'"', start)
    padding = frame.count(b"=", end - 2, end) if end - start >= 2 else 0
    return (end - start) // 4 * 3 - padding


async def measured(
    port: int, pool: EngineHost, *, quick: bool, sessions: int = SESSIONS
) -> tuple[Rounds, list[Figure]]:
    """Server and pool in turns."""
    text = _PARAGRAPH * (1 if quick else 3)
    segments = [segment.text for segment in segments_of([text], eager=False)]
    readers = [await Reader.open(port, text) for _ in range(sessions)]
    found = Rounds([], [])
    try:
        for _ in range(2 if quick else 5):
            found.server.append(await _timed([reader.say() for reader in readers]))
            found.pool.append(await _timed([_on_pool(pool, segments) for _ in readers]))
    finally:
        for reader in readers:
            reader.close()
    part = f"synthesis, {sessions} long texts"
    unit = "s/s"
    ours, bare = (median(speed.rate for speed in side) for side in (found.server, found.pool))
    return found, [
        Figure(part=part, name="audio seconds per second", value=ours, unit=unit),
        Figure(part=part, name="bare pool, audio seconds per second", value=bare, unit=unit),
        Figure(
            part=part,
            name="ratio to bare pool",
            value=found.ratio(),
            unit="x",
            aim=AIM,
            at_least=True,
        ),
    ]


async def _timed(works: Sequence[asyncio.Future[int] | asyncio.Task[int]]) -> Speed:
    """From now until all is there: the works have been begun in this turn of the loop."""
    wheel = Pacer()
    begun_s = wheel.now_s
    sizes = await asyncio.wait_for(asyncio.gather(*works), _SPOKEN_S)
    return Speed(sum(sizes) / (2 * RATE_HZ), wheel.now_s - begun_s)


def _on_pool(pool: EngineHost, segments: Sequence[str]) -> asyncio.Task[int]:
    async def speak() -> int:
        size = 0
        for segment in segments:
            async for pcm in spoken(pool, segment):
                size += len(pcm)
        return size

    return asyncio.get_running_loop().create_task(speak())


class Reader:
    """One session of the load, which has the text read aloud again and again."""

    def __init__(self, peer: WsClient, text: str) -> None:
        self._peer = peer
        self._frames = append(text) + COMMIT
        self._size = 0
        self._done: asyncio.Future[int] | None = None
        peer.on_text = self._take

    @classmethod
    async def open(cls, port: int, text: str) -> Reader:
        """Connect and configure."""
        peer = await WsClient.connect(port, SYNTHESIS_MODEL)
        await peer.update(settings("commit"))
        return cls(peer, text)

    def close(self) -> None:
        """Hang up."""
        self._peer.close()

    def say(self) -> asyncio.Future[int]:
        """Send the text and its commit now; the bytes of audio, once all is there."""
        self._done = asyncio.get_running_loop().create_future()
        self._size = 0
        self._peer.write(self._frames)
        return self._done

    def _take(self, frame: bytes, _now_s: float) -> None:
        kind, done = kind_of(frame), self._done
        if done is None or done.done():
            return
        if kind == "response.audio.delta":
            self._size += audio_bytes(frame)
        elif kind == "error":
            done.set_exception(BenchFailed(frame.decode()))
        elif kind == "response.done":
            done.set_result(self._size)
