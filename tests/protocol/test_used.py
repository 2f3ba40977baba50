"""What a session says it consumed: speech in and out, characters; every turn or response once."""

import base64

import pytest

from dragoman.protocol.audio_input.events import AudioAppend
from dragoman.protocol.core.commands import Ended, Output, Used
from dragoman.protocol.core.events import Ids
from dragoman.protocol.core.principal import Principal
from dragoman.protocol.core.session import Limits
from dragoman.protocol.realtime.events import SessionFinish
from dragoman.protocol.registry import lookup, make_session
from dragoman.protocol.synthesis.events import TextAppend
from dragoman.speech import (
    Coverage,
    Said,
    SpeechStarted,
    SpeechStopped,
    TurnDone,
    Voiced,
)

ANYTHING = Coverage(frozenset({"*"}), frozenset({("*", "*")}), frozenset({"*"}))


def session_of(model):
    session = make_session(
        lookup(model), Ids("n" * 15), Limits(), ANYTHING, principal=Principal(key_id="key-1")
    )
    assert session.context.principal.key_id == "key-1"
    session.open(0.0)
    return session


def used(*steps):
    return [command for step in steps for command in step if isinstance(command, Used)]


def test_a_response_counts_its_characters_and_its_speech():
    session = session_of("qwen3-tts-flash-realtime")
    assert used(
        session.receive(TextAppend(text="你好. "), 1.0),
        session.receive(SessionFinish(), 1.0),
        session.report(Output(1, Voiced(bytes(24_000))), 2.0),
        session.report(Output(1, Said()), 2.0),
        session.report(Ended(1), 2.0),
    ) == [Used(characters=6, audio_out_ms=500)]


@pytest.mark.parametrize("generation", ["qwen3", "qwen3.5", "qwen3.8"])
def test_a_turn_counts_its_speech_in_and_out(generation):
    session = session_of(f"{generation}-livetranslate-flash-realtime")
    audio = base64.b64encode(bytes(64_000)).decode()
    assert used(
        session.receive(AudioAppend(audio=audio), 1.0),
        session.report(Output(1, SpeechStarted(1, 250)), 1.0),
        session.report(Output(1, Voiced(bytes(48_000), 1)), 1.0),
        session.report(Output(1, SpeechStopped(1, 1750)), 1.0),
        session.report(Output(1, TurnDone(1, 1500)), 1.0),
    ) == [Used(audio_in_ms=1500, audio_out_ms=1000)]
