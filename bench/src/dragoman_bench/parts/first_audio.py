"""First audio of texts that come whole or, as a language model writes, in pieces.

Law of this file: what counts is the time from the *scheduled* sending of the piece that makes the
first segment speakable; that piece is found with the server's own queue of text, fed the same
pieces. The bare pool is asked for the same segments, each when its last piece is due, and speaks
those of one text one after another as the server does: the same work in the same order.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence

import msgspec

from dragoman.protocol.synthesis.text_queue import TextQueue
from dragoman.runtime.hosts.host import EngineHost
from dragoman_bench.figures import BenchFailed, Figure
from dragoman_bench.harness.pacer import Pacer
from dragoman_bench.harness.ws_client import WsClient, framed, kind_of
from dragoman_bench.parts import paired_rounds
from dragoman_bench.parts.idle import SYNTHESIS_MODEL
from dragoman_bench.parts.paired_rounds import Pattern, Scene

EVERY_S = 1 / 40
COMMIT = framed(b'{"type":"input_text_buffer.commit"}')
_SHORTEST, _LONGEST = 2, 6


class Segment(msgspec.Struct, frozen=True):
    """What becomes speakable with piece number ``piece`` (from 0)."""

    piece: int
    text: str


def pieces_of(text: str, seed: int = 40) -> list[str]:
    """The text in pieces of two to six characters, the same in every run."""
    chance = random.Random(seed)  # noqa: S311  # the same pieces in every run
    pieces: list[str] = []
    at = 0
    while at < len(text):
        size = chance.randint(_SHORTEST, _LONGEST)
        pieces.append(text[at : at + size])
        at += size
    return pieces


def segments_of(pieces: Sequence[str], *, eager: bool) -> list[Segment]:
    """What is spoken, and with which piece each becomes certain; a commit follows the last.

    ``eager`` as in ``server_commit``; a commit mode has everything in one piece.
    """
    queue = TextQueue(eager=eager)
    found: list[Segment] = []
    for index, piece in enumerate(pieces):
        queue.feed(piece)
        if index == len(pieces) - 1:
            queue.border()
        while (unit := queue.next()) is not None:
            if unit.spoken is not None:
                found.append(Segment(index, unit.spoken))
    return found


class Script:
    """A text as it arrives: whole, or ``streamed`` in pieces; a commit comes with the end."""

    def __init__(self, text: str, *, streamed: bool) -> None:
        pieces = pieces_of(text) if streamed else [text]
        segments = segments_of(pieces, eager=streamed)
        frames = [append(piece) for piece in pieces]
        self.mode = "server_commit" if streamed else "commit"
        self.frames = [*frames[:-1], frames[-1] + COMMIT]
        """What to send, one every ``EVERY_S``."""
        self.plan = [(segment.piece * EVERY_S, segment.text) for segment in segments]
        """When each segment is certain, in seconds after the first piece, and what it says."""
        self.counted_s = self.plan[0][0]
        """From when the first audio is counted."""


async def scenes(
    pid: int,
    port: int,
    pool: EngineHost,
    script: Script,
    patterns: Mapping[str, Pattern],
    *,
    quick: bool,
) -> tuple[dict[str, Scene], list[Figure]]:
    """Play the script in these patterns of arrival, on a server and on a pool of the same kind."""
    bare = paired_rounds.on_pool(pool, script.plan, script.counted_s)
    chance = random.Random(50)  # noqa: S311  # the same times in every run
    found: dict[str, Scene] = {}
    figures: list[Figure] = []
    for name, pattern in patterns.items():
        speakers = [await Speaker.open(port, script) for _ in range(pattern.sessions)]
        try:
            begins = [speaker.say for speaker in speakers]
            arrivals = pattern.arrivals(chance, quick=quick)
            found[name] = await paired_rounds.scene(pid, begins, bare, arrivals)
        finally:
            for speaker in speakers:
                speaker.close()
        figures += paired_rounds.figures(name, found[name], pattern.aims)
    return found, figures


def settings(mode: str) -> Mapping[str, object]:
    """The ``session`` of ``session.update``: raw PCM at the rate of the bench."""
    return {
        "voice": paired_rounds.VOICE,
        "mode": mode,
        "language_type": "English",
        "response_format": "pcm",
        "sample_rate": paired_rounds.RATE_HZ,
    }


def append(text: str) -> bytes:
    """The framed event that appends the text."""
    return framed(msgspec.json.encode({"type": "input_text_buffer.append", "text": text}))


class Speaker:
    """One session of the load, which plays the script again and again."""

    def __init__(self, peer: WsClient, script: Script) -> None:
        self._peer = peer
        self._script = script
        self._from_s = 0.0
        self._first_ms: float | None = None
        self._done: asyncio.Future[float] | None = None
        peer.on_text = self._take

    @classmethod
    async def open(cls, port: int, script: Script) -> Speaker:
        """Connect and configure."""
        peer = await WsClient.connect(port, SYNTHESIS_MODEL)
        await peer.update(settings(script.mode))
        return cls(peer, script)

    def close(self) -> None:
        """Hang up."""
        self._peer.close()

    def say(self, wheel: Pacer, due_s: float) -> asyncio.Future[float]:
        """Send the first piece at that time and the others behind it; see ``Begin``."""
        done: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._done = done
        self._from_s, self._first_ms = due_s + self._script.counted_s, None
        frames = self._script.frames

        def send(index: int) -> None:
            self._peer.write(frames[index])
            if index + 1 < len(frames):
                wheel.at(due_s + (index + 1) * EVERY_S, lambda _due: send(index + 1))

        wheel.at(due_s, lambda _due: send(0))
        return done

    def _take(self, frame: bytes, now_s: float) -> None:
        kind, done = kind_of(frame), self._done
        if done is None or done.done():
            return
        if kind == "response.audio.delta" and self._first_ms is None:
            self._first_ms = (now_s - self._from_s) * 1000
        elif kind == "error":
            done.set_exception(BenchFailed(frame.decode()))
        elif kind == "response.done" and (self._first_ms or 0.0) <= 0.0:
            # Sound before the clause was certain: what is counted from is then not what we think.
            done.set_exception(BenchFailed("no audio, or earlier than its clause was certain"))
        elif kind == "response.done":
            assert self._first_ms is not None
            done.set_result(self._first_ms)
