"""A real web server in a thread, with sessions and engines of the test's own."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from dragoman.engines.base import EngineUnavailable
from dragoman.protocol.registry import REALTIME_PATH
from dragoman.runtime.capacity import Capacity
from dragoman.runtime.hosts.host import Vitals
from dragoman.runtime.loaded_engine import EngineUse
from dragoman.server.config import Config
from dragoman.server.connection import Accepted
from dragoman.server.lifecycle import Lifecycle
from dragoman.server.serve import DrainingServer, web_server
from dragoman.server.sockets.listener import listen


class Status(msgspec.Struct):
    name: str
    role: str
    state: str


class FakeEngines:
    """Engines that load when they are told to."""

    def __init__(self, *, loads: bool = True, failure: str = "") -> None:
        self.go = threading.Event()
        if loads:
            self.go.set()
        self.failure = failure
        self.closed = False
        self.down: set[str] = set()
        """The roles without a live engine."""
        self.capacity = Capacity(1, dict)

    async def load(self, progress: Callable[[str], None]) -> None:
        progress("asr pretend")
        await asyncio.to_thread(self.go.wait, 20)
        if self.failure:
            raise EngineUnavailable(self.failure)

    def status(self) -> list[Status]:
        return [Status("pretend", "asr", "ready" if self.go.is_set() else "loading")]

    def waiting(self) -> dict[str, int]:
        return {"pretend": 3}

    def uses(self) -> dict[str, EngineUse]:
        return {"pretend": EngineUse(concurrency=2, busy_s=7.5)}

    def vitals(self) -> dict[str, Vitals]:
        return {"pretend": Vitals(0 if self.down else 2, crashes=4, restarts=3)}

    def lacking(self, roles: Sequence[str] | None = None) -> list[str]:
        return sorted(self.down if roles is None else self.down & set(roles))

    def lags_s(self) -> dict[str, list[float]]:
        return {"pretend": [0.1, 0.7, 0.2]}

    async def close(self) -> None:
        self.closed = True


async def echo(lifecycle: Lifecycle, accepted: Accepted) -> None:
    """Say the model, then send back every text frame, until the client goes or says bye."""
    with lifecycle.session("echo"):
        await accepted.send({"type": "websocket.send", "text": f"model={accepted.model}"})
        while (message := await accepted.receive())["type"] == "websocket.receive":
            if message.get("text") == "bye":
                await accepted.send({"type": "websocket.close", "code": 1000})
                return
            await accepted.send({"type": "websocket.send", "text": message["text"]})


class Shell:
    """Handle on a running server."""

    def __init__(self, server: DrainingServer, lifecycle: Lifecycle, port: int) -> None:
        self.server, self.lifecycle, self.port = server, lifecycle, port
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

    def wait_idle(self) -> None:
        """Until no session is open."""
        assert self.loop is not None
        asyncio.run_coroutine_threadsafe(self.lifecycle.idle(), self.loop).result(20)


@contextlib.contextmanager
def shell(
    engines: FakeEngines | None = None,
    serve_session: Any = echo,
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
    **config: Any,
) -> Iterator[Shell]:
    """A server on a free port until the block ends; ready, unless the engines hold it back."""
    engines = engines or FakeEngines()
    listener = listen("127.0.0.1", 0)
    started = threading.Event()
    lifecycle: Lifecycle
    handle: Shell

    async def main() -> None:
        nonlocal lifecycle, handle
        lifecycle = Lifecycle(msgspec.convert({"drain_s": 0.0, **config}, Config), engines)
        handle = Shell(web_server(lifecycle, serve_session), lifecycle, listener.getsockname()[1])
        handle.loop = asyncio.get_running_loop()
        started.set()
        await handle.server.serve(sockets=[listener])

    def run() -> None:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(main())

    thread = threading.Thread(target=run)
    thread.start()
    assert started.wait(20)
    try:
        if engines.go.is_set():
            handle.wait(lifecycle.decided)
        yield handle
    finally:
        engines.go.set()
        with contextlib.suppress(RuntimeError):
            handle.call(handle.server.stop)
        thread.join(20)
        assert not thread.is_alive()
        assert engines.closed
