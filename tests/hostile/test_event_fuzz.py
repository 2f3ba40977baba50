"""Mutated events on live sessions: valid and wrong ones in any order, while engines work.

Every answer is an event, a wrong event is answered with an error and ends nothing, a session that
finishes is finished, and no session breaks (close 1011, a traceback in the log).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from dragoman.testing import LiveServer, serve
from tests.hostile.random_events import FRAMES, frames, fuzz

pytestmark = pytest.mark.live
MODELS = {
    "tts": ("qwen3-tts-flash-realtime", "qwen-tts-realtime"),
    "translation": (
        "qwen3-livetranslate-flash-realtime",
        "qwen3.5-livetranslate-flash-realtime",
        "qwen3.8-livetranslate-flash-realtime",
    ),
    "recognition": ("qwen3-asr-flash-realtime",),
}
FINISH = '{"type":"session.finish"}'


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    with serve(engines="scripted", limits={"linger_s": 0.1}) as live:
        yield live


@st.composite
def conversations(draw: st.DrawFn, api: str) -> list[str]:
    """Events of a client, most of them valid."""
    valid = st.sampled_from(FRAMES[api]).map(json.dumps)
    return draw(st.lists(st.one_of(valid, valid, frames(api)), max_size=10))


@fuzz(60)
@given(data=st.data())
@pytest.mark.parametrize("api", MODELS)
def test_a_session_outlives_any_events(server: LiveServer, api: str, data: st.DataObject) -> None:
    model = data.draw(st.sampled_from(MODELS[api]))
    sent = data.draw(conversations(api))
    received, code = asyncio.run(talk(f"{server.url}?model={model}", sent))
    kinds = [event["type"] for event in received]
    assert kinds[0] == "session.created"
    assert all(isinstance(event["event_id"], str) for event in received)
    assert "session.finished" in kinds
    assert code == 1000
    assert server.process.poll() is None
    assert "Traceback" not in server.log()


async def talk(url: str, sent: list[str]) -> tuple[list[dict[str, object]], int]:
    """All events that come back, and the close code."""
    received: list[dict[str, object]] = []
    async with asyncio.timeout(30), connect(url, compression=None, ping_interval=None) as socket:
        try:
            for frame in [*sent, FINISH]:
                # A lone surrogate cannot be sent; JSON can escape it, and then it is sent.
                await socket.send(frame.encode("utf-8", "replace").decode())
            async for answer in socket:
                received.append(json.loads(answer))
        except ConnectionClosed:
            pass
        return received, socket.close_code or 0
