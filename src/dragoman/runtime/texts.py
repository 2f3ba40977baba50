"""Between listening and translating: the newest words of each turn.

Law of this file: a mailbox, not a log. A turn's committed words only grow, so a newer snapshot
replaces an older one that nobody took yet, keeping its marks (paused, final): translation that
is slow skips drafts and never falls behind. Turns come out oldest first. At most
``_MOST_TURNS`` turns wait; then listening waits, and with it the client.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from dragoman.speech import Interpret, Word, joined_text

_MOST_TURNS = 8


class Words(msgspec.Struct):
    """The words of a turn as far as they are known."""

    turn: int
    settings: Interpret
    committed: Sequence[Word] = ()
    tail: Sequence[Word] = ()
    language: str | None = None
    paused: bool = False
    final: bool = False
    failed: bool = False


def stash_behind(text: str, tail: Sequence[Word]) -> str:
    """The tail as a stash: it brings its own leading space."""
    stash = joined_text(tail)
    return " " + stash if stash and text and not tail[0].joined else stash


class Texts:
    """One writer (listening), one reader (translating)."""

    def __init__(self) -> None:
        self._settings: dict[int, Interpret] = {}
        self._waiting: dict[int, Words] = {}
        self._ended = False
        self.image = b""
        """What the speaker shows now: the latest picture, kept as context."""
        self._changed = asyncio.Condition()

    async def open(self, turn: int, settings: Interpret) -> None:
        """A turn opened; these are its settings."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self._waiting) < _MOST_TURNS)
            self._settings[turn] = settings

    async def put(
        self,
        turn: int,
        committed: Sequence[Word],
        tail: Sequence[Word],
        language: str | None,
        *,
        paused: bool = False,
        final: bool = False,
        failed: bool = False,
    ) -> None:
        """The newest words of a turn."""
        async with self._changed:
            before = self._waiting.get(turn)
            self._waiting[turn] = Words(
                turn=turn,
                settings=self._settings[turn],
                committed=committed,
                tail=tail,
                language=language,
                paused=paused or (before is not None and before.paused),
                final=final,
                failed=failed,
            )
            if final:
                del self._settings[turn]
            self._changed.notify_all()

    async def end(self) -> None:
        """No more turns come."""
        async with self._changed:
            self._ended = True
            self._changed.notify_all()

    async def get(self) -> Words | None:
        """The oldest turn's newest words, or None at the end."""
        async with self._changed:
            await self._changed.wait_for(lambda: bool(self._waiting) or self._ended)
            if not self._waiting:
                return None
            words = self._waiting.pop(min(self._waiting))
            self._changed.notify_all()
            return words
