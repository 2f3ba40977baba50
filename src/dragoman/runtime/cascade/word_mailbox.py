"""Between listening and translating: the newest words of each turn.

Law of this file: a mailbox, not a log. A turn's committed words only grow, so a newer snapshot
replaces an older one that nobody took yet, keeping its marks (paused, final): translation that
is slow skips drafts and never falls behind. Turns come out oldest first. At most
``_MOST_TURNS`` turns wait; then listening waits, and with it the client.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import msgspec

from dragoman.speech import Interpret, Word, joined_text

_MOST_TURNS = 8


class TurnWords(msgspec.Struct):
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


class WordMailbox:
    """One writer (listening), one reader (translating), both on the loop."""

    def __init__(self) -> None:
        self._settings: dict[int, Interpret] = {}
        self._waiting: dict[int, TurnWords] = {}
        self._over = False
        self._arrived = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self.watcher: Callable[[TurnWords], None] = lambda _words: None
        """Is told everything that is put, before anything newer replaces it."""
        self.image = b""
        """What the speaker shows now: the latest picture, kept as context."""
        self.shown: Callable[[bytes], None] = lambda _picture: None
        """Is told of every picture."""
        self.onscreen: Callable[[], tuple[str, ...]] = tuple
        """The lines read from pictures that are fresh now."""
        self.terms: Callable[[], tuple[str, ...]] = tuple
        """The names and terms in them."""

    def show(self, picture: bytes) -> None:
        """The speaker shows this from now on."""
        self.image = picture
        self.shown(picture)

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
    ) -> None:
        """The newest words of a turn."""
        words = TurnWords(
            turn=turn,
            settings=self._settings[turn],
            committed=committed,
            tail=tail,
            language=language,
            paused=paused,
            final=final,
            failed=failed,
        )
        self.watcher(words)
        before = self._waiting.get(turn)
        words.paused = paused or (before is not None and before.paused)
        self._waiting[turn] = words
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
        try:
            async with asyncio.timeout(most_s):
                while not self._waiting and not self._over:
                    self._arrived.clear()
                    await self._arrived.wait()
        except TimeoutError:
            return None
        return self.newer(min(self._waiting)) if self._waiting else None

    def newer(self, turn: int) -> TurnWords | None:
        """Newer words of this turn, if some wait."""
        words = self._waiting.pop(turn, None)
        if len(self._waiting) < _MOST_TURNS:
            self._room.set()
        return words
