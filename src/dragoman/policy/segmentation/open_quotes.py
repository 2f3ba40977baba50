"""Open quotations and brackets of the segment that is being read.

Scope: bounded state, constant work. An opener that nothing closes (an inch sign, an unusual
apostrophe) counts for no longer than a segment may be long.
"""

from __future__ import annotations

from dragoman.policy.segmentation.abbreviation_rules import is_elision
from dragoman.policy.segmentation.data import marks
from dragoman.text import scripts

_DEPTH = 8
_STALE_AFTER = 200
_STALE_APOSTROPHE_AFTER = 100
_BEFORE_OPENING = frozenset("-–—([{<“‘«„‚*_~/=:：，。、；！？…（「『・") | {""}


class OpenQuotes:
    """What is open, innermost last: the closers that would do, and where it was opened."""

    __slots__ = ("_open",)

    def __init__(self) -> None:
        self._open: list[tuple[str, int]] = []

    def __bool__(self) -> bool:
        return bool(self._open)

    def clear(self) -> None:
        """Nothing is open."""
        self._open.clear()

    def shift(self, by: int) -> None:
        """The text lost its first ``by`` characters."""
        if self._open:
            self._open = [(closers, at - by) for closers, at in self._open]

    def forget(self, start: int) -> None:
        """A segment begins at ``start``: openers long before it no longer count. Apostrophes before
        it do not count at all, because they may not have been quotes.
        """
        if self._open:
            self._open = [
                entry
                for entry in self._open
                if entry[1] > start - _STALE_AFTER and (entry[0] != "'" or entry[1] >= start)
            ]

    @property
    def depth(self) -> int:
        """How many are open."""
        return len(self._open)

    def level(self, char: str, depth: int) -> int:
        """The depth after ``char`` closed one of the first ``depth``; -1 if it closes none."""
        for index in range(depth - 1, -1, -1):
            if char in self._open[index][0]:
                return index
        return -1

    def close_to(self, depth: int) -> None:
        """Only the first ``depth`` are still open."""
        del self._open[depth:]

    def holds(self, text: str, at: int, depth: int) -> bool:
        """Whether ``at`` is inside something open, of the first ``depth``."""
        for closers, since in self._open[:depth]:
            if closers == "'":
                if at - since <= _STALE_APOSTROPHE_AFTER and not is_elision(text, since):
                    return True
            elif at - since <= _STALE_AFTER:
                return True
        return False

    def opened_by(self, closers: str, kinds: frozenset[str]) -> int | None:
        """Where the first of ``closers`` was opened, if it is of ``kinds``."""
        if not closers or closers[0] not in kinds:
            return None
        level = self.level(closers[0], len(self._open))
        return self._open[level][1] if level >= 0 else None

    def whole_from(self, after: int, before: int) -> int | None:
        """Where the outermost link or code between ``after`` and ``before`` was opened."""
        for closers, since in self._open:
            if closers in {"`", "]"} and after < since < before:
                return since
        return None

    def take(self, char: str, previous: str, at: int) -> None:
        """A bracket or quote that is not a straight apostrophe."""
        if char in marks.STRAIGHT:
            level = self.level(char, len(self._open))
            if level >= 0:
                self.close_to(level)
            elif char == "`" or self.may_open(previous):
                self._push(char, at)
            return
        level = self.level(char, len(self._open))
        if level >= 0:
            self.close_to(level)
        elif char in marks.PAIRS:
            self._push(marks.PAIRS[char], at)
        elif char in marks.REVERSED and self.may_open(previous) and previous != "…":
            self._push(marks.REVERSED[char], at)

    def open_apostrophe(self, at: int) -> None:
        """A straight apostrophe opens a quotation."""
        self._push("'", at)

    @staticmethod
    def may_open(previous: str) -> bool:
        """Whether a straight quote behind ``previous`` opens."""
        return previous in _BEFORE_OPENING or previous.isspace() or scripts.is_ideographic(previous)

    def _push(self, closers: str, at: int) -> None:
        if len(self._open) >= _DEPTH:
            del self._open[0]
        self._open.append((closers, at))
