"""Clients re-made from what is known of them, each against a live server.

Every log also has to please the strict client (``synthesis_validator``). Scripted engines make
the same sound for the same text, so what a client got is compared bit for bit with what the
plainest client gets; the embedded engines show that real voices change nothing for it.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Coroutine
from typing import Any

import av
import pytest

from dragoman.testing.live_server import LiveServer
from dragoman.testing.validators.rules import Log
from dragoman.testing.validators.synthesis import SynthesisValidator, validate_synthesis
from tests.conformance.clients import (
    bare_ids,
    barging_in,
    bridging,
    cancelling,
    joining,
    plain,
    recording,
    reusing,
    ten,
)
from tests.conformance.clients.connection import MODEL

TEXT = "The wind rose in the night. In the morning, the sea was white. Nobody went out."
OTHER = "It was Dr. Miller's boat, the one at 3.5 km, that came back first."
RATE_HZ = 24_000
ENCODER_DELAY_S = 0.12


ENGINES = [
    pytest.param("scripted", marks=pytest.mark.live),
    pytest.param("embedded", marks=pytest.mark.engine),
]


def wait(client: Coroutine[Any, Any, Any]) -> Any:
    """Run a client to its end."""
    return asyncio.run(asyncio.wait_for(client, 60))


def strict(log: Log, **allowed: bool) -> SynthesisValidator:
    """The strict client's verdict."""
    return validate_synthesis(log, model=MODEL, **allowed)


def tokens(text: str) -> list[str]:
    """As a language model streams it."""
    return text.replace(" ", " |").split("|")


def seconds(file: bytes, codec: str, rate_hz: int) -> float:
    """Length of the decoded file; it must be of this codec and rate."""
    with av.open(io.BytesIO(file)) as box:
        stream = box.streams.audio[0]
        assert (stream.codec_context.name, stream.rate) == (codec, rate_hz)
        return sum(frame.samples for frame in box.decode(stream)) / rate_hz


# ---------------------------------------------------------------- order and shape
@pytest.mark.parametrize("mode", ["commit", "server_commit"])
def test_the_recorder_finds_what_it_recorded(mode: str, scripted_server: LiveServer):
    wrong, log = wait(recording.run(scripted_server.url, mode))
    assert wrong == []
    assert strict(log).responses[0][1] == "completed"


def test_the_recorder_finds_it_with_real_voices(embedded_server: LiveServer):
    wrong, log = wait(recording.run(embedded_server.url, "commit"))
    assert wrong == []
    strict(log)


# ---------------------------------------------------------------- no ids, no update, own pings
def test_ten(scripted_server: LiveServer):
    result = wait(ten.run(scripted_server.url, [TEXT, OTHER, TEXT]))
    first, second = (wait(plain.speak(scripted_server.url, text)) for text in (TEXT, OTHER))
    assert result.requests == [first, second, first]
    assert len(strict(result.log).responses) == 3


def test_ten_gets_its_pongs_while_the_server_speaks(scripted_server: LiveServer):
    """Some come with speech before them and much more behind them than any buffer holds."""
    result = wait(ten.run(scripted_server.url, [TEXT * 40]))
    heard = [at for at, (_, event) in enumerate(result.log) if "delta" in event]
    assert [at for at in result.pongs if heard[0] < at < heard[-100]]
    assert result.slowest_pong_s < ten.PONG_S / 4
    strict(result.log)


# ---------------------------------------------------------------- one connection, many answers
def test_reusing(scripted_server: LiveServer):
    answers = [tokens(TEXT), tokens(OTHER), list(TEXT), ["Yes."]]
    speech, log = wait(reusing.run(scripted_server.url, answers))
    for pieces, heard in zip(answers, speech, strict=True):
        assert heard == wait(plain.speak(scripted_server.url, "".join(pieces), voice="Serena"))
    assert len(strict(log).responses) == len(answers)
    assert (
        len({event["session"]["id"] for _, event in log if "id" in event.get("session", {})}) == 1
    )


