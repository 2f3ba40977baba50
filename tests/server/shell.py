"""A real web server in a thread, with a conversation and engines of the test's own."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from starlette.types import Receive, Send

from dragoman.engines.base import EngineUnavailable
from dragoman.server.app import REALTIME_PATH
from dragoman.server.config import Config
from dragoman.server.lifecycle import Service
from dragoman.server.serve import DrainingServer, web_server
from dragoman.server.websocket_guard import listen


class Status(msgspec.Struct):
    name: str
    role: str
    state: str


class FakeStack:
    """Engines that load when they are told to."""

    def __init__(self, *, loads: bool = True, failure: str = "") -> None:
        self.go = threading.Event()
        if loads:
            self.go.set()
        self.failure = failure
        self.closed = False

    async def load(self, progress: Callable[[str], None]) -> None:
        progress("asr pretend")
        await asyncio.to_thread(self.go.wait, 20)
        if self.failure:
            raise EngineUnavailable(self.failure)

    def status(self) -> list[Status]:
        return [Status("pretend", "asr", "ready" if self.go.is_set() else "loading")]

    def waiting(self) -> dict[str, int]:
        return {"pretend": 3}

    def lags_s(self) -> dict[str, list[float]]:
        return {"pretend": [0.1, 0.7, 0.2]}

    async def close(self) -> None:
        self.closed = True


async def echo(service: Service, model: str, receive: Receive, send: Send) -> None:
    """Say the model, then send back every text frame, until the client goes or says bye."""
    with service.session("echo"):
        await send({"type": "websocket.send", "text": f"model={model}"})
        while (message := await receive())["type"] == "websocket.receive":
            if message.get("text") == "bye":
                await send({"type": "websocket.close", "code": 1000})
                return
            await send({"type": "websocket.send", "text": message["text"]})


class Shell:
    """Handle on a running server."""

    def __init__(self, server: DrainingServer, service: Service, port: int) -> None:
        self.server, self.service, self.port = server, service, port
        self.loop: asyncio.AbstractEventLoop | None = None
        self.url = f"ws://127.0.0.1:{port}{REALTIME_PATH}"

    def get(self, path: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            headers = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, headers, answer.read()
        finally:
            connection.close()

    def health(self) -> tuple[int, dict[str, Any]]:
        status, _, body = self.get("/health")
        return status, json.loads(body)

    def call(self, function: Callable[[], None]) -> None:
        assert self.loop is not None
        self.loop.call_soon_threadsafe(function)

    def wait(self, event: asyncio.Event) -> None:
        assert self.loop is not None
        asyncio.run_coroutine_threadsafe(event.wait(), self.loop).result(20)


@contextlib.contextmanager
def shell(stack: FakeStack | None = None, converse: Any = echo, **config: Any) -> Iterator[Shell]:
    """A server on a free port until the block ends; ready, unless the stack holds it back."""
    stack = stack or FakeStack()
    listener = listen("127.0.0.1", 0)
    started = threading.Event()
    service: Service
    handle: Shell

    async def main() -> None:
        nonlocal service, handle
        service = Service(msgspec.convert({"drain_s": 0.0, **config}, Config), stack)
        handle = Shell(web_server(service, converse), service, listener.getsockname()[1])
        handle.loop = asyncio.get_running_loop()
        started.set()
        await handle.server.serve(sockets=[listener])

    thread = threading.Thread(target=asyncio.run, args=(main(),))
    thread.start()
    assert started.wait(20)
    try:
        if stack.go.is_set():
            handle.wait(service.decided)
        yield handle
    finally:
        stack.go.set()
        with contextlib.suppress(RuntimeError):
            handle.call(handle.server.stop)
        thread.join(20)
        assert not thread.is_alive()
        assert stack.closed
