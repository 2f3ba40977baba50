"""Frames of any kind against codec and session: an event or a plain reason, never an exception.

Whatever the codec makes of a mutated frame, the session answers in frames that are JSON again.
"""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dragoman.protocol.core.codec import base64_bytes
from dragoman.protocol.core.commands import Send
from dragoman.protocol.core.events import ClientEvent, Ids, Malformed
from dragoman.protocol.core.session import Limits
from dragoman.protocol.registry import lookup, make_session
from dragoman.speech import Coverage
from tests.hostile.random_events import frames, fuzz

MODELS: dict[str, tuple[str, ...]] = {
    "tts": ("qwen3-tts-flash-realtime", "qwen3-tts-instruct-flash-realtime", "qwen-tts-realtime"),
    "translation": (
        "qwen3-livetranslate-flash-realtime",
        "qwen3.5-livetranslate-flash-realtime",
        "qwen3.8-livetranslate-flash-realtime",
    ),
    "recognition": ("qwen3-asr-flash-realtime",),
}


def answers(api: str, model: str, frame: str) -> None:
    codec = lookup(model).api.codec
    event = codec.decode(frame)
    if isinstance(event, Malformed):
        assert event.message
        assert event.message.isprintable()
        assert len(event.message) < 400
    else:
        assert isinstance(event, ClientEvent)
    session = make_session(
        lookup(model), Ids("n" * 15), Limits(), Coverage(
            hears=frozenset({"en"}), pairs=frozenset({("en", "es")}), speaks=frozenset({"en", "es"})
        ),
    )  # fmt: skip
    commands = session.open(0.0) + session.receive(event, 1.0)
    for command in commands:
        if isinstance(command, Send):
            sent = codec.encode(command.event, command.event_id)
            sent.encode("utf-8")
            assert json.loads(sent)["event_id"] == command.event_id
    if isinstance(event, Malformed):
        kinds = [c.event.__struct_config__.tag for c in commands if isinstance(c, Send)]
        is_ignored = api == "recognition" and event.has_unknown_type
        assert kinds == ["session.created", *(() if is_ignored else ("error",))]
    assert not session.closed


@fuzz(250)
@given(data=st.data())
@pytest.mark.parametrize("api", MODELS)
def test_any_frame_is_an_event_or_a_reason(api: str, data: st.DataObject) -> None:
    answers(api, data.draw(st.sampled_from(MODELS[api])), data.draw(frames(api)))


@pytest.mark.parametrize("api", MODELS)
@pytest.mark.parametrize(
    "frame",
    [
        "",
        " ",
        "\ufeff{}",
        "\x00",
        '{"type":"session.update","session":' + '{"a":' * 30_000 + "1" + "}" * 30_001,
        '{"type":"session.update","session":{"x":' + "[" * 30_000 + "]" * 30_000 + "}}",
        '{"type":"session.update","session":{"volume":' + "9" * 5000 + "}}",
        '{"type":"session.update","session":{"volume":1e999999}}',
        '{"type":"session.update","session":{"volume":-1E-999999}}',
        '{"type":"session.update","session":{"speech_rate":1e400,"voice":"\\ud800"}}',
        '{"event_id":' + "9" * 100_000 + ',"type":"session.finish"}',
        '{"type":"session.finish","type":"nope"}',
        '{"type":"nope","type":"session.finish"}',
        '{"type":"session.finish"}{"type":"session.finish"}',
        '{"type":"session.update","session":{"' + "k" * 100_000 + '":1}}',
        '{"type":"' + "t" * 100_000 + '"}',
        '{"type":"session.finish","x":Infinity}',
        '{"type":"session.finish","x":"\\ud83d"}',
        '{"type":"input_text_buffer.append","text":"\\u0000\\ud83d"}',
        '{"type":"input_text_buffer.append","text":"\ud83d"}',
        '{"type":"input_text_buffer.append","text":"' + "\\ud83d" * 20_000 + '"}',
    ],
    ids=lambda frame: repr(frame[:40]),
)
def test_frames_known_to_break_parsers(api: str, frame: str) -> None:
    answers(api, MODELS[api][0], frame)


@fuzz(200)
@example("=" * 5)
@example("A" * 4 + "=A==")
@given(st.one_of(st.text(max_size=40), st.from_regex(r"[A-Za-z0-9+/=_\n-]{0,60}", fullmatch=True)))
def test_anything_is_base64_or_a_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert isinstance(base64_bytes(text), bytes)