@pytest.mark.parametrize("engines", ENGINES)
def test_cancelling(engines: str, request: pytest.FixtureRequest):
    live: LiveServer = request.getfixturevalue(f"{engines}_server")
    status, speech, log = wait(cancelling.run(live.url, TEXT * 40, OTHER))
    assert status == "incomplete"
    if engines == "scripted":
        assert speech == wait(plain.speak(live.url, OTHER))
    assert [status for _, status, _ in strict(log).responses] == ["incomplete", "completed"]


@pytest.mark.parametrize("engines", ENGINES)
def test_barging_in(engines: str, request: pytest.FixtureRequest):
    live: LiveServer = request.getfixturevalue(f"{engines}_server")
    billed, speech, log = wait(barging_in.run(live.url, TEXT, "Forget this.", "夜里起风。"))
    assert billed == [len(TEXT), 2 * 4 + 1]
    assert len(strict(log).responses) == 2
    if engines == "scripted":
        mode = {"mode": "commit"}
        first, last = (wait(plain.speak(live.url, text, **mode)) for text in (TEXT, "夜里起风。"))
        assert speech == first + last


# ---------------------------------------------------------------- formats
def test_bridging(scripted_server: LiveServer):
    speech, characters, log = wait(bridging.run(scripted_server.url, TEXT))
    assert characters == len(TEXT)
    assert speech == wait(plain.speak(scripted_server.url, TEXT))
    strict(log)


def test_bridging_with_every_setting(scripted_server: LiveServer):
    """The settings of the Java SDK's builder; ``enable_tn`` is always among them."""
    settings = {
        "enable_tn": True, "language_type": "english", "speech_rate": 1.25, "pitch_rate": 1.1,
        "volume": 70, "bit_rate": 64, "response_format": "mp3", "sample_rate": 16_000,
    }  # fmt: skip
    speech, characters, log = wait(bridging.run(scripted_server.url, TEXT, **settings))
    assert characters == len(TEXT)
    result = next(event for _, event in log if event["type"] == "session.updated")
    assert {name: result["session"][name] for name in settings} == settings
    as_spoken = len(wait(plain.speak(scripted_server.url, TEXT))) / 2 / RATE_HZ
    assert seconds(speech, "mp3float", 16_000) == pytest.approx(as_spoken / 1.25, rel=0.1)
    strict(log)


FORMATS = [
    ("pcm", "", 24_000),
    ("wav", "pcm_s16le", 22_050),
    ("mp3", "mp3float", 44_100),
    ("opus", "opus", 48_000),
]


@pytest.mark.parametrize(("form", "codec", "rate_hz"), FORMATS, ids=[f[0] for f in FORMATS])
def test_joining(form: str, codec: str, rate_hz: int, scripted_server: LiveServer):
    """What decodes from the joined strings is all of the speech, in every response anew."""
    files, log = wait(joining.run(scripted_server.url, [TEXT, OTHER], form, rate_hz))
    sizes = [size for _, _, size in strict(log).responses]
    assert [len(file) for file in files] == sizes
    for text, file in zip((TEXT, OTHER), files, strict=True):
        pcm = wait(plain.speak(scripted_server.url, text, mode="commit"))
        if form == "pcm":
            assert file == pcm
            continue
        length_s = len(pcm) / 2 / RATE_HZ
        assert length_s - 0.01 <= seconds(file, codec, rate_hz) <= length_s + ENCODER_DELAY_S


def test_bare_ids(scripted_server: LiveServer):
    file, log = wait(bare_ids.run(scripted_server.url, tokens(TEXT)))
    length_s = len(wait(plain.speak(scripted_server.url, TEXT, voice="Ethan"))) / 2 / RATE_HZ
    assert length_s - 0.01 <= seconds(file, "opus", 48_000) <= length_s + ENCODER_DELAY_S
    strict(log)
