"""Runs ``dragoman serve`` in a process of its own while a command needs it.

Scope: start, wait until ready, stop. The server chooses a free port (``--port 0``) and prints its
address. A thread reads its output, so that the pipe never fills up, and keeps the last lines for an
error message. ``/health`` says when it is ready. It is stopped by SIGTERM, then killed.
"""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console

from dragoman.cli.captions import plain

_ADDRESS = re.compile(r"(?:ws|http)://(?:127\.0\.0\.1|\[::1\]|localhost):([1-9]\d*)")
_START_S = 30.0
_READY_S = 300.0
_STOP_S = 10.0
_COMMAND = "from dragoman.cli.main import app; app(prog_name='dragoman')"


class ServerFailed(Exception):
    """The server did not start; the text ends with its last output."""


class _ServerProcess:
    """The process of the server, and its output."""

    def __init__(self, options: list[str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _COMMAND, "serve", "--port", "0", *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            # Ctrl-C reaches only this program, which then stops the server.
            start_new_session=True,
        )
        self._last_lines: deque[str] = deque(maxlen=20)
        self._port: int | None = None
        self._known = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._last_lines.append(line.rstrip())
            found = _ADDRESS.search(line)
            if found and self._port is None:
                self._port = int(found.group(1))
                self._known.set()
        self._known.set()

    def port(self) -> int:
        """The port it listens on; waits until it prints it."""
        self._known.wait(_START_S)
        if self._port is None:
            raise ServerFailed(f"the server did not start. {self.last_output()}")
        return self._port

    def ended(self) -> bool:
        """Whether the process has ended."""
        return self._process.poll() is not None

    def last_output(self) -> str:
        """Its last output, for a message."""
        text = "\n".join(plain(line) for line in self._last_lines)
        return f"It said:\n{text}" if text else "It said nothing."

    def stop(self) -> None:
        """Stop it and wait until it has ended."""
        self._process.terminate()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextlib.contextmanager
def running_server(console: Console, engines: str | None = None) -> Iterator[str]:
    """Run a server on a free loopback port; yields the address of its API once it is ready.

    Raises:
        ServerFailed: it did not start, or ended while loading, or was not ready in five minutes.

    """
    with console.status("starting the server …") as status:
        server = _ServerProcess([] if engines is None else ["--engines", engines])
        try:
            port = server.port()
            deadline_s = time.monotonic() + _READY_S
            while (waiting_for := _unready(port)) is not None:
                if server.ended():
                    raise ServerFailed(f"the server ended while loading. {server.last_output()}")
                if time.monotonic() > deadline_s:
                    raise ServerFailed(f"the server was not ready in time. {server.last_output()}")
                status.update(f"loading {plain(waiting_for)} …" if waiting_for else "loading …")
                time.sleep(0.2)  # Polling: /health does not wait.
        except BaseException:
            server.stop()
            raise
    try:
        yield f"ws://127.0.0.1:{port}/api-ws/v1/realtime"
    finally:
        server.stop()


def health_of(address: str) -> dict[str, Any]:
    """The body of ``GET /health`` of a server of ``running_server``; empty if there is none."""
    return _health(int(address.split(":")[2].partition("/")[0]))[1]


def _unready(port: int) -> str | None:
    """None if ``/health`` answers 200, else what is still loading."""
    status, body = _health(port)
    return None if status == 200 else _loading(body)


def _health(port: int) -> tuple[int, dict[str, Any]]:
    """Status and body of ``GET /health``; 0 if nobody answers."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    status, body = 0, None
    with contextlib.suppress(OSError, ValueError):
        try:
            answer = opener.open(f"http://127.0.0.1:{port}/health", timeout=5)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            status, body = answer.status, json.load(answer)
    return status, body if isinstance(body, dict) else {}


def _loading(health: Mapping[str, Any]) -> str:
    """What is being loaded, from the JSON of ``/health``."""
    parts = health.get("loading")
    return ", ".join(map(str, parts)) if isinstance(parts, list) else ""
