"""A row of the registry is all that an API on a path of its own needs to be served."""

from __future__ import annotations

import json
import threading

import pytest
from websockets.sync.client import connect

from dragoman.engines.registry import parse_choice
from dragoman.protocol import registry
from dragoman.runtime.engine_set import EngineSet
from dragoman.server import app
from dragoman.server.realtime_endpoint import serve_session
from tests.protocol.another_vendor import JINGLES
from tests.server.server_thread import shell

PATH = JINGLES.paths[0]


class ScriptedEngines(EngineSet):
    """Scripted engines, as a server in a thread wants them."""

    def __init__(self) -> None:
        super().__init__(parse_choice("scripted"), warm=())
        self.go = threading.Event()
        self.go.set()
        self.closed = False

    async def close(self) -> None:
        await super().close()
        self.closed = True


@pytest.fixture(autouse=True)
def one_more_api(monkeypatch: pytest.MonkeyPatch) -> None:
    apis = (*registry.APIS, JINGLES)
    monkeypatch.setattr(registry, "APIS", apis)
    monkeypatch.setattr(app, "APIS", apis)


def test_each_path_has_its_apis() -> None:
    model = "qwen3-tts-flash-realtime"
    with shell(ScriptedEngines(), serve_session) as server:
        for path in (PATH, PATH + "/", f"{PATH}?model={model}"):
            with connect(f"ws://127.0.0.1:{server.port}{path}") as ws:
                assert json.loads(ws.recv(10))["type"] == "jingle"
                ws.send('{"type":"bye"}')
                assert ws.recv(10) == '{"type":"goodbye"}'
        with connect(f"{server.url}?model={model}") as ws:
            assert json.loads(ws.recv(10))["type"] == "session.created"
        with connect(server.url) as ws:
            ws.recv(10)
            assert json.loads(ws.recv(10))["error"]["code"] == "ModelNotFound"
