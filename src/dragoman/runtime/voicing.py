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
from dragoman.policy.speech_units import SpeechUnits
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
    ends: bool = False


class _TurnEnd(msgspec.Struct, frozen=True):
    turn: int
    failed: bool


class _Voice:
    """What was voiced of the one turn that is being voiced, and what of it waits."""

    def __init__(self) -> None:
        self.size = 0
        self.rate_hz = 1
        self.broken = False
        self._units: SpeechUnits | None = None
        self._last: _Piece | None = None

    def add(self, piece: _Piece, now_s: float) -> list[_Piece]:
        """What is to be spoken at once."""
        self._last = piece
        self._units = self._units or SpeechUnits(piece.settings.target)
        return self._pieces(self._units.add(piece.text, now_s, ends=piece.ends))

    def ripe(self, now_s: float) -> list[_Piece]:
        """What has waited long enough."""
        return self._pieces(self._units.ripe(now_s)) if self._units else []

    def flush(self) -> list[_Piece]:
        """Everything that waits."""
        return self._pieces(self._units.flush()) if self._units else []

    def nap_s(self, now_s: float) -> float | None:
        """How long to wait for more text at most."""
        due_s = self._units.due_s if self._units else None
        return None if due_s is None else max(due_s - now_s, 0.0)

    def _pieces(self, texts: list[str]) -> list[_Piece]:
        piece = self._last
        return [_Piece(piece.turn, piece.settings, text) for text in texts] if piece else []


class Voicing:
    """See the head of this file."""

    def __init__(self, stack: Stack, emit: Emit) -> None:
        self._stack = stack
        self._emit = emit
        self._waiting: asyncio.Queue[_Piece | _TurnEnd | None] = asyncio.Queue(_MOST_PIECES)
        self._voice = _Voice()

    async def say(self, turn: int, settings: Interpret, text: str, *, ends: bool = False) -> None:
        """Queue committed text, which brings its own leading space; waits while too much does.
        ``ends``: a clause is complete with it.
        """
        if settings.speak:
            await self._waiting.put(_Piece(turn, settings, text, ends))

    async def close(self, turn: int, *, failed: bool) -> None:
        """The turn has no more text."""
        await self._waiting.put(_TurnEnd(turn, failed))

    async def end(self) -> None:
        """No more turns."""
        await self._waiting.put(None)

    async def run(self) -> None:
        """Until ``end``."""
        while True:
            try:
                async with asyncio.timeout(self._voice.nap_s(self._stack.now_s())):
                    item = await self._waiting.get()
            except TimeoutError:
                await self._speak(self._voice.ripe(self._stack.now_s()))
                continue
            match item:
                case None:
                    return
                case _TurnEnd():
                    await self._speak(self._voice.flush())
                    await self._close(item)
                case _Piece():
                    await self._speak(self._voice.add(item, self._stack.now_s()))

    async def _speak(self, pieces: list[_Piece]) -> None:
        for piece in pieces:
            if not self._voice.broken and any(char.isalnum() for char in piece.text):
                await self._voiced(piece)

    async def _voiced(self, piece: _Piece) -> None:
        settings, voice = piece.settings, self._voice
        text = piece.text.strip()
        utterance = Utterance(text=text, voice=settings.voice, language=settings.target)
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
