"""The table "At the door" of ``docs/errors.md``, against a live server that has keys."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from dragoman.server.access.access_control import usage_path
from dragoman.server.access.key_file import write
from dragoman.server.access.keys import Key, KeyLimits, digest
from dragoman.server.access.usage_store import Amounts, UsageStore
from dragoman.testing.live_server import LiveServer, serve

pytestmark = pytest.mark.live

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "errors.md").read_text("utf-8")
ROWS = re.findall(r"^\| (door-[\w-]+) \|[^|]*\| (.*) \|$", PAGE, re.MULTILINE)
MODEL = "qwen3-tts-flash-realtime"
KEY = {"Authorization": "bearer sekret"}
HUGE = 2 * 1024 * 1024 + 1


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server with a key, one that may have a single connection, and one that is used up."""
    folder = tmp_path_factory.mktemp("keys")
    spent = Key(name="spent", sha256=digest("spent"), limits=KeyLimits(characters=1))
    single = Key(name="single", sha256=digest("single"), limits=KeyLimits(connections=1))
    write(folder / "keys", [spent, single])
    today = datetime.now(UTC).date()
    for day in (today, today + timedelta(days=1)):  # the test may run at midnight
        used = {(day.isoformat(), "spent"): Amounts(characters=1)}
        UsageStore(usage_path(folder)).add(used)
    with serve(
        engines="scripted",
        api_keys="sekret",
        api_keys_file=folder / "keys",
        allowed_hosts="127.0.0.1",
    ) as live:
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


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def knock_twice(url: str) -> str:
    """What comes when a first connection is there."""
    with connect(f"{url}?model={MODEL}", additional_headers=bearer("single"), proxy=None):
        return knock(f"{url}?model={MODEL}", bearer("single"))


def knock_by_another_name(url: str) -> str:
    """The client library sets ``Host`` itself."""
    place = urlsplit(url)
    connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=20)
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
               "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}  # fmt: skip
    connection.request("GET", place.path, headers=KEY | upgrade | {"Host": "evil.example"})
    answer = connection.getresponse()
    body = json.loads(answer.read())
    connection.close()
    return f"HTTP {answer.status} `{body['code']}`"


CASES: list[tuple[str, Callable[[str], str]]] = [
    ("door-no-key", lambda url: knock(f"{url}?model={MODEL}", {})),
    ("door-bad-key", lambda url: knock(f"{url}?model={MODEL}", {"Authorization": "Bearer x"})),
    ("door-good-key", lambda url: knock(f"{url}?model={MODEL}", KEY)),
    ("door-origin", lambda url: knock(
        f"{url}?model={MODEL}", KEY | {"Origin": "https://evil.example"})),
    ("door-host", knock_by_another_name),
    ("door-rate", knock_twice),
    ("door-amount", lambda url: knock(f"{url}?model={MODEL}", bearer("spent"))),
    ("door-path", lambda url: knock(f"{url}/other?model={MODEL}", KEY)),
    ("door-head", lambda url: knock(url, KEY | {f"X-{n}": "y" for n in range(150)})),
    ("door-no-model", lambda url: knock(url, KEY)),
    ("door-two-models", lambda url: knock(f"{url}?model=x&y=1?model={MODEL}", KEY)),
    ("door-frame-size", lambda url: knock(f"{url}?model={MODEL}", KEY, "x" * HUGE)),
]  # fmt: skip


def test_every_case_has_one_row():
    assert [name for name, _ in ROWS] == [name for name, _ in CASES]


@pytest.mark.parametrize(("name", "answer"), ROWS, ids=[name for name, _ in ROWS])
def test_row(name: str, answer: str, guarded: LiveServer):
    assert dict(CASES)[name](guarded.url) == answer
