"""First audio of texts that come whole or, as a language model writes, in pieces.

Scope: what counts is the time from the *scheduled* sending of the piece that makes the first
segment certain; that piece is found with the server's own queue of text, fed the same pieces. The
bare pool is asked for the same segments, each when its last piece is due, and speaks those of one
text one after another as the server does: the same work in the same order.
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
from dragoman_bench.harness.synthesis_session import (
    COMMIT,
    PIECES_PER_S,
    SynthesisSession,
    append_text,
    pieces_of,
)
from dragoman_bench.parts.paired_rounds import (
    PairedResult,
    Pattern,
    StartText,
    figures,
    on_pool,
    paired_rounds,
)


class CertainSegment(msgspec.Struct, frozen=True):
    """A segment that becomes certain with piece number ``piece`` (from 0)."""

    piece: int
    text: str


def segments_of(pieces: Sequence[str], *, eager: bool) -> list[CertainSegment]:
    """What is spoken, and with which piece each becomes certain; a commit follows the last.

    ``eager`` as in ``server_commit``; a commit mode has everything in one piece.
    """
    queue = TextQueue(eager=eager)
    found: list[CertainSegment] = []
    for index, piece in enumerate(pieces):
        queue.feed(piece)
        if index == len(pieces) - 1:
            queue.border()
        while (unit := queue.next()) is not None:
            if unit.spoken is not None:
                found.append(CertainSegment(index, unit.spoken))
    return found


class TextInput:
    """A text as it arrives: whole, or ``streamed`` in pieces; a commit comes with the end."""

    def __init__(self, text: str, *, streamed: bool) -> None:
        pieces = pieces_of(text) if streamed else [text]
        segments = segments_of(pieces, eager=streamed)
        frames = [append_text(piece) for piece in pieces]
        self.mode = "server_commit" if streamed else "commit"
        self.frames = [*frames[:-1], frames[-1] + COMMIT]
        """What to send, ``PIECES_PER_S``."""
        self.plan = [(segment.piece / PIECES_PER_S, segment.text) for segment in segments]
        """When each segment is certain, in seconds after the first piece, and what it says."""
        self.counted_s = self.plan[0][0]
        """From when the first audio is counted."""


async def measure(
    pid: int,
    port: int,
    pool: EngineHost,
    text: TextInput,
    patterns: Mapping[str, Pattern],
    *,
    quick: bool,
) -> tuple[dict[str, PairedResult], list[Figure]]:
    """Have the text spoken in these arrival patterns, on a server and on a bare pool."""
    bare = on_pool(pool, text.plan, text.counted_s)
    chance = random.Random(50)  # noqa: S311  # the same times in every run
    found: dict[str, PairedResult] = {}
    lines: list[Figure] = []
    for name, pattern in patterns.items():
        sessions = [await SynthesisSession.open(port, text.mode) for _ in range(pattern.sessions)]
        try:
            arrivals = pattern.arrivals(chance, quick=quick)
            starts = [on_server(session, text) for session in sessions]
            found[name] = await paired_rounds(pid, starts, bare, arrivals)
        finally:
            for session in sessions:
                session.close()
        lines += figures(name, found[name], pattern.aims)
    return found, lines


def on_server(session: SynthesisSession, text: TextInput) -> StartText:
    """Sends the first piece at the scheduled time and the others behind it."""

    def start(pacer: Pacer, due_s: float) -> asyncio.Future[float]:
        spoken = session.expect()

        def send(index: int) -> None:
            session.write(text.frames[index])
            if index + 1 < len(text.frames):
                pacer.at(due_s + (index + 1) / PIECES_PER_S, lambda _due: send(index + 1))

        async def first_ms() -> float:
            first_s = (await spoken).first_audio_s - due_s - text.counted_s
            if first_s <= 0:
                raise BenchFailed("no audio, or earlier than its segment was certain")
            return first_s * 1000

        pacer.at(due_s, lambda _due: send(0))
        return asyncio.ensure_future(first_ms())

    return start
