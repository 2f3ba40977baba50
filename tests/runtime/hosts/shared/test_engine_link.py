"""The way to the engine process: what is lost with it, what it is not given, and what it tells."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

import pytest
from msgspec.structs import replace

from dragoman.engines.base import Utterance, Window
from dragoman.runtime.hosts.host import EngineFailed, EngineHost, TextRefused
from dragoman.runtime.hosts.make_host import make_host
from dragoman.runtime.hosts.requests import StartRecognition
from dragoman.runtime.hosts.shared.engine_link import EngineLink
from dragoman.runtime.hosts.shared.host import SharedHost
from dragoman.runtime.observer import EngineTimed, Event, session_observer
from tests.runtime.hosts import tiny_engines as tiny
from tests.runtime.hosts.shared_hosts import abstract_listener, engine_server, open_host, shared

pytestmark = pytest.mark.anyio


def utterance(text: str) -> Utterance:
    return Utterance(text, voice="", language="en")


def threads(engine: Any) -> EngineHost:
    """A host on threads of this process."""
    engine.info = replace(engine.info, runs_in="thread")
    return make_host(engine, spec="", threads=2, workers=1)


async def spoken(host: EngineHost, text: str) -> bytes:
    return b"".join([pcm async for pcm in host.speak(utterance(text), tiny.RATE_HZ)])


async def test_speech_comes_through_with_its_refusals_and_failures() -> None:
    async with shared(threads(tiny.Speaker())) as host:
        assert await spoken(host, "abc") == tiny.pcm_of("abc")
        with pytest.raises(TextRefused, match=tiny.REFUSAL):
            await spoken(host, "aᚠ")
        with pytest.raises(EngineFailed, match="as asked"):
            await spoken(host, "!raise")


async def test_an_engine_is_only_so_far_ahead_of_a_listener_who_does_not_take() -> None:
    engine = tiny.Speaker()
    async with shared(threads(engine)) as host:
        speech = host.speak(utterance("x" * 1_000), tiny.RATE_HZ)
        async with aclosing(speech) as pieces:
            await anext(pieces)
            made = -1
            while made != engine.made:  # until it waits
                made = engine.made
                await asyncio.sleep(0.2)
            assert made < 300  # tenths of a second: two windows of 2 and 10 s, and what is between
        await asyncio.to_thread(engine.stopped.wait, 20)


async def test_a_caller_who_leaves_frees_the_queue() -> None:
    engine = tiny.Listener()
    engine.gate.clear()
    inner = threads(engine)
    async with shared(inner) as host:
        calls = [asyncio.create_task(host.call(Window(bytes(4)))) for _ in range(12)]
        for _ in range(2):
            await asyncio.to_thread(engine.entered.acquire)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        engine.gate.set()
        answer = await host.call(Window(bytes(8)))
        assert [word.text for word in answer.words] == ["8", "1"]


async def test_what_runs_fails_with_the_connection_and_what_comes_later_works() -> None:
    engine = tiny.Listener()
    engine.gate.clear()
    listener = abstract_listener()
    inner = threads(engine)
    link = EngineLink(listener.getsockname())
    async with open_host(inner):
        again = listener.dup()
        async with engine_server([inner], listener, opens=False) as server:
            host = SharedHost(inner, link, 0)
            await host.start()
            call = asyncio.create_task(host.call(Window(bytes(4))))
            await asyncio.to_thread(engine.entered.acquire)
            server.close()
            with pytest.raises(EngineFailed, match="gone"):
                await call
        engine.gate.set()
        waits = asyncio.create_task(host.call(Window(bytes(8))))
        async with engine_server([inner], again, opens=False):
            answer = await waits
            assert answer.words[0].text == "8"
        await host.close()


async def test_a_stream_of_a_process_that_is_gone_fails() -> None:
    engine = tiny.Counter()
    async with shared(threads(engine)) as host:
        with pytest.raises(EngineFailed, match="as asked"):
            await host.open(StartRecognition("raise"))
        stream = await host.open(StartRecognition("a"))
        stream.abort()
        with pytest.raises(EngineFailed, match="gone"):
            await stream.finish()
    assert engine.events == ["abort a"]


async def test_the_observer_of_the_session_hears_what_the_engine_took() -> None:
    heard: list[Event] = []

    class Notes:
        def on(self, event: Event) -> None:
            heard.append(event)

    async with shared(threads(tiny.Listener())) as host:
        session_observer.set(Notes())
        await host.call(Window(bytes(4)))
        (timed,) = heard
        assert isinstance(timed, EngineTimed)
        assert (timed.engine, timed.role, timed.batch) == ("ears", "asr", 1)
        assert timed.took_s > 0
