"""Work in turns of the loop: in order, a bounded part at a time, whatever a piece does."""

from __future__ import annotations

import asyncio

import pytest

from dragoman.server.sockets.loop_turns import TURN_S, LoopTurns

pytestmark = pytest.mark.anyio


async def until_done(done: list[str], count: int) -> None:
    while len(done) < count:
        await asyncio.sleep(0)


async def test_pieces_run_in_order_and_the_loop_goes_on_between_expensive_ones() -> None:
    turns, done = LoopTurns(), []
    loop = asyncio.get_running_loop()
    for name in "ab":
        turns.add(lambda name=name: done.append(name), task_s=TURN_S)  # type: ignore[misc]  # a default
    loop.call_soon(lambda: done.append("another"))
    await until_done(done, 3)
    assert done == ["a", "another", "b"]


async def test_cheap_pieces_share_a_turn() -> None:
    turns, done = LoopTurns(), []
    for name in "abc":
        turns.add(lambda name=name: done.append(name))  # type: ignore[misc]  # a default
    asyncio.get_running_loop().call_soon(lambda: done.append("another"))
    await until_done(done, 4)
    assert done == ["a", "b", "c", "another"]


async def test_a_piece_that_comes_again_waits_behind_the_others() -> None:
    turns, done = LoopTurns(), []

    def again() -> None:
        done.append("again")
        if len(done) < 3:
            turns.add(again)

    turns.add(again)
    turns.add(lambda: done.append("other"))
    await until_done(done, 3)
    assert done == ["again", "other", "again"]


async def test_a_piece_that_fails_stops_no_other() -> None:
    turns, done = LoopTurns(), []
    failures: list[object] = []
    asyncio.get_running_loop().set_exception_handler(
        lambda _, context: failures.append(context["exception"])
    )

    def fail() -> None:
        raise RuntimeError("a bug")

    turns.add(fail)
    turns.add(lambda: done.append("other"))
    await until_done(done, 1)
    assert [str(failure) for failure in failures] == ["a bug"]
