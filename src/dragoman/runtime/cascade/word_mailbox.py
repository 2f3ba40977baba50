"""Between recognition and translation: the newest words of each turn.

Scope: a mailbox, not a queue of changes. A turn's committed words only grow, so a newer snapshot
replaces an older one that was not taken yet, and keeps its marks (paused, final): translation that
is slow skips drafts and never falls behind. Turns come out oldest first. At most ``_MOST_TURNS``
turns wait; then recognition waits, and with it the client.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec

from dragoman.runtime.timed_wait import set_within
from dragoman.speech import Interpret, Word, joined_text

_MOST_TURNS = 8


class TurnWords(msgspec.Struct):
    """The words of a turn as far as they are known. ``span_ms``: from where to where in the
    session's media time its audio goes, so far.
    """

    turn: int
    settings: Interpret
    committed: Sequence[Word] = ()
    tail: Sequence[Word] = ()
    language: str | None = None
    paused: bool = False
    final: bool = False
    failed: bool = False
    span_ms: tuple[int, int] = (0, 0)


def stash_behind(text: str, tail: Sequence[Word]) -> str:
    """The tail as a stash: it brings its own leading space."""
    stash = joined_text(tail)
    return " " + stash if stash and text and not tail[0].joined else stash


class WordMailbox:
    """One writer (recognition), one reader (translation), both on the loop."""

    def __init__(self) -> None:
        self._settings: dict[int, Interpret] = {}
        self._waiting: dict[int, TurnWords] = {}
        self._over = False
        self._arrived = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    async def open(self, turn: int, settings: Interpret) -> None:
        """A turn opened; these are its settings. Waits while too many turns wait."""
        await self._room.wait()
        self._settings[turn] = settings

    def put(
        self,
        turn: int,
        committed: Sequence[Word],
        tail: Sequence[Word],
        language: str | None,
        *,
        paused: bool = False,
        final: bool = False,
        failed: bool = False,
        span_ms: tuple[int, int] = (0, 0),
    ) -> None:
        """The newest words of a turn."""
        before = self._waiting.get(turn)
        self._waiting[turn] = TurnWords(
            turn=turn,
            settings=self._settings[turn],
            committed=committed,
            tail=tail,
            language=language,
            paused=paused or (before is not None and before.paused),
            final=final,
            failed=failed,
            span_ms=span_ms,
        )
        if final:
            del self._settings[turn]
        if len(self._waiting) >= _MOST_TURNS:
            self._room.clear()
        self._arrived.set()

    def end(self) -> None:
        """No more turns come."""
        self._over = True
        self._arrived.set()

    @property
    def ended(self) -> bool:
        """Nothing more will come out."""
        return self._over and not self._waiting

    async def get(self, most_s: float | None = None) -> TurnWords | None:
        """The oldest turn's newest words. None when nothing came in ``most_s`` seconds, or at the
        end (see ``ended``).
        """
        if not self._waiting and not self._over:
            await set_within(self._arrived, most_s)
        return self.newer(min(self._waiting)) if self._waiting else None

    async def newer_before(self, call: asyncio.Future[Any], turn: int) -> TurnWords | None:
        """Newer words of this turn as soon as some wait; None when ``call`` ended before."""
        call.add_done_callback(self._wake)
        try:
            while turn not in self._waiting:
                if call.done():
                    return None
                self._arrived.clear()
                await self._arrived.wait()
            return self.newer(turn)
        finally:
            call.remove_done_callback(self._wake)

    def _wake(self, _call: asyncio.Future[Any]) -> None:
        self._arrived.set()

    def newer(self, turn: int) -> TurnWords | None:
        """Newer words of this turn, if some wait."""
        words = self._waiting.pop(turn, None)
        if len(self._waiting) < _MOST_TURNS:
            self._room.set()
        return words
