"""Sessions that reach their limit at a real server: what was sent so far is still
interpreted or spoken, then come the error and the close.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from dragoman.engines.scripted.rules import CELL_MS, rule_word
from dragoman.testing.live_server import LiveServer, serve

pytestmark = [pytest.mark.anyio, pytest.mark.live]
AGE_S = 1.6
MODELS = ["qwen3-livetranslate-flash-realtime", "qwen3.5-livetranslate-flash-realtime",
          "qwen3.8-livetranslate-flash-realtime"]  # fmt: skip
VOICE = "qwen3-tts-flash-realtime"
LOUD = base64.b64encode(np.full(1_600, 3_000, "<i2").tobytes()).decode()  # 100 ms


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    with serve(limits={"age_s": AGE_S}) as live:
        yield live


class Session:
    """Everything that came, and how it ended."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self.events: list[dict[str, Any]] = []

    async def send(self, kind: str, **fields: Any) -> None:
        await self._socket.send(json.dumps({"type": kind, **fields}))

    async def until(self, kind: str) -> None:
        while not self.events or self.events[-1]["type"] != kind:
            self.events.append(json.loads(await self._socket.recv()))

    async def end(self) -> tuple[int, str]:
        """Take what comes up to the close; its code and reason."""
        with pytest.raises(ConnectionClosed) as closed:
            await self.until("")
        close = closed.value.rcvd
        assert close is not None
        return close.code, close.reason

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == kind]

    def check_end(self, end: tuple[int, str]) -> None:
        """The error came last of all, behind responses that are complete."""
        *_, last = self.events
        assert last["type"] == "error"
        assert last["error"]["type"] == "server_error"
        assert last["error"]["code"] == "session_expired"
        assert end == (1007, last["error"]["message"])
        statuses = [event["response"]["status"] for event in self.of("response.done")]
        assert statuses == ["completed"] * len(self.of("response.created"))
        assert not self.of("session.finished")


@asynccontextmanager
async def opened(server: LiveServer, model: str) -> AsyncIterator[Session]:
    async with asyncio.timeout(20), connect(f"{server.url}?model={model}") as socket:
        session = Session(socket)
        await session.until("session.created")
        yield session


def spoken_s(session: Session) -> float:
    return sum(len(base64.b64decode(e["delta"])) for e in session.of("response.audio.delta")) / 48e3


def check_words(session: Session) -> list[str]:
    """The recognised words: each of the sound once, in order, all translated, all spoken."""
    done = session.of("conversation.item.input_audio_transcription.completed")
    assert len(done) == len(session.of("input_audio_buffer.speech_started")) > 0
    recognised = " ".join(event["transcript"] for event in done).split()
    assert recognised == [rule_word(number) for number in range(len(recognised))]
    said = " ".join(event["transcript"] for event in session.of("response.audio_transcript.done"))
    plain = [word.rstrip(".") for word in recognised]
    assert said.replace(".", "").split() == [f"{word}-es" for word in plain]
    assert spoken_s(session) > 0.1 * len(recognised)
    return recognised


async def listen(session: Session, model: str) -> None:
    """Ask for Spanish, of a speaker of English."""
    wanted: dict[str, Any] = {"translation": {"language": "es"}}
    wanted["input_audio_transcription"] = {"language": "en"}
    if not model.startswith("qwen3.8"):
        wanted["input_audio_transcription"]["model"] = "qwen3-asr-flash-realtime"
    await session.send("session.update", session=wanted)
    await session.until("session.updated")


@pytest.mark.parametrize("model", MODELS)
async def test_a_sentence_that_is_being_spoken_is_said_before_the_error(
    server: LiveServer, model: str
) -> None:
    async with opened(server, model) as session:
        await listen(session, model)
        for _ in range(12 * CELL_MS // 100):  # 12 words at once, and no silence behind them
            await session.send("input_audio_buffer.append", audio=LOUD)
        session.check_end(await session.end())
        assert len(check_words(session)) == 12


async def test_speech_that_came_in_time_is_interpreted_to_its_end(server: LiveServer) -> None:
    async with opened(server, MODELS[1]) as session:
        began_s = time.monotonic()
        await listen(session, MODELS[1])

        async def talk() -> None:
            start_s = time.monotonic()
            for number in itertools.count(1):
                await session.send("input_audio_buffer.append", audio=LOUD)
                await asyncio.sleep(max(0.0, start_s + number / 10 - time.monotonic()))

        talking = asyncio.create_task(talk())
        end = await session.end()
        lasted_s = time.monotonic() - began_s
        with pytest.raises(ConnectionClosed):
            await talking
        session.check_end(end)
        recognised = check_words(session)
        # All but what came at the very end, where the machine may have been slow to send.
        assert AGE_S * 1000 / CELL_MS - 2 <= len(recognised) <= lasted_s * 1000 / CELL_MS + 1


async def test_push_to_talk_is_committed_by_the_limit(server: LiveServer) -> None:
    async with opened(server, MODELS[1]) as session:
        await session.send("session.update", session={"turn_detection": None})
        await session.until("session.updated")
        for _ in range(4 * CELL_MS // 100):
            await session.send("input_audio_buffer.append", audio=LOUD)
        session.check_end(await session.end())
        (done,) = session.of("conversation.item.input_audio_transcription.completed")
        assert done["transcript"].split() == [rule_word(number) for number in range(4)]


@pytest.mark.parametrize("mode", ["server_commit", "commit"])
async def test_text_that_waits_is_spoken_before_the_error(server: LiveServer, mode: str) -> None:
    async with opened(server, VOICE) as session:
        await session.send("session.update", session={"mode": mode, "response_format": "pcm"})
        await session.until("session.updated")
        await session.send("input_text_buffer.append", text="One, two. And then three and fo")
        await session.send("input_text_buffer.append", text="ur")
        session.check_end(await session.end())
        assert len(session.of("response.created")) == 1

    async with opened(server, VOICE) as whole:
        await whole.send("session.update", session={"mode": mode, "response_format": "pcm"})
        await whole.until("session.updated")
        await whole.send("input_text_buffer.append", text="One, two. And then three and four")
        await whole.send("session.finish")
        await whole.until("session.finished")
    assert spoken_s(session) == pytest.approx(spoken_s(whole), abs=0.2)


async def test_a_session_that_finishes_in_time_gets_session_finished(server: LiveServer) -> None:
    async with opened(server, MODELS[1]) as session:
        await listen(session, MODELS[1])
        await session.send("input_audio_buffer.append", audio=LOUD)
        await session.send("session.finish")
        await session.until("session.finished")
        await asyncio.sleep(0)
        assert not session.of("error")
