"""A stream moves to another engine until it has answered, and loses and repeats nothing."""

from __future__ import annotations

import asyncio

import pytest

from dragoman.runtime.hosts.host import EngineFailed, HostStream
from dragoman.runtime.hosts.requests import (
    StartInterpretation,
    StartRequest,
    StreamAnswer,
    StreamItem,
)
from dragoman.runtime.routing.fallback_host import FallbackHost
from dragoman.speech import Audio, EndTurn, Interpret, SpeechStarted
from tests.runtime.routing.commanded_host import CommandedHost

START = StartInterpretation(Interpret(target="es"))
PIECES = [Audio(bytes([n])) for n in range(1, 6)]


class Counting(CommandedHost):
    """Its streams tell a fact at the items in ``facts_at``, fail at ``fails_at`` (0: to open)."""

    def __init__(self, name: str, facts_at: set[int], fails_at: int | None = None) -> None:
        super().__init__(name, role="interpreter")
        self.facts_at, self.fails_at = facts_at, fails_at
        self.fed: list[StreamItem | None] = []

    async def open(self, request: StartRequest) -> HostStream:
        if self.fails_at == 0:
            raise EngineFailed(f"{self.info.name} does not open")

        async def step(item: StreamItem | None) -> StreamAnswer:
            if self.fails_at is not None and len(self.fed) + 1 >= self.fails_at:
                raise EngineFailed(f"{self.info.name} is gone")
            self.fed.append(item)
            count = len(self.fed)
            return (SpeechStarted(count, 0, 1),) if count in self.facts_at else ()

        def abort() -> None:
            self.aborted += 1

        return HostStream(step, abort)


async def told(*hosts: Counting) -> list[int]:
    """The numbers of the facts that a session is told."""
    stream = await FallbackHost(hosts).open(START)
    numbers: list[int] = []
    for item in (*PIECES, EndTurn()):
        numbers += [fact.turn for fact in await stream.feed(item) or ()]
    numbers += [fact.turn for fact in await stream.finish() or ()]
    stream.abort()
    return numbers


@pytest.mark.parametrize("fails_at", [0, 1, 3, 7])
def test_the_next_engine_gets_all_that_was_fed(fails_at: int) -> None:
    first, second = Counting("a", set(), fails_at), Counting("b", {2, 6, 7})
    assert asyncio.run(told(first, second)) == [2, 6, 7]
    assert second.fed == [*PIECES, EndTurn(), None]
    assert first.aborted == (fails_at > 0)


def test_behind_the_first_fact_a_failure_stands() -> None:
    first, second = Counting("a", {2}, 3), Counting("b", {1})
    with pytest.raises(EngineFailed, match="a is gone"):
        asyncio.run(told(first, second))
    assert second.fed == []


def test_what_is_kept_is_bounded() -> None:
    first, second = Counting("a", set(), 3), Counting("b", {1})

    async def main() -> None:
        stream = await FallbackHost([first, second]).open(START)
        for _ in range(3):
            await stream.feed(Audio(bytes(600_000)))

    with pytest.raises(EngineFailed, match="a is gone"):
        asyncio.run(main())


def test_when_none_works_the_last_failure_is_raised() -> None:
    with pytest.raises(EngineFailed, match="b does not open"):
        asyncio.run(told(Counting("a", set(), 2), Counting("b", set(), 0)))
