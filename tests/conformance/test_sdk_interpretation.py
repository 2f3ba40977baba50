"""Interpretation through the unmodified SDK against a live server: newest, 1.25.11, and 2.x v2.

As in ``test_sdk_synthesis``: all flows of one SDK and one generation in one program.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from dragoman.testing.live_server import LiveServer
from dragoman.testing.validators.interpretation import (
    InterpretationValidator,
    validate_interpretation,
)
from tests.conformance.judging import judge
from tests.conformance.run_sdk import NEWEST, Flow, run_flows
from tests.conformance.sounds import jpeg, turns
from tests.recordings import needs_shared, read, shared, spoken_words, two_cities

GENERATIONS = (
    "qwen3-livetranslate-flash-realtime",
    "qwen3.5-livetranslate-flash-realtime",
    "qwen3.8-livetranslate-flash-realtime",
)
FLOWS = (
    "text_audio", "text_only", "defaults", "sdk_defaults", "source_on", "source_off", "with_voice",
    "manual", "manual_create", "empty_commit", "commit_under_vad", "clear", "images", "update_mid",
    "bad_update", "quiet", "strays", "end_async", "close_early", "blocking",
)  # fmt: skip
REFUSED = {"empty_commit", "commit_under_vad", "bad_update", "refused"}
SPOKEN = {"text_audio", "sdk_defaults", "source_on", "source_off", "with_voice", "images",
          "bad_update", "refused", "blocking", "detection"}  # fmt: skip

ONE_TURN = {"manual_create", "empty_commit"}
"""Flows that commit everything at once."""
PAUSE_MS = 3_000
"""Longer than the silence that ends a turn in any generation."""


def check_flow(model: str) -> Callable[[Flow], None]:
    """The strict clients' verdict and what the flow is about, for one generation."""

    def check(flow: Flow) -> None:
        assert "raised" not in flow.outcome, flow.outcome["raised"]
        assert flow.outcome.get("close_came", True)
        if flow.name == "close_early":
            return
        found = validate_interpretation(flow.log, model=model, errors=flow.name in REFUSED)
        assert flow.outcome["session_id"] == found.session_id
        if flow.name not in ("end_async",):
            assert flow.outcome["ended"]
        about(flow, found)

    return check


def about(flow: Flow, found: InterpretationValidator) -> None:
    """What came of the two turns that were spoken."""
    heard = [text for text in found.translations if text]
    if flow.name in ("quiet", "clear"):
        assert heard == []
        assert found.audio_bytes == 0
        return
    assert len(heard) >= (1 if flow.name in ONE_TURN else 2), found.translations
    if flow.name in SPOKEN:
        assert found.audio_bytes > 0
    if flow.name == "text_only":
        assert found.audio_bytes == 0
    if flow.name in ("source_on", "detection"):
        assert all(found.transcripts[: len(heard)])
    if flow.name == "bad_update":
        (error,) = flow.errors()
        assert error["event_id"] == "bad_1"
        assert error["param"].startswith("session.")
    if flow.name == "defaults":
        assert heard == [text for text in found.transcripts if text] or not found.transcripts


@pytest.fixture
def inputs(tmp_path: Path) -> list[str]:
    """Two turns of sound, and a picture."""
    sound, picture = tmp_path / "two-turns.pcm", tmp_path / "picture.jpg"
    sound.write_bytes(turns(2400, 2000, pause_ms=PAUSE_MS))
    picture.write_bytes(jpeg())
    return ["--pcm", str(sound), "--image", str(picture)]


@pytest.mark.parametrize("model", GENERATIONS)
@pytest.mark.parametrize("version", [NEWEST, "1.25.11"])
def test_scripted(version: str, model: str, inputs: list[str], scripted_server: LiveServer):
    flows = run_flows("interpretation", version, scripted_server.url, model, FLOWS, *inputs,
                      "--at-once", "12")  # fmt: skip
    judge(flows, check_flow(model))


