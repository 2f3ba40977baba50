"""Which engine is asked, and which one when that fails."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from dragoman.engines.base import Translation, Utterance, Window
from dragoman.runtime.hosts.host import EngineFailed, TextRefused
from dragoman.runtime.hosts.requests import StartRecognition
from dragoman.runtime.observer import Event, FailedOver, session_observer
from dragoman.runtime.routing.fallback_host import FallbackHost
from tests.runtime.routing.commanded_host import CommandedHost

ASK = Translation("word", "en", "es")
SAY = Utterance("word", "", "es")


class Failovers:
    """An ``Observer`` of failovers alone."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def on(self, event: Event) -> None:
        if isinstance(event, FailedOver):
            self.names.append(event.engine)


@pytest.fixture
def over() -> Iterator[list[str]]:
    """The engines that others stood in for."""
    failovers = Failovers()
    token = session_observer.set(failovers)
    yield failovers.names
    session_observer.reset(token)


def route(*moods: str) -> tuple[FallbackHost, list[CommandedHost]]:
    """Hosts a, b, c ... with these moods as one."""
    hosts = [CommandedHost(chr(ord("a") + place), mood) for place, mood in enumerate(moods)]
    return FallbackHost(hosts), hosts


async def said(host: FallbackHost) -> bytes:
    return b"".join([pcm async for pcm in host.speak(SAY, 16_000)])


def test_the_first_is_asked_as_long_as_it_answers(over: list[str]) -> None:
    one, (a, b) = route("well", "well")
    assert asyncio.run(one.call(ASK)) == "a: word"
    assert asyncio.run(said(one)) == b"aaaaaa"
    assert (one.info.name, len(a.asked), b.asked, over) == ("a", 2, [], [])


def test_the_next_is_asked_when_it_fails_and_each_failover_is_told(over: list[str]) -> None:
    one, _ = route("fails", "fails", "well")
    assert asyncio.run(one.call(ASK)) == "c: word"
    assert asyncio.run(said(one)) == b"cccccc"
    assert over == ["a", "b", "a", "b"]
    stream = asyncio.run(one.open(StartRecognition("en")))
    assert asyncio.run(stream.finish()).words[0].text == "c"


def test_the_failure_of_the_last_one_is_raised(over: list[str]) -> None:
    one, _ = route("fails", "fails")
    for asked in (one.call(ASK), said(one), one.open(StartRecognition())):
        with pytest.raises(EngineFailed, match="b as told"):
            asyncio.run(asked)
    assert over == ["a", "a", "a"]


def test_nothing_is_said_twice() -> None:
    one, (_, b) = route("breaks", "well")
    heard: list[bytes] = []

    async def listen() -> None:
        async for pcm in one.speak(SAY, 16_000):
            heard.append(pcm)

    with pytest.raises(EngineFailed, match="breaks off"):
        asyncio.run(listen())
    assert (heard, b.asked) == ([b"aa"], [])


def test_a_text_that_is_refused_is_an_answer(over: list[str]) -> None:
    one, (_, b) = route("refuses", "well")
    with pytest.raises(TextRefused):
        asyncio.run(said(one))
    with pytest.raises(TextRefused):
        asyncio.run(one.call(ASK))
    assert (b.asked, over) == ([], [])


def test_those_that_are_left_alone_come_last() -> None:
    one, (a, b, c) = route("well", "fails", "well")
    a.circuit = "open"
    assert asyncio.run(one.call(ASK)) == "c: word"
    assert (len(a.asked), len(b.asked), len(c.asked)) == (0, 1, 1)
    c.mood = "fails"
    assert asyncio.run(one.call(ASK)) == "a: word"
    a.circuit = "half-open"
    assert asyncio.run(one.call(ASK)) == "a: word"
    assert len(b.asked) == 2


def test_the_request_is_made_for_the_engine_that_gets_it() -> None:
    one, _ = route("fails", "well")
    made: list[str] = []

    async def attempt(host: CommandedHost) -> object:
        made.append(host.info.name)
        return await host.call(ASK)

    assert asyncio.run(one.ask(attempt)) == "b: word"
    assert made == ["a", "b"]


@pytest.mark.parametrize(("own", "asked", "judged"), [(0.4, 0.8, 0.8), (0.6, 0.3, -1.0)])
def test_a_hypothesis_is_judged_by_the_gate_of_the_engine_that_gave_it(
    own: float, asked: float, judged: float
) -> None:
    first = CommandedHost("a", "fails", role="asr", gate=asked)
    second = CommandedHost("b", role="asr", gate=own)
    answer = asyncio.run(FallbackHost([first, second]).call(Window(b"", "en")))
    assert answer.confidence == judged
