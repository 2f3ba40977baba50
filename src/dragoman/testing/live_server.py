"""A real ``dragoman serve`` for tests: a process of its own, on a free port.

``serve`` is a context manager for a server of a test's own; the fixtures ``scripted_server`` and
``embedded_server`` (in ``conftest.py``) share one per test process. Settings are given as
``Config`` fields: ``serve(engines="scripted", strict=True, limits={"idle_s": 2})``.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

READY_S = 90.0
STOP_S = 30.0


class Live:
    """A running server; ``url`` is the WebSocket's, without a query."""

    def __init__(self, process: subprocess.Popen[str], url: str, log: Path) -> None:
        self.process = process
        self.url = url
        self.port = int(url.split(":")[2].split("/", maxsplit=1)[0])
        self._log = log

    def get(self, path: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def health(self) -> tuple[int, dict[str, Any]]:
        status, body = self.get("/health")
        return status, json.loads(body)

    def log(self) -> str:
        """What the server wrote to standard error so far."""
        return self._log.read_text("utf-8")

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_S)


def command() -> list[str]:
    """How the command ``dragoman`` of this environment is called."""
    return [str(Path(sys.executable).with_name("dragoman"))]


def environment(**settings: Any) -> dict[str, str]:
    """This process's environment, with these settings and no others of Dragoman's."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("DRAGOMAN_")}
    return clean | {f"DRAGOMAN_{name.upper()}": _text(value) for name, value in settings.items()}


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ",".join(f"{name}={inner}" for name, inner in value.items())
    if isinstance(value, list | tuple):
        return ",".join(value)
    return str(value)


@contextlib.contextmanager
def serve(engines: str = "scripted", **settings: Any) -> Iterator[Live]:
    """``dragoman serve`` until the block ends, ready when it begins."""
    settings = {"engines": engines, "port": 0, "drain_s": 0.5, **settings}
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "stderr"
        with log.open("w", encoding="utf-8") as stderr:
            process = subprocess.Popen(
                [*command(), "serve"],
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                env=environment(**settings),
            )
        try:
            yield _ready(process, log)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                process.wait(STOP_S)
            finally:
                process.kill()
                process.wait()
                assert process.stdout is not None
                process.stdout.close()


def _ready(process: subprocess.Popen[str], log: Path) -> Live:
    assert process.stdout is not None
    line = process.stdout.readline()  # empty when the process ended instead
    assert "ws://" in line, f"the server did not start:\n{line}{log.read_text('utf-8')}"
    live = Live(process, line.split()[-1], log)
    deadline = time.monotonic() + READY_S
    while live.health()[0] != 200:
        assert time.monotonic() < deadline, live.log()
    return live
