"""Which settings a turn has when they change around its beginning."""

from __future__ import annotations

import base64
from typing import Any

from dragoman.protocol.audio_input.events import AudioAppend
from dragoman.protocol.core.commands import Output, Send
from dragoman.protocol.core.events import Ids
from dragoman.protocol.core.session import Limits
from dragoman.protocol.realtime.events import ResponseCreated, SessionUpdate
from dragoman.protocol.registry import lookup, make_session
from dragoman.speech import Coverage, Heard, SpeechStarted

ALL = Coverage(
    hears=frozenset({"en"}), pairs=frozenset({("en", "es")}), speaks=frozenset({"en", "es"})
)


def modalities(found_ms: int | None) -> tuple[str, ...]:
    """Those of a turn whose speech begins at 900 ms, after an update to text only at 1000 ms."""
    model = lookup("qwen3.5-livetranslate-flash-realtime")
    session = make_session(model, Ids("n" * 15), Limits(), ALL)
    session.open(0.0)
    audio = base64.b64encode(bytes(32_000)).decode()
    text_only: dict[str, Any] = {"modalities": ["text"]}
    session.receive(AudioAppend(audio=audio), 1.0)
    session.receive(SessionUpdate(session=text_only), 1.0)
    session.receive(AudioAppend(audio=audio), 2.0)
    session.report(Output(1, SpeechStarted(1, 900, found_ms)), 2.0)
    sent = session.report(Output(1, Heard(1, "well", "")), 2.0)
    (response,) = (
        command.event.response
        for command in sent
        if isinstance(command, Send) and isinstance(command.event, ResponseCreated)
    )
    return response.modalities


def test_a_turn_found_before_the_update_keeps_the_old_settings() -> None:
    assert modalities(992) == ("text", "audio")
    assert modalities(1000) == ("text", "audio")


def test_a_turn_found_after_it_has_the_new_ones_though_its_speech_began_before() -> None:
    assert modalities(1024) == ("text",)


def test_without_found_ms_the_begin_of_the_turn_decides() -> None:
    assert modalities(None) == ("text", "audio")
