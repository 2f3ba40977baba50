"""Synthesis through the unmodified SDK, newest, 1.25.11 and 1.23.9, against a live server.

Each test runs all flows of one SDK in one program, as importing the SDK is most of the cost; the
flows are then judged one by one, and all faults are shown at once.
"""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest

from dragoman.testing.live_server import LiveServer
from dragoman.testing.validators.synthesis import SynthesisValidator, validate_synthesis
from tests.conformance.judging import judge
from tests.conformance.run_sdk import NEWEST, Flow, run_flows

MODEL = "qwen3-tts-flash-realtime"
REFUSED = {"clear_in_server_commit", "empty_commit", "late_update"}
RATES = (8000, 16000, 22050, 44100, 48000)
FLOWS = (
    "server_commit", "streamed", "server_commit_with_commit", "commit", "commits_in_a_row",
    "flush", "nothing", "defaults", "clear", "clear_in_server_commit", "empty_commit", "cancel",
    "cancel_nothing", "update", "late_update", "reuse", "close_early",
    "demo_server_commit", "demo_commit",
    *(f"rate_{rate}" for rate in RATES),
)  # fmt: skip
RESPONSES = {
    "server_commit": 1, "streamed": 1, "server_commit_with_commit": 2, "commit": 3,
    "commits_in_a_row": 3, "flush": 1, "nothing": 0, "defaults": 1, "clear": 1,
    "clear_in_server_commit": 1, "empty_commit": 1, "cancel": 2, "cancel_nothing": 1, "update": 2,
    "reuse": 2, "demo_server_commit": 1, "demo_commit": 3,
}  # fmt: skip


def validated(flow: Flow) -> SynthesisValidator:
    """The strict client's verdict."""
    return validate_synthesis(flow.log, model=MODEL, errors=flow.name in REFUSED)


def audio(flow: Flow) -> bytes:
    """All speech of the flow, decoded as a client does."""
    deltas = [
        e["delta"] for way, e in flow.log if way == "<" and e["type"] == "response.audio.delta"
    ]
    return b"".join(base64.b64decode(delta) for delta in deltas)


def check_flow(flow: Flow) -> None:
    """What every flow must show, and what this one is about."""
    assert "raised" not in flow.outcome, flow.outcome["raised"]
    assert flow.outcome.get("close_came", True)
    if flow.name == "close_early":
        assert flow.count("response.audio.delta") >= 1
        return
    validator = validated(flow)
    assert flow.outcome["session_id"] == validator.session_id
    assert flow.outcome["last_type"] == "session.finished"
    if flow.name in RESPONSES:
        assert len(validator.responses) == RESPONSES[flow.name]
    if validator.responses:
        assert flow.outcome["response_id"] == validator.responses[-1][0]
        spoke = sum(size for _, _, size in validator.responses) > 0
        assert (flow.outcome["first_audio_delay"] is not None) == spoke
    about = ABOUT.get(flow.name)
    if about:
        about(flow, validator)


def check_cancel(flow: Flow, validator: SynthesisValidator) -> None:
    assert [status for _, status, _ in validator.responses] == ["incomplete", "completed"]


def check_late_update(flow: Flow, validator: SynthesisValidator) -> None:
    (error,) = flow.errors()
    assert error["code"] == "invalid_value"
    assert "already started" in error["message"]
    assert error["event_id"] in validator.sent_ids


def check_clear_refused(flow: Flow, _: SynthesisValidator) -> None:
    (error,) = flow.errors()
    assert error["message"] == "only client commit mode supports clear operation"


def check_empty_commit(flow: Flow, validator: SynthesisValidator) -> None:
    (error,) = flow.errors()
    assert error["type"] == "invalid_request_error"
    assert error["event_id"] in validator.sent_ids


def check_update(_: Flow, validator: SynthesisValidator) -> None:
    """The same kind of sentence at 16 and 48 kHz: about three times the bytes."""
    first, second = (size for _, _, size in validator.responses)
    assert 2 < second / first < 5


def check_demo(flow: Flow, _: SynthesisValidator) -> None:
    """All of the speech was played, though playing held up the reading; nobody hung up on it."""
    assert base64.b64decode(flow.outcome["played"]) == audio(flow)
    assert flow.outcome["seconds"] > 2, "nothing blocked"
    assert not flow.outcome["closed_before"]


ABOUT: dict[str, Callable[[Flow, SynthesisValidator], None]] = {
    "cancel": check_cancel,
    "late_update": check_late_update,
    "clear_in_server_commit": check_clear_refused,
    "empty_commit": check_empty_commit,
    "update": check_update,
    "demo_server_commit": check_demo,
    "demo_commit": check_demo,
}


@pytest.mark.parametrize("version", [NEWEST, "1.25.11", "1.23.9"])
def test_scripted(version: str, scripted_server: LiveServer):
    flows = run_flows("synthesis", version, scripted_server.url, MODEL, FLOWS, "--at-once", "12")
    judge(flows, check_flow)
    by_name = {flow.name: flow for flow in flows}
    # One text in one go or letter by letter: the same speech.
    assert len(audio(by_name["streamed"])) == len(audio(by_name["server_commit"]))
    seconds = [len(audio(by_name[f"rate_{rate}"])) / 2 / rate for rate in RATES]
    assert max(seconds) - min(seconds) < 0.05


@pytest.mark.parametrize("version", [NEWEST, "1.23.9"])
def test_embedded(version: str, embedded_server: LiveServer):
    """The voices of the embedded engines keep the same rules."""
    chosen = ["streamed", "commit", "cancel", "clear", "update", "rate_8000", "rate_48000"]
    flows = run_flows("synthesis", version, embedded_server.url, MODEL, chosen)
    judge(flows, check_flow)
