"""The table "At the door" of ``docs/errors.md``, against a live server that has a key."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from dragoman.testing.live_server import LiveServer, serve

pytestmark = pytest.mark.live

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "errors.md").read_text("utf-8")
ROWS = re.findall(r"^\| (door-[\w-]+) \|[^|]*\| (.*) \|$", PAGE, re.MULTILINE)
MODEL = "qwen3-tts-flash-realtime"
KEY = {"Authorization": "bearer sekret"}
HUGE = 16 * 1024 * 1024 + 1


@pytest.fixture(scope="module")
def guarded() -> Iterator[LiveServer]:
    """A server with one key."""
    with serve(engines="scripted", api_keys="sekret") as live:
        yield live


def knock(url: str, headers: dict[str, str], frame: str = "") -> str:
    """What comes, in the words of the table."""
    seen = []
    try:
        with connect(url, additional_headers=headers, proxy=None, max_size=None) as socket:
            event = json.loads(socket.recv(timeout=10))
            seen.append(f"`{event['type']}`")
            if frame:
                socket.send(frame)
            elif event["session"]["model"] == MODEL:
                return ", ".join(seen)
            while True:
                event = json.loads(socket.recv(timeout=10))
                seen.append(f"`{event['error']['code'] if 'error' in event else event['type']}`")
    except InvalidStatus as refused:
        body = json.loads(refused.response.body)
        assert set(body) == {"code", "message", "request_id"}
        return f"HTTP {refused.response.status_code} `{body['code']}`"
    except ConnectionClosed as closed:
        seen.append(f"close {closed.rcvd.code if closed.rcvd else 'without a word'}")
    return ", ".join(seen)


CASES: list[tuple[str, Callable[[str], str]]] = [
    ("door-no-key", lambda url: knock(f"{url}?model={MODEL}", {})),
    ("door-bad-key", lambda url: knock(f"{url}?model={MODEL}", {"Authorization": "Bearer x"})),
    ("door-good-key", lambda url: knock(f"{url}?model={MODEL}", KEY)),
    ("door-origin", lambda url: knock(
        f"{url}?model={MODEL}", KEY | {"Origin": "https://evil.example"})),
    ("door-path", lambda url: knock(f"{url}/other?model={MODEL}", KEY)),
    ("door-no-model", lambda url: knock(url, KEY)),
    ("door-two-models", lambda url: knock(f"{url}?model=x&y=1?model={MODEL}", KEY)),
    ("door-frame-size", lambda url: knock(f"{url}?model={MODEL}", KEY, "x" * HUGE)),
]  # fmt: skip


def test_every_case_has_one_row():
    assert [name for name, _ in ROWS] == [name for name, _ in CASES]


@pytest.mark.parametrize(("name", "answer"), ROWS, ids=[name for name, _ in ROWS])
def test_row(name: str, answer: str, guarded: LiveServer):
    assert dict(CASES)[name](guarded.url) == answer
