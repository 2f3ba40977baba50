"""What all clients together may hold: memory for input, and connections that are no session."""

from __future__ import annotations

import asyncio
from typing import cast

from dragoman.server.sockets.client_bounds import TRIM_BYTES, InputMemory, WaitingConnections


class Holder:
    """A connection that holds input."""

    def __init__(self, memory: InputMemory) -> None:
        self.memory = memory
        self.is_closed = False

    def give_up(self) -> None:
        self.is_closed = True
        self.memory.holds(self, 0)


class Connection:
    """A transport that can be cut off."""

    is_aborted = False

    def abort(self) -> None:
        self.is_aborted = True


def test_beyond_the_bound_the_greatest_holder_goes() -> None:
    memory = InputMemory(100)
    great, small, asking = (Holder(memory) for _ in range(3))
    memory.holds(great, 60)
    memory.holds(small, 20)
    memory.holds(asking, 20)
    assert not great.is_closed
    memory.holds(asking, 30)
    assert [holder.is_closed for holder in (great, small, asking)] == [True, False, False]
    assert memory.used == 50
    memory.holds(asking, 81)
    assert asking.is_closed
    assert not small.is_closed
    assert memory.used == 20


def test_memory_that_was_given_back_can_be_held_again() -> None:
    memory = InputMemory(100)
    one, other = Holder(memory), Holder(memory)
    for _ in range(10):
        memory.holds(one, 90)
        memory.holds(one, 0)
        memory.holds(other, 90)
        memory.holds(other, 0)
    assert not one.is_closed
    assert memory.used == 0


def test_the_system_gets_much_memory_back() -> None:
    trims: list[int] = []
    memory = InputMemory(10 * TRIM_BYTES, lambda: trims.append(memory.used))
    holders = [Holder(memory) for _ in range(8)]
    for holder in holders:
        memory.holds(holder, TRIM_BYTES // 4)
    for holder in holders:
        memory.holds(holder, 0)
    assert trims == [TRIM_BYTES, 0]
    for _ in range(100):
        memory.holds(holders[0], TRIM_BYTES // 4)
        memory.holds(holders[0], 0)
    assert len(trims) == 2, "ordinary traffic costs nothing"


def test_too_many_waiting_connections_cost_the_oldest() -> None:
    waiting = WaitingConnections(most=2)
    fakes = [Connection() for _ in range(4)]
    one, two, three, four = (cast("asyncio.Transport", fake) for fake in fakes)
    assert not waiting.add(one)
    assert not waiting.add(two)
    assert not waiting.add(one)  # it has sent another request: now ``two`` is the oldest
    assert waiting.add(three)
    assert [fake.is_aborted for fake in fakes] == [False, True, False, False]
    waiting.remove(one)
    assert not waiting.add(four)
    assert len(waiting) == 2
