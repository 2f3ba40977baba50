"""Ordered release of facts: only those of the oldest open turn go out.

Scope: order and bounds, no events. Engines work on several turns at once; clients expect one
response after the other. Facts of later turns are held here until every turn before them is done.
What is held is bounded in two ways: snapshots of text replace each other (only the newest counts),
and a turn that has more audio waiting than ``max_bytes`` in the whole queue allows is cut: the rest
of it is dropped and it ends as ``failed``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

import msgspec

from dragoman.speech import Fact, Heard, Translated, TurnDone, Voiced

K = TypeVar("K", bound=Hashable)

MAX_HELD_BYTES = 32 * 1024 * 1024
"""About eleven minutes of speech that waits behind the oldest turn."""


class _HeldFacts:
    """What is known of one turn and not yet released."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self.is_cut = False
        self.is_done = False

    def add(self, fact: Fact) -> None:
        if isinstance(fact, Heard | Translated):
            self.facts = [held for held in self.facts if type(held) is not type(fact)]
        self.facts.append(fact)

    def audio_bytes(self) -> int:
        return sum(len(fact.pcm) for fact in self.facts if isinstance(fact, Voiced))


class TurnQueue(Generic[K]):
    """A queue of turns; ``K`` is whatever the session knows a turn by."""

    def __init__(self, max_turns: int, max_bytes: int = MAX_HELD_BYTES) -> None:
        self._max_turns, self._max_bytes = max_turns, max_bytes
        self._turns: dict[K, _HeldFacts] = {}  # in the order they were opened
        self._bytes = 0

    def __len__(self) -> int:
        """How many turns are not done yet, the oldest included."""
        return len(self._turns)

    def __iter__(self) -> Iterator[K]:
        """The turns that are not done yet, oldest first."""
        return iter(tuple(self._turns))

    @property
    def oldest(self) -> K | None:
        """The turn whose facts go out."""
        return next(iter(self._turns), None)

    def open(self, turn: K) -> bool:
        """A new turn behind all others; False if too many wait already."""
        if len(self._turns) >= self._max_turns:
            return False
        self._turns[turn] = _HeldFacts()
        return True

    def put(self, turn: K, fact: Fact) -> bool:
        """Add a fact; False if it was dropped (no such turn, turn done, or too much audio)."""
        held = self._turns.get(turn)
        if held is None or held.is_done:
            return False
        if isinstance(fact, TurnDone):
            held.is_done = True
            if held.is_cut:
                fact = msgspec.structs.replace(fact, status="failed")
        elif held.is_cut:
            return False
        elif isinstance(fact, Voiced):
            if turn != self.oldest and self._bytes + len(fact.pcm) > self._max_bytes:
                held.is_cut = True
                return False
            self._bytes += len(fact.pcm)
        held.add(fact)
        return True

    def release(self) -> Iterator[tuple[K, Fact]]:
        """Everything that may go out now, in order; a turn leaves with its ``TurnDone``."""
        while self._turns:
            turn, held = next(iter(self._turns.items()))
            self._bytes -= held.audio_bytes()
            facts = deque(held.facts)
            held.facts = []
            while facts:
                yield turn, facts.popleft()
            if not held.is_done:
                return
            self._turns.pop(turn, None)
