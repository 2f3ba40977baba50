"""Engines on the loop: the same Protocol as the other hosts."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from dragoman.engines.base import EngineUnavailable, Translation, Utterance, Window
from dragoman.engines.scripted.engines import ScriptedAsr, ScriptedMt, ScriptedTts
from dragoman.runtime.hosts.host import EngineFailed
from dragoman.runtime.hosts.loop_host import LoopHost
from dragoman.runtime.hosts.requests import StartRecognition, WarmDirection
from dragoman.speech import Hypothesis


def run(main: Any) -> Any:
    return asyncio.run(asyncio.wait_for(main, 20))


async def opened(engine: Any) -> LoopHost:
    host = LoopHost(engine)
    await host.start()
    return host


def test_calls_are_answered_at_once() -> None:
    async def main() -> None:
        heard = await (await opened(ScriptedAsr())).call(Window(np.zeros(16_000, "f4").tobytes()))
        assert isinstance(heard, Hypothesis)
        said = await (await opened(ScriptedMt())).call(Translation("hello", "en", "es"))
        assert said == "hello-es"

    run(main())


def test_speech_comes_in_pieces_and_others_have_their_turn_in_between() -> None:
    async def main() -> None:
        host, turns = await opened(ScriptedTts()), 0

        async def other() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        busy = asyncio.create_task(other())
        utterance = Utterance(text="one two three four", voice="", language="en")
        pieces = [pcm async for pcm in host.speak(utterance, 16_000)]
        busy.cancel()
        assert len(pieces) > 1
        assert turns >= len(pieces)
        assert sum(map(len, pieces)) > 16_000

    run(main())


def test_whatever_an_engine_raises_fails_its_call_only() -> None:
    class Broken(ScriptedMt):
        def translate(self, request: Translation) -> str:
            raise ZeroDivisionError

    async def main() -> None:
        host = await opened(Broken())
        with pytest.raises(EngineFailed):
            await host.call(Translation("hello", "en", "es"))
        with pytest.raises(EngineFailed):
            await host.call(Window(b""))
        with pytest.raises(EngineFailed):
            await host.open(StartRecognition())
        with pytest.raises(EngineFailed):
            await anext(host.speak(Utterance("x", "", "en"), 16_000))
        assert await host.call(WarmDirection("en", "es")) is None

    run(main())


def test_a_host_that_is_not_open_refuses() -> None:
    async def main() -> None:
        host = LoopHost(ScriptedMt())
        with pytest.raises(EngineFailed):
            await host.call(Translation("hello", "en", "es"))
        missing = LoopHost(ScriptedMt(script="/there/is/none.toml"))
        with pytest.raises(EngineUnavailable):
            await missing.start()

    run(main())
