"""Qwen's realtime recognition as an engine, against a Dragoman with scripted engines."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import numpy as np
import pytest

from dragoman.client.events import SourceText
from dragoman.client.interpretation import InterpretClient
from dragoman.engines.realtime_asr.engine import RealtimeAsr
from dragoman.engines.scripted import ScriptedAsr
from dragoman.speech import Hints, joined_text
from dragoman.testing import LiveServer, serve
from tests.engines.contract import RATE, Case, _recognized, laws, sounds

pytestmark = pytest.mark.live


@pytest.mark.parametrize("law", laws("asr"), ids=lambda law: law.__name__)
def test_law(scripted_server: LiveServer, law: Callable[[Case], None]) -> None:
    case = Case(lambda: RealtimeAsr(url=scripted_server.url, shape="qwen"))
    law(case)
    case.close()


def test_the_words_are_those_of_the_upstreams_recogniser(scripted_server: LiveServer) -> None:
    case = Case(lambda: RealtimeAsr(url=scripted_server.url, shape="qwen"))
    final, _ = _recognized(case, sounds(6), RATE // 10)
    direct, _ = _recognized(Case(ScriptedAsr), sounds(6), RATE)
    assert joined_text(final.words) == joined_text(direct.words)
    assert final.language == "en"
    case.close()


def test_words_come_before_the_end_of_a_turn(scripted_server: LiveServer) -> None:
    made = RealtimeAsr(url=scripted_server.url, shape="qwen")
    made.load()
    stream = made.start("en", Hints(phrases={"Qwen": ""}, context="A talk."))
    partial = []
    for _ in range(2000):
        partial.append(stream.feed(sounds(0.1) + np.float32(0.01)))
        if partial[-1] is not None and partial[-1].stable:
            break
    assert partial[-1] is not None
    assert len(partial[-1].words) > partial[-1].stable > 0
    assert len(stream.finish().words) >= partial[-1].stable
    made.close()


def test_an_interpretation_with_ears_at_another_dragoman(scripted_server: LiveServer) -> None:
    async def talk(url: str) -> list[str]:
        async with InterpretClient(url, model="qwen3.5-livetranslate-flash-realtime") as client:
            await client.update(target="es", source="en", manual=True)
            sound = (sounds(4) * 32_767).astype("<i2").tobytes()
            for at in range(0, len(sound), 3200):
                await client.send_audio(sound[at : at + 3200])
            await client.commit()
            await client.finish()
            return [e.text async for e in client if isinstance(e, SourceText) and e.final]

    spec = f"scripted,asr=realtime-asr?shape=qwen&url={scripted_server.url}"
    with serve(engines=spec) as server:
        assert asyncio.run(talk(server.url)) == asyncio.run(talk(scripted_server.url))
