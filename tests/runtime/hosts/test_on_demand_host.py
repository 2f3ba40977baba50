"""The engine is loaded by the first call and closed when idle."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from dragoman.engines.base import EngineUnavailable, Info, Translation, Utterance
from dragoman.runtime.hosts.host import EngineFailed
from dragoman.runtime.hosts.make_host import make_host
from dragoman.runtime.hosts.on_demand_host import OnDemandHost
from dragoman.runtime.hosts.thread_host import ThreadHost
from tests.runtime.hosts import tiny_engines as tiny

ASK = Translation("word", "en", "es")


class OnDemandTranslator:
    """A translator that counts its calls, loads and closes."""

    def __init__(self) -> None:
        self.info = Info(name="rare", role="mt", licence="none", quality="scripted")
        self.events: list[str] = []
        self.missing = ""

    def check(self) -> None:
        self.events.append("check")
        if self.missing == "check":
            raise EngineUnavailable("not installed")

    def load(self) -> None:
        self.events.append("load")
        if self.missing == "load":
            raise EngineUnavailable("broken")
        if self.missing == "raises":
            raise ValueError("as asked")

    def close(self) -> None:
        self.events.append("close")

    def warm(self, source: str, target: str) -> None:
        pass

    def translate(self, request: Translation) -> str:
        return request.text.upper()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)


def with_host(
    test: Callable[[OnDemandHost, OnDemandTranslator], Coroutine[Any, Any, None]],
    idle_s: float = 60.0,
) -> None:
    async def main() -> None:
        engine = OnDemandTranslator()
        host = OnDemandHost(engine, make_host(engine, spec="", threads=1, workers=1), idle_s=idle_s)
        try:
            await test(host, engine)
        finally:
            await host.close()

    asyncio.run(main())


def test_nothing_is_loaded_before_the_first_call_and_once_for_all() -> None:
    async def test(host: OnDemandHost, engine: OnDemandTranslator) -> None:
        await host.start()
        assert engine.events == ["check"]
        answers = await asyncio.gather(*(host.call(ASK) for _ in range(5)))
        assert answers == ["WORD"] * 5
        assert engine.events == ["check", "load"]

    with_host(test)


class OnDemandSpeaker(tiny.Speaker):
    def check(self) -> None: ...


def test_the_engine_stays_loaded_while_it_speaks() -> None:
    async def main() -> None:
        engine = OnDemandSpeaker()
        host = OnDemandHost(engine, ThreadHost(engine, threads=1), idle_s=0.0)
        await host.start()
        pieces = host.speak(Utterance("abc", "", "en"), tiny.RATE_HZ)
        pcm = await anext(pieces)
        await asyncio.sleep(0.02)  # longer than it may be idle: time itself is what is tested
        assert host.loaded
        assert pcm + b"".join([piece async for piece in pieces]) == tiny.pcm_of("abc")
        await until(lambda: not host.loaded)
        await host.close()

    asyncio.run(main())


def test_it_is_closed_when_idle_and_loaded_again() -> None:
    async def test(host: OnDemandHost, engine: OnDemandTranslator) -> None:
        await host.start()
        await host.call(ASK)
        await until(lambda: "close" in engine.events)
        assert not host.loaded
        assert await host.call(ASK) == "WORD"
        assert engine.events[:4] == ["check", "load", "close", "load"]

    with_host(test, idle_s=0.01)


def test_a_missing_engine_is_reported_at_the_start() -> None:
    async def test(host: OnDemandHost, engine: OnDemandTranslator) -> None:
        engine.missing = "check"
        with pytest.raises(EngineUnavailable, match="not installed"):
            await host.start()
        with pytest.raises(EngineFailed):
            await host.call(ASK)

    with_host(test)


@pytest.mark.parametrize("missing", ["load", "raises"])
def test_a_load_that_fails_fails_the_calls_and_is_not_repeated_at_once(missing: str) -> None:
    async def test(host: OnDemandHost, engine: OnDemandTranslator) -> None:
        engine.missing = missing
        await host.start()
        results = await asyncio.gather(*(host.call(ASK) for _ in range(3)), return_exceptions=True)
        assert all(isinstance(result, EngineFailed) for result in results)
        with pytest.raises(EngineFailed, match="a moment ago"):
            await host.call(ASK)
        assert engine.events.count("load") == 1

    with_host(test)


def test_a_cancelled_call_leaves_the_load_to_the_others() -> None:
    async def test(host: OnDemandHost, engine: OnDemandTranslator) -> None:
        await host.start()
        first, second = (asyncio.create_task(host.call(ASK)) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        assert await second == "WORD"
        assert first.cancelled() or (await asyncio.wait([first])) is not None

    with_host(test)


def test_closing_while_loading_fails_the_call() -> None:
    async def test(host: OnDemandHost, engine: OnDemandTranslator) -> None:
        await host.start()
        call = asyncio.create_task(host.call(ASK))
        await asyncio.sleep(0)
        await host.close()
        with pytest.raises(EngineFailed):
            await call

    with_host(test)


class UsualTranslator(OnDemandTranslator):
    """One that every session needs: it has no check."""

    check = None  # type: ignore[assignment]  # so it is no ``OnDemand``


def test_any_engine_may_be_unloaded_when_idle() -> None:
    async def main() -> None:
        engine = UsualTranslator()
        engine.missing = "load"
        inner = make_host(engine, spec="", threads=1, workers=1)
        host = OnDemandHost(engine, inner, idle_s=0.01)
        with pytest.raises(EngineUnavailable, match="broken"):
            await host.start()
        engine.missing = ""
        await host.start()
        assert engine.events == ["load", "close", "load"]
        assert host.vitals.loaded
        await until(lambda: not host.vitals.loaded)
        assert host.vitals.workers
        await until(lambda: engine.events.count("close") == 2)
        assert await host.call(ASK) == "WORD"
        assert engine.events.count("load") == 3
        await host.close()

    asyncio.run(main())