@pytest.mark.parametrize("model", GENERATIONS)
def test_scripted_v2(model: str, inputs: list[str], scripted_server: LiveServer):
    chosen = ("text_audio", "text_only", "defaults", "source_on", "manual", "images", "quiet",
              "refused", "detection")  # fmt: skip
    flows = run_flows("session_v2", NEWEST, scripted_server.url, model, chosen, *inputs)
    judge(flows, check_flow(model))


# ---------------------------------------------------------------- real speech, embedded engines
REAL = ("text_audio", "text_only", "source_on", "manual")


def pcm_file(folder: Path, samples: npt.NDArray[np.float32]) -> list[str]:
    """The option that names this speech as a file of raw PCM."""
    sound, picture = folder / "speech.pcm", folder / "picture.jpg"
    sound.write_bytes((samples.clip(-1, 1) * 32767).astype("<i2").tobytes())
    picture.write_bytes(jpeg())
    return ["--pcm", str(sound), "--image", str(picture)]


def check_real(model: str, spoken: str) -> Callable[[Flow], None]:
    """The strict clients' verdict; most words were heard, and something Spanish came of them."""

    def check(flow: Flow) -> None:
        assert "raised" not in flow.outcome, flow.outcome["raised"]
        found = validate_interpretation(flow.log, model=model)
        assert any(found.translations)
        assert (found.audio_bytes > 0) == (flow.name != "text_only")
        heard = set(spoken_words(" ".join(found.transcripts)).split())
        if heard:
            said = set(spoken_words(spoken).split())
            assert len(heard & said) / len(said) > 0.6, sorted(said - heard)
        else:
            assert model != GENERATIONS[2]  # there the source text is always on
            assert flow.name != "source_on"  # elsewhere the SDK switches it off
        words = spoken_words(" ".join(found.translations)).split()
        assert {"de", "la", "el", "que", "los", "las", "y"} & set(words), words

    return check


@pytest.mark.parametrize("model", GENERATIONS)
def test_dickens(model: str, tmp_path: Path, embedded_server: LiveServer):
    """The reading in the wheel, two SDKs, all generations."""
    samples = read(two_cities())[: 16_000 * 13]
    inputs = pcm_file(tmp_path, samples)
    url = embedded_server.url
    newest = run_flows("interpretation", NEWEST, url, model, REAL, *inputs, "--at-once", "2")
    older = run_flows("interpretation", "1.25.11", url, model, ["source_on"], *inputs)
    objects = run_flows("session_v2", NEWEST, url, model, ["source_on"], *inputs)
    said = "It was the best of times, it was the worst of times, it was the age of wisdom"
    judge([*newest, *older, *objects], check_real(model, said))


@needs_shared
@pytest.mark.parametrize("name", ["en_jfk", "en_LJ001_0001", "en_azdoc_audio2"])
def test_recordings_beside_the_checkout(name: str, tmp_path: Path, embedded_server: LiveServer):
    model = GENERATIONS[1]
    (recording,) = [r for r in shared("en") if r.id == name]
    inputs = pcm_file(tmp_path, recording.samples())
    flows = run_flows("interpretation", NEWEST, embedded_server.url, model, ["source_on"], *inputs)
    judge(flows, check_real(model, recording.transcript))


def test_the_response_streams_while_the_speaker_talks(tmp_path: Path, embedded_server: LiveServer):
    """At microphone pace text and speech come long before the last audio was sent."""
    model = GENERATIONS[2]
    inputs = pcm_file(tmp_path, read(two_cities())[: 16_000 * 13])
    (flow,) = run_flows("interpretation", NEWEST, embedded_server.url, model, ["text_audio"],
                        *inputs, "--speed", "1")  # fmt: skip
    validate_interpretation(flow.log, model=model)
    kinds = [event["type"] for _, event in flow.log]
    appends = [at for at, kind in enumerate(kinds) if kind == "input_audio_buffer.append"]
    for kind in ("response.audio_transcript.delta", "response.audio.delta"):
        sent_by_then = sum(1 for at in appends if at < kinds.index(kind))
        assert sent_by_then < len(appends) * 0.8, f"{kind} after {sent_by_then} appends"
