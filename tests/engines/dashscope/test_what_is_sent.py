"""What an upstream is sent for the settings and inputs of a session."""

from __future__ import annotations

import base64

import pytest

from dragoman.engines.dashscope.livetranslate import DashscopeLivetranslate
from dragoman.engines.dashscope.session_settings import session_settings
from dragoman.protocol.audio_input.opus_packets import OpusFraming
from dragoman.protocol.audio_input.turn_detection import probability
from dragoman.speech import Audio, Clear, Endpointing, EndTurn, Hints, Image, Input, Interpret
from tests.audio.ogg_stream import ogg
from tests.endpoints.faulty_upstream import upstream
from tests.endpoints.realtime_asr import AsrLoopback, serving

FLAT, NESTED = "qwen3.5-livetranslate-flash-realtime", "qwen3.8-livetranslate-flash-realtime"
TASK = Interpret(
    "pt",
    "en",
    voice="Ethan",
    endpointing=Endpointing(threshold=0.7, silence_ms=800, prefix_ms=200),
    hints=Hints(phrases={"Qwen": "Qwen"}, context="A talk."),
)


def test_flat_settings() -> None:
    assert session_settings(TASK, FLAT) == {
        "modalities": ["text", "audio"],
        "input_audio_format": "pcm",
        "output_audio_format": "pcm",
        "voice": "Ethan",
        "turn_detection": {
            "type": "server_vad",
            "threshold": 0.6,
            "silence_duration_ms": 800,
            "prefix_padding_ms": 200,
        },
        "input_audio_transcription": {
            "model": "qwen3-asr-flash-realtime",
            "language": "en",
            "corpus": {"text": "A talk."},
        },
        "translation": {"language": "pt", "corpus": {"phrases": {"Qwen": "Qwen"}}},
    }
    assert session_settings(TASK, "qwen3-livetranslate-flash-realtime")["output_audio_format"] == (
        "pcm24"
    )


def test_nested_settings() -> None:
    task = Interpret("pt", endpointing=None, speak=False)
    found = session_settings(task, NESTED, "Cherry")
    assert found["output_modalities"] == ["text"]
    assert found["audio"]["input"]["turn_detection"] is None
    assert found["audio"]["output"]["voice"] == "Cherry"
    by_speaker = Interpret("pt", by_speaker=True)
    detection = session_settings(by_speaker, NESTED)["audio"]["input"]["turn_detection"]
    assert detection["type"] == "speaker_detection"


@pytest.mark.parametrize("asked", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_the_threshold_means_the_same_upstream(asked: float) -> None:
    task = Interpret("pt", endpointing=Endpointing(threshold=asked))
    sent = session_settings(task, FLAT)["turn_detection"]["threshold"]
    assert probability(sent) == pytest.approx(asked, abs=0.001)


def sent(server: AsrLoopback, task: Interpret, items: list[Input], model: str = FLAT) -> list[str]:
    """The types of the events that the upstream got."""
    made = DashscopeLivetranslate(url=server.url, model=model)
    made.load()
    session = made.start(task)
    for item in items:
        session.feed(item)
    session.finish()
    return [event["type"] for event in server.seen]


def test_pictures_clears_and_new_settings_go_upstream_in_order() -> None:
    with serving("", speak=upstream) as server:
        items: list[Input] = [
            Image(b"before any audio", 0),
            Audio(bytes(6400)),
            Image(b"\xff\xd8 picture", 200),
            Clear(),
            Interpret("fr"),
            Audio(bytes(6400)),
        ]
        assert sent(server, TASK, items) == [
            "session.update",
            "input_audio_buffer.append",
            "input_image_buffer.append",
            "input_audio_buffer.clear",
            "session.update",
            "input_audio_buffer.append",
            "session.finish",
        ]
        picture = server.of_type("input_image_buffer.append")[0]["image"]
        assert base64.b64decode(picture) == b"\xff\xd8 picture"
        updates = server.of_type("session.update")
        assert updates[1]["session"]["translation"]["language"] == "fr"


@pytest.mark.parametrize(
    ("model", "manual", "commits"), [(FLAT, True, 1), (FLAT, False, 0), (NESTED, False, 1)]
)
def test_turns_are_committed_where_the_model_listens(
    model: str, manual: bool, commits: int
) -> None:
    task = Interpret("pt", endpointing=None) if manual else TASK
    with serving("", speak=upstream) as server:
        found = sent(server, task, [Audio(bytes(6400)), EndTurn()], model)
        assert found.count("input_audio_buffer.commit") == commits


def test_opus_and_8_khz_become_16_khz_pcm() -> None:
    packets = OpusFraming().feed(ogg(0.2))
    opus = [Audio(packet.data, packet.ms) for packet in packets]
    opus_ms = sum(packet.ms for packet in packets)
    for task, items, ms in [
        (Interpret("pt", rate_in=8_000), [Audio(bytes(3200))], 200.0),
        (Interpret("pt", opus_in=True), opus, opus_ms),
    ]:
        with serving("", speak=upstream) as server:
            sent(server, task, list(items))
            audio = [event["audio"] for event in server.of_type("input_audio_buffer.append")]
            size = sum(len(base64.b64decode(piece)) for piece in audio)
            assert ms - 4 <= size / 32 <= ms
