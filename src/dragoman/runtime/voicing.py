"""Third stage of the cascade: committed target text to speech.

Law of this file: pieces are voiced in the order in which they were committed, each in full, and
every turn ends here with ``TurnDone``. Only committed text ever arrives. A voice that fails
fails its turn; what is left of the turn stays unspoken and the next turn goes on.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing

import msgspec

from dragoman.engines.base import Utterance
from dragoman.runtime.driver import Emit
from dragoman.runtime.hosts import EngineFailed
from dragoman.runtime.stack import Stack
from dragoman.speech import Interpret, Status, TurnDone, Voiced

LOG = logging.getLogger("dragoman.session")

_MOST_PIECES = 64


class _Piece(msgspec.Struct, frozen=True):
    turn: int
    settings: Interpret
    text: str


class _TurnEnd(msgspec.Struct, frozen=True):
    turn: int
    failed: bool


class _Voice:
    """What was voiced of the one turn that is being voiced."""

    def __init__(self) -> None:
        self.size = 0
        self.rate_hz = 1
        self.broken = False


class Voicing:
    """See the head of this file."""

    def __init__(self, stack: Stack, emit: Emit) -> None:
        self._stack = stack
        self._emit = emit
        self._waiting: asyncio.Queue[_Piece | _TurnEnd | None] = asyncio.Queue(_MOST_PIECES)
        self._voice = _Voice()

    async def say(self, turn: int, settings: Interpret, text: str) -> None:
        """Queue a committed piece; waits while too many do."""
        if settings.speak and any(char.isalnum() for char in text):
            await self._waiting.put(_Piece(turn, settings, text.strip()))

    async def close(self, turn: int, *, failed: bool) -> None:
        """The turn has no more text."""
        await self._waiting.put(_TurnEnd(turn, failed))

    async def end(self) -> None:
        """No more turns."""
        await self._waiting.put(None)

    async def run(self) -> None:
        """Until ``end``."""
        while (item := await self._waiting.get()) is not None:
            if isinstance(item, _TurnEnd):
                await self._close(item)
            elif not self._voice.broken:
                await self._speak(item)

    async def _speak(self, piece: _Piece) -> None:
        settings, voice = piece.settings, self._voice
        utterance = Utterance(text=piece.text, voice=settings.voice, language=settings.target)
        voice.rate_hz = settings.rate_out
        try:
            host = self._stack.voice(settings.target)
            async with aclosing(host.speak(utterance, settings.rate_out)) as pieces:
                async for pcm in pieces:
                    voice.size += len(pcm)
                    await self._emit(Voiced(pcm, piece.turn))
        except EngineFailed as failure:
            LOG.warning("turn %d is not spoken to its end: %s", piece.turn, failure)
            voice.broken = True

    async def _close(self, end: _TurnEnd) -> None:
        voice, self._voice = self._voice, _Voice()
        audio_ms = voice.size * 500 // voice.rate_hz
        status: Status = "failed" if end.failed or voice.broken else "completed"
        await self._emit(TurnDone(end.turn, audio_ms, status))
