"""Keys of running sessions: revoked, used up, counted, and never in a log."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from dragoman.server.access.access_control import usage_path
from dragoman.server.access.key_file import write
from dragoman.server.access.keys import Key, KeyLimits, digest
from dragoman.server.access.usage_store import UsageStore
from dragoman.testing.live_server import LiveServer, serve

pytestmark = pytest.mark.live

MODEL = "qwen3-tts-flash-realtime"


def key(name: str, **limits: int) -> Key:
    """A key whose text is ``sk-NAME``."""
    return Key(name=name, sha256=digest(f"sk-{name}"), limits=KeyLimits(**limits))


@contextlib.contextmanager
def opened(live: LiveServer, name: str) -> Iterator[ClientConnection]:
    with connect(f"{live.url}?model={MODEL}&api_key=sk-{name}", proxy=None) as ws:
        assert json.loads(ws.recv(20))["type"] == "session.created"
        yield ws


def refusal(live: LiveServer, name: str) -> tuple[int, str]:
    with pytest.raises(InvalidStatus) as refused, opened(live, name):
        pass
    response = refused.value.response
    return response.status_code, json.loads(response.body)["code"]


def until_closed(ws: ClientConnection) -> tuple[list[str], int]:
    """The events, errors by their code, and the close code."""
    seen: list[str] = []
    try:
        while True:
            event = json.loads(ws.recv(20))
            seen.append(event["error"]["code"] if "error" in event else event["type"])
    except ConnectionClosed as closed:
        return seen, closed.rcvd.code if closed.rcvd else 0


def speak(ws: ClientConnection, text: str) -> None:
    ws.send(json.dumps({"type": "input_text_buffer.append", "text": text}))
    ws.send(json.dumps({"type": "input_text_buffer.commit"}))


def test_a_revoked_key_loses_its_sessions_and_no_other_does(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    write(keys, [key("ann"), key("bob")])
    with (
        serve(api_keys_file=keys) as live,
        opened(live, "ann") as ann,
        opened(live, "bob") as bob,
    ):
        write(keys, [key("bob"), key("carl")])
        assert until_closed(ann) == (["AccessDenied"], 1007)
        assert refusal(live, "ann") == (401, "InvalidApiKey")
        speak(bob, "Hello.")
        assert json.loads(bob.recv(20))["type"] == "input_text_buffer.committed"
        with opened(live, "carl"):
            pass


def test_a_key_that_is_used_up_ends_its_session_and_stays_so_after_a_restart(
    tmp_path: Path,
) -> None:
    keys = tmp_path / "keys"
    write(keys, [key("ann", characters=20), key("bob")])
    spent = (429, "Throttling.AllocationQuota")
    with serve(api_keys_file=keys, log_level="debug") as live:
        with opened(live, "bob") as bob, opened(live, "ann") as ann:
            speak(ann, "Twelve chars")
            while json.loads(ann.recv(20))["type"] != "response.done":
                pass
            speak(ann, "Twelve chars")
            seen, code = until_closed(ann)
            assert (seen[-2:], code) == (["response.done", "Throttling.RateQuota"], 1011)
            assert refusal(live, "ann") == spent
            speak(bob, "Still here.")
            assert json.loads(bob.recv(20))["type"] == "input_text_buffer.committed"
        page = live.get("/metrics")[1].decode()
        assert 'dragoman_key_used_total{key="ann",of="characters"} 24.0' in page
        live.stop()
        for secret in ("sk-ann", "sk-bob", "api_key"):
            assert secret not in live.log()
    assert UsageStore(usage_path(tmp_path)).totals("2020-01-01")["ann"].characters == 24
    with serve(api_keys_file=keys) as live:
        assert refusal(live, "ann") == spent


def test_a_key_has_so_many_speakers(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    write(keys, [key("ann", speakers=1), key("bob", speakers=1)])
    with serve(api_keys_file=keys) as live, opened(live, "ann"):
        assert refusal(live, "ann") == (429, "Throttling.RateQuota")  # one that came speaks soon
        with opened(live, "bob"):
            pass
