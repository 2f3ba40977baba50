"""Interpretation through a whole server whose translator is a chat endpoint that comes and goes."""

from __future__ import annotations

import asyncio
import base64
import io
import threading
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest

from dragoman.client.events import Problem, ResponseFinished, TranslatedText
from dragoman.client.interpretation import InterpretClient
from dragoman.testing import serve
from tests.conformance.sounds import turns
from tests.endpoints.chat import PATH, begin, delta, serve_chat, tagged
from tests.endpoints.http_server import Call, LoopbackServer, Route, in_turn

pytestmark = [pytest.mark.anyio, pytest.mark.live]


class Listener:
    """A client that speaks one turn after the other and reads everything."""

    def __init__(self, client: InterpretClient) -> None:
        self._client = client
        self.problems: list[Problem] = []

    async def turn(self) -> tuple[str, str]:
        """Say two words; the status of the response and its last text."""
        await self._client.send_audio(turns(800, pause_ms=0))
        await self._client.commit()
        text = ""
        async for event in self._client:
            if isinstance(event, TranslatedText):
                text = event.text
            if isinstance(event, Problem):
                self.problems.append(event)
            if isinstance(event, ResponseFinished):
                return event.status, text
        raise AssertionError("the session ended")


@asynccontextmanager
async def listening(url: str) -> AsyncIterator[Listener]:
    async with asyncio.timeout(60), InterpretClient(url) as client:
        await client.update(target="es", source="en", text_only=True, manual=True)
        yield Listener(client)


def refuses(call: Call) -> None:
    call.reply(500, b'{"error": {"message": "out of memory"}}')


def breaks_off(call: Call) -> None:
    begin(call)
    call.event(delta("Uno "))
    call.hang_up(reset=True)


def stalls(call: Call) -> None:
    begin(call)
    call.event(delta("Uno "))
    call.wait_until_gone()


async def test_a_turn_fails_with_its_endpoint_and_the_next_one_works() -> None:
    with LoopbackServer() as endpoint:
        serve_chat(endpoint, tagged)
        works: Route = endpoint.routes[PATH]
        engines = (
            "vad=energy,asr=scripted-asr,tts=scripted-tts,"
            f"mt=openai-chat?url={endpoint.url}&between_s=0.3"
        )
        with serve(engines=engines) as server:
            async with listening(server.url) as listener:
                for misbehaves in (refuses, breaks_off, stalls):
                    endpoint.routes[PATH] = misbehaves
                    status, text = await listener.turn()
                    assert (status, text) == ("failed", ""), misbehaves.__name__
                    endpoint.routes[PATH] = works
                    status, text = await listener.turn()
                    assert status == "completed"
                    assert text.split()[-1].endswith("-Spanish")
                endpoint.close()
                assert await listener.turn() == ("failed", "")
                assert not listener.problems, "the session is well"
            log = server.log()
        for told in ("HTTP status 500", "broke the connection off", "did not go on", "reached"):
            assert told in log
        assert "Spanish" not in log
        assert "out of memory" not in log


def hears(body: dict[str, Any]) -> str:
    """A model that says how long there is sound in what it is sent, in tenths of a second."""
    part = body["messages"][-1]["content"][0]
    assert part["type"] == "input_audio"
    with wave.open(io.BytesIO(base64.b64decode(part["input_audio"]["data"]))) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(int)
    tenths = samples[: len(samples) // 1600 * 1600].reshape(-1, 1600)
    return f"sonido {(np.abs(tenths).max(1) > 300).sum()}"


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_model_that_hears_gets_the_audio_of_each_turn(workers: int) -> None:
    with LoopbackServer() as endpoint:
        serve_chat(endpoint, hears)
        engines = (
            "vad=energy,asr=scripted-asr,tts=scripted-tts,"
            f"mt=openai-chat?url={endpoint.url}&takes_speech=true"
        )
        with serve(engines=engines, workers=workers) as server:
            async with listening(server.url) as listener:
                for _ in range(3):
                    status, text = await listener.turn()
                    assert status == "completed"
                    tenths = sum(int(word) for word in text.split() if word.isdecimal())
                    assert 7 <= tenths <= 9, "all of the turn, in one sentence or two, once"
    bodies = [call.json() for call in endpoint.received if call.body]
    texts = {body["messages"][-1]["content"][-1]["text"] for body in bodies}
    assert any("One two" in text for text in texts), "what was recognised goes along"


async def test_a_draft_that_newer_words_make_useless_ends_at_the_endpoint() -> None:
    gone = threading.Event()

    def never_ends(call: Call) -> None:
        begin(call)
        call.event(delta("Uno "))
        if call.wait_until_gone():
            gone.set()

    with LoopbackServer() as endpoint:
        serve_chat(endpoint, tagged)
        endpoint.routes[PATH] = in_turn(never_ends, endpoint.routes[PATH])
        engines = (
            f"vad=energy,asr=scripted-asr,tts=scripted-tts,mt=openai-chat?url={endpoint.url}"
            "&first_byte_s=60&between_s=60&total_s=60@concurrency=1"
        )
        with serve(engines=engines) as server:
            async with asyncio.timeout(60), InterpretClient(server.url) as client:
                await client.update(target="es", source="en", text_only=True)
                speech = turns(20_000, pause_ms=0)
                while not endpoint.open:  # a tenth of a second each, until a draft is asked for
                    await client.send_audio(speech[:3200])
                    speech = speech[3200:]
                    await asyncio.sleep(0.02)
                await client.finish()
                async for event in client:
                    if isinstance(event, ResponseFinished):
                        assert event.status == "completed"
                        break
    assert gone.is_set(), "the only thread was free for what was committed"
