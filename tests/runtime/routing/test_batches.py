"""Calls of many sessions leave together at an engine that others stand by for, and none waits for
company while the engine is idle.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest

from dragoman.engines.base import Info, Translation
from dragoman.runtime.hosts.engine_calls import batching_of
from dragoman.runtime.hosts.host import EngineFailed
from dragoman.runtime.hosts.thread_host import ThreadHost
from dragoman.runtime.routing.circuit_host import CircuitHost
from dragoman.runtime.routing.fallback_host import FallbackHost
from tests.runtime.routing.commanded_host import CommandedHost

FOR_EVER_MS = 3_600_000.0


class Batches:
    """A ``BatchTranslator`` that works while its gate is open. The memory is enough for ``most``
    texts at once, and for no text that is "huge".
    """

    info = Info(name="batches", role="mt", licence="-", quality="scripted", max_batch=8)

    def __init__(self, most: int = 8) -> None:
        self.sizes: list[int] = []
        self.entered = threading.Semaphore(0)
        self.gate = threading.Event()
        self._most = most

    def load(self) -> None: ...

    def close(self) -> None: ...

    def warm(self, source: str, target: str) -> None: ...

    def translate(self, request: Translation) -> str:
        return self.translate_batch([request])[0]

    def translate_batch(self, requests: Sequence[Translation]) -> list[str]:
        self.sizes.append(len(requests))
        self.entered.release()
        self.gate.wait()
        if len(requests) > self._most or any(one.text == "huge" for one in requests):
            raise RuntimeError("CUDA out of memory")
        return [one.text.upper() for one in requests]


async def answers(engine: Batches, texts: Sequence[str], *others: CommandedHost) -> list[object]:
    """Of one call that comes first, and then of all the others."""
    host = ThreadHost(engine, threads=1, batching=batching_of(engine, max_wait_ms=FOR_EVER_MS))
    await host.start()
    route = FallbackHost([CircuitHost(host, "batches"), *others])
    first, *rest = (Translation(text, "en", "es") for text in texts)
    try:
        async with asyncio.timeout(20):
            tasks = [asyncio.create_task(route.call(first))]
            await asyncio.to_thread(engine.entered.acquire)
            tasks += [asyncio.create_task(route.call(one)) for one in rest]
            while host.waiting < len(rest):
                await asyncio.sleep(0)
            engine.gate.set()
            return await asyncio.gather(*tasks, return_exceptions=True)
    finally:
        await host.close()


def test_an_idle_engine_takes_one_call_at_once_and_then_all_that_came() -> None:
    engine = Batches()
    assert asyncio.run(answers(engine, ["a", "b", "c", "d"])) == ["A", "B", "C", "D"]
    assert engine.sizes == [1, 3]


def test_a_batch_without_memory_is_tried_one_by_one() -> None:
    engine = Batches(most=1)
    assert asyncio.run(answers(engine, ["a", "b", "c"])) == ["A", "B", "C"]
    assert engine.sizes == [1, 2, 1, 1]


def test_a_text_without_memory_fails_alone_or_goes_elsewhere() -> None:
    found = asyncio.run(answers(Batches(), ["a", "b", "huge"]))
    assert found[:2] == ["A", "B"]
    assert isinstance(found[2], EngineFailed)
    other = CommandedHost("b")
    assert asyncio.run(answers(Batches(), ["a", "b", "huge"], other)) == ["A", "B", "b: huge"]


@pytest.mark.parametrize("error", [MemoryError(), SystemError("no room")])
def test_an_engine_lives_on_behind_a_call_without_memory(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Batches()
    engine.gate.set()

    async def main() -> None:
        host = ThreadHost(engine, threads=1)
        await host.start()
        with monkeypatch.context() as patch:
            patch.setattr(Batches, "translate_batch", lambda *_: (_ for _ in ()).throw(error))
            with pytest.raises(EngineFailed):
                await host.call(Translation("a", "en", "es"))
        assert await host.call(Translation("a", "en", "es")) == "A"
        await host.close()

    asyncio.run(main())
