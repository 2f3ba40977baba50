"""The JSON log of a real server: every line is an object, and nobody's words are in it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from dragoman.client.errors import Refused
from dragoman.testing import serve
from tests.server.short_sessions import interpret, speak

pytestmark = pytest.mark.live
KEY = "sk-0123456789abcdef0123456789abcdef"


def test_every_line_is_an_object_without_content(tmp_path: Path) -> None:
    with serve(log_format="json", log_level="debug", api_keys=KEY) as server:
        asyncio.run(speak(server.url, KEY))
        asyncio.run(interpret(server.url, tmp_path, KEY))
        with pytest.raises(Refused):
            asyncio.run(speak(server.url, "sk-wrong"))
        assert server.stop() == 0
        lines = [json.loads(line) for line in server.log().splitlines()]
        assert "Hello" not in server.log()
        assert KEY not in server.log()
        assert "sk-wrong" not in server.log()
    assert all(list(line)[:5] == ["time", "level", "logger", "pid", "message"] for line in lines)
    ends = [line for line in lines if line["message"].startswith("session ends")]
    assert [end["close_code"] for end in ends] == [1000, 1000]
    assert all(len(end["session"]) == 15 and end["seconds"] > 0 for end in ends)
    (lag,) = [line for line in lines if "median_s" in line]
    assert lag["session"] == ends[1]["session"]
    (refused,) = [line for line in lines if line["message"].startswith("handshake refused")]
    assert (refused["status"], refused["code"]) == (401, "InvalidApiKey")
    assert refused["reason"] == "Invalid API-key provided."
