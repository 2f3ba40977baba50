"""A real ``dragoman serve`` for tests: a process of its own, on a free port of 127.0.0.1.

Settings are the fields of the server's ``Config``, given by name:
``serve(engines="scripted", strict=True, limits={"idle_s": 2})``. Variables ``DRAGOMAN_*`` of
the calling process do not reach the server.
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


class LiveServer:
    """A running server. ``url`` is the address of the WebSocket, without ``?model=``."""

    def __init__(self, process: subprocess.Popen[str], url: str, log: Path) -> None:
        self.process = process
        self.url = url
        self.port = int(url.split(":")[2].split("/", maxsplit=1)[0])
        self._log = log

    def get(self, path: str) -> tuple[int, bytes]:
        """Status and body of ``GET path``."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def health(self) -> tuple[int, dict[str, Any]]:
        """Status and content of ``GET /health``; 200 once all engines are loaded."""
        status, body = self.get("/health")
        return status, json.loads(body)

    def log(self) -> str:
        """What the server has written to standard error so far."""
        return self._log.read_text("utf-8")

    def stop(self) -> int:
        """Send SIGTERM and wait; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_S)


def command() -> list[str]:
    """How the command ``dragoman`` of this Python environment is called."""
    return [str(Path(sys.executable).with_name("dragoman"))]


def environment(**settings: Any) -> dict[str, str]:
    """The variables of this process, with these settings of Dragoman's and no others."""
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("DRAGOMAN_") or name == "DRAGOMAN_MODELS"
    }
    return clean | {f"DRAGOMAN_{name.upper()}": _text(value) for name, value in settings.items()}


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ",".join(f"{name}={inner}" for name, inner in value.items())
    if isinstance(value, list | tuple):
        return ",".join(value)
    return str(value)


@contextlib.contextmanager
def serve(engines: str = "scripted", **settings: Any) -> Iterator[LiveServer]:
    """Run ``dragoman serve`` while the block runs; it is ready when the block begins.

    ``engines`` is the set of engines, as of ``dragoman serve --engines``. Raises ``RuntimeError``
    with the server's log when the server does not start.
    """
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
            _end(process)


def _ready(process: subprocess.Popen[str], log: Path) -> LiveServer:
    """The server once it is healthy."""
    line = process.stdout.readline() if process.stdout else ""  # empty when the process has ended
    if "ws://" not in line:
        raise RuntimeError(f"the server did not start:\n{line}{log.read_text('utf-8')}")
    server = LiveServer(process, line.split()[-1], log)
    deadline = time.monotonic() + READY_S
    while server.health()[0] != 200:
        if time.monotonic() > deadline:
            raise RuntimeError(f"the engines were not loaded in {READY_S} s:\n{server.log()}")
        time.sleep(0.05)
    return server


def _end(process: subprocess.Popen[str]) -> None:
    """Terminate, and kill what does not end in time."""
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        process.wait(STOP_S)
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()
