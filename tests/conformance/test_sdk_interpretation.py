"""Interpretation through the unmodified SDK against a live server: newest, 1.25.11, and 2.x v2.

As in ``test_sdk_synthesis``: all flows of one SDK and one generation in one program.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.conformance.judging import judge
from tests.conformance.run_sdk import NEWEST, Flow, run_flows
from tests.conformance.sounds import jpeg, turns
from tests.conformance.translation_validator import TranslationValidator, validate_translation
from tests.live import serve

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


def check_flow(model: str) -> Callable[[Flow], None]:
    """The strict clients' verdict and what the flow is about, for one generation."""

    def check(flow: Flow) -> None:
        assert "raised" not in flow.outcome, flow.outcome["raised"]
        if flow.name == "close_early":
            assert flow.outcome["close_came"]
            return
        told = validate_translation(flow.log, model=model, errors=flow.name in REFUSED)
        assert flow.outcome["session_id"] == told.session_id
        if flow.name not in ("end_async",):
            assert flow.outcome["ended"]
        about(flow, told)

    return check


def about(flow: Flow, told: TranslationValidator) -> None:
    """What came of the two turns that were spoken."""
    heard = [text for text in told.translations if text]
    if flow.name in ("quiet", "clear"):
        assert heard == []
        assert told.audio_total == 0
        return
    assert len(heard) >= 2, told.translations
    if flow.name in SPOKEN:
        assert told.audio_total > 0
    if flow.name == "text_only":
        assert told.audio_total == 0
    if flow.name in ("source_on", "detection"):
        assert all(told.transcripts[: len(heard)])
    if flow.name == "bad_update":
        (error,) = flow.errors()
        assert error["event_id"] == "bad_1"
        assert error["param"].startswith("session.")
    if flow.name == "defaults":
        assert heard == [text for text in told.transcripts if text] or not told.transcripts


@pytest.fixture
def inputs(tmp_path: Path) -> list[str]:
    """Two turns of sound, and a picture."""
    sound, picture = tmp_path / "two-turns.pcm", tmp_path / "picture.jpg"
    sound.write_bytes(turns(2400, 2000))
    picture.write_bytes(jpeg())
    return ["--pcm", str(sound), "--image", str(picture)]


@pytest.mark.parametrize("model", GENERATIONS)
@pytest.mark.parametrize("version", [NEWEST, "1.25.11"])
def test_scripted(version: str, model: str, inputs: list[str]):
    with serve(engines="scripted") as server:
        flows = run_flows("interpretation", version, server.url, model, FLOWS, *inputs)
    judge(flows, check_flow(model))


@pytest.mark.parametrize("model", GENERATIONS)
def test_scripted_v2(model: str, inputs: list[str]):
    chosen = ("text_audio", "text_only", "defaults", "source_on", "manual", "images", "quiet",
              "refused", "detection")  # fmt: skip
    with serve(engines="scripted") as server:
        flows = run_flows("session_v2", NEWEST, server.url, model, chosen, *inputs)
    judge(flows, check_flow(model))
