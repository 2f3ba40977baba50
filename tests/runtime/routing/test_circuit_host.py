"""What the circuit of an engine is told by the calls that are made of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import pytest

from dragoman.engines.base import Translation, Utterance, Window
from dragoman.runtime.hosts.host import EngineFailed, TextRefused
from dragoman.runtime.hosts.requests import RecognitionAudio, StartRecognition, WarmDirection
from dragoman.runtime.routing.circuit_breaker import FAILURES_IN_A_ROW, FIRST_PAUSE_S
from dragoman.runtime.routing.circuit_host import CircuitHost, call_limits
from tests.runtime.routing.commanded_host import CommandedHost
from tests.runtime.virtual_time import run_in_virtual_time

ASK = Translation("word", "en", "es")
AUDIO = RecognitionAudio(b"")


def guarded(mood: str, **limits: Any) -> tuple[CircuitHost, CommandedHost]:
    inner = CommandedHost("a", mood)
    return CircuitHost(inner, "a", call_limits(None, is_alone=False) if limits else None), inner


async def call(host: CircuitHost) -> None:
    await host.call(ASK)


async def speak(host: CircuitHost) -> None:
    async for _ in host.speak(Utterance("word", "", "es"), 16_000):
        pass


async def stream(host: CircuitHost) -> None:
    opened = await host.open(StartRecognition("en"))
    try:
        await opened.feed(AUDIO)
        await opened.feed(AUDIO)
        await opened.finish()
    finally:
        opened.abort()


async def first_piece(host: CircuitHost) -> None:
    speech = host.speak(Utterance("word", "", "es"), 16_000)
    await anext(speech)
    await speech.aclose()


async def cancelled(host: CircuitHost) -> None:
    task = asyncio.create_task(host.call(ASK))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def aborted(host: CircuitHost) -> None:
    (await host.open(StartRecognition("en"))).abort()


async def warm(host: CircuitHost) -> None:
    await host.call(WarmDirection("en", "es"))


Use = Callable[[CircuitHost], Coroutine[Any, Any, None]]


async def after(host: CircuitHost, use: Use, times: int = FAILURES_IN_A_ROW) -> str:
    for _ in range(times):
        with suppress(EngineFailed):
            await use(host)
    return host.vitals.circuit


@pytest.mark.parametrize("use", [call, speak, stream])
def test_failures_open_the_circuit_and_a_success_behind_the_pause_closes_it(use: Use) -> None:
    async def main() -> None:
        host, inner = guarded("fails")
        assert await after(host, use) == "open"
        assert host.vitals.openings == 1
        inner.mood = "well"
        await asyncio.sleep(FIRST_PAUSE_S)
        assert host.vitals.circuit == "half-open"
        assert await after(host, use, 1) == "closed"

    run_in_virtual_time(main())


@pytest.mark.parametrize(
    ("mood", "use"),
    [
        ("well", call),
        ("well", speak),
        ("well", stream),
        ("well", first_piece),
        ("refuses", speak),
        ("hangs", cancelled),
        ("well", aborted),
        ("fails", warm),
    ],
)
def test_answers_refusals_and_what_nobody_waits_for_do_not(mood: str, use: Use) -> None:
    async def main() -> None:
        assert await after(guarded(mood)[0], use, 2 * FAILURES_IN_A_ROW) == "closed"

    run_in_virtual_time(main())


@pytest.mark.parametrize("use", [speak, stream])
def test_an_engine_that_breaks_off_again_and_again_is_left_alone_in_the_end(use: Use) -> None:
    async def main() -> None:
        assert await after(guarded("breaks")[0], use, 10) == "open"

    run_in_virtual_time(main())


@pytest.mark.parametrize("use", [call, stream])
def test_an_engine_that_hangs_fails_in_time_where_another_one_waits(use: Use) -> None:
    async def main() -> None:
        host, inner = guarded("hangs", shared=True)
        began_s = asyncio.get_running_loop().time()
        with pytest.raises(EngineFailed, match=r"no answer in 5 s \(call_s\)"):
            await use(host)
        assert asyncio.get_running_loop().time() - began_s == 5.0
        assert await after(host, use, 2) == "open"
        assert len(inner.asked) == 3

    run_in_virtual_time(main())


def test_the_operator_sets_the_limit_and_an_engine_alone_has_none() -> None:
    assert (
        call_limits(1.5, is_alone=True)[Window] == call_limits(1.5, is_alone=False)[Window] == 1.5
    )
    assert call_limits(None, is_alone=True) == {}


def test_every_change_is_one_line_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        host, inner = guarded("fails")
        await after(host, call, 10)
        await asyncio.sleep(FIRST_PAUSE_S)
        await after(host, call, 1)
        inner.mood = "well"
        await asyncio.sleep(2 * FIRST_PAUSE_S)
        await after(host, call, 5)

    with caplog.at_level(logging.INFO):
        run_in_virtual_time(main())
    assert [record.getMessage() for record in caplog.records] == [
        "a is left alone for 1 s, it fails: a as told",
        "a is left alone for 2 s, it fails: a as told",
        "a answers again: its circuit is closed",
    ]


def test_a_refusal_is_an_answer_of_a_probe() -> None:
    async def main() -> None:
        host, inner = guarded("fails")
        await after(host, speak)
        inner.mood = "refuses"
        await asyncio.sleep(FIRST_PAUSE_S)
        with pytest.raises(TextRefused):
            await speak(host)
        assert host.vitals.circuit == "closed"

    run_in_virtual_time(main())
