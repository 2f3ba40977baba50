"""Realtime transcription as OpenAI's own client has it: the loopback server is faithful to it, and
what ``realtime-asr`` sends is what its types allow.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from dragoman.audio.pcm import from_float
from dragoman.audio.resample import Resampler
from dragoman.engines.realtime_asr.engine import RealtimeAsr
from dragoman.speech import Hints, joined_text
from tests.conformance.run_sdk import run_client
from tests.endpoints.realtime_asr import serving
from tests.engines.contract import RATE, sounds

pytestmark = pytest.mark.live
TRANSCRIPTION = "conversation.item.input_audio_transcription."


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    """What the client got, what it says of our engine's events, and what our engine heard."""
    hints = Hints(phrases={"Kubernetes": ""}, context="A talk about clusters.")
    with serving("openai") as server:
        made = RealtimeAsr(url=server.url)
        made.load()
        stream = made.start("en", hints)
        for piece in np.array_split(sounds(3), 30):
            stream.feed(piece)
        heard = joined_text(stream.finish().words)
        sent = json.dumps(list({event["type"]: event for event in server.seen}.values()))
        resampler = Resampler(RATE, 24_000)
        pcm = resampler.feed(from_float(sounds(3))) + resampler.flush()
        results = run_client("openai-3.57.0", "openai_realtime", server.url + "/v1", sent, pcm=pcm)
    return {**results, "heard": heard, "seen": json.loads(sent)}


def test_the_client_understands_every_event_of_the_loopback_server(found: dict[str, Any]) -> None:
    kinds = [event["type"] for event in found["talk"]["events"]]
    assert kinds[:2] == ["session.created", "session.updated"]
    assert kinds[-2:] == ["input_audio_buffer.committed", TRANSCRIPTION + "completed"]
    assert set(kinds[2:-2]) == {TRANSCRIPTION + "delta"}


def test_the_client_and_the_engine_hear_the_same(found: dict[str, Any]) -> None:
    assert found["talk"]["events"][-1]["raw"]["transcript"] == found["heard"]
    assert len(found["heard"].split()) >= 5


def test_what_the_engine_sends_is_what_the_clients_types_allow(found: dict[str, Any]) -> None:
    kinds = {event["type"] for event in found["seen"]}
    assert kinds == {"session.update", "input_audio_buffer.append", "input_audio_buffer.commit"}
    assert found["sent"]["wrong"] == []
