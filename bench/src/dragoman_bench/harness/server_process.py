"""The server under test: a process of its own, on a free loopback port.

Scope: start it, read its pages, stop it. ``DRAGOMAN_*`` variables of the environment are ignored:
the server has the defaults and what a part asks for.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from dragoman_bench.figures import BenchFailed
from dragoman_bench.harness import metrics_page
from dragoman_bench.harness.ws_client import PATH

_COMMAND = "from dragoman.cli.main import app; app(prog_name='dragoman')"
_READY_S = 120.0
_STOP_S = 20.0
LOOP_LAG = "dragoman_loop_lag_seconds"


class ServerProcess:
    """A running server: its process and its port."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.pid = process.pid
        self.port = port

    def metrics(self) -> str:
        """The body of ``GET /metrics``."""
        return self._get("/metrics")[1]

    def loop_lag(self) -> metrics_page.Buckets:
        """The histogram of the event loop's lag, in seconds, since the server started."""
        return metrics_page.histogram(self.metrics(), LOOP_LAG)

    @property
    def url(self) -> str:
        """The address of the realtime APIs."""
        return f"ws://127.0.0.1:{self.port}{PATH}"

    def ready(self) -> bool:
        """Whether new sessions are accepted."""
        return self._get("/health")[0] == 200

    def _get(self, path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()


@contextlib.contextmanager
def serving(*options: str) -> Iterator[ServerProcess]:
    """``dragoman serve`` with these options until the block ends, ready when it begins."""
    with started([sys.executable, "-c", _COMMAND, "serve", "--port", "0", *options]) as server:
        yield server


@contextlib.contextmanager
def echoing() -> Iterator[ServerProcess]:
    """The bare echo of ``dragoman_bench.harness.echo``, ready when the block begins."""
    with started([sys.executable, "-m", "dragoman_bench.harness.echo"]) as server:
        yield server


@contextlib.contextmanager
def started(command: Sequence[str]) -> Iterator[ServerProcess]:
    """A server that prints its ``ws://`` address. Raises ``BenchFailed`` if it does not start."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("DRAGOMAN_")}
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with log.open("w", encoding="utf-8") as stderr:
            process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=stderr, text=True, env=clean
            )
        try:
            yield _ready(process, log)
        finally:
            process.terminate()
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()


def _ready(process: subprocess.Popen[str], log: Path) -> ServerProcess:
    assert process.stdout is not None
    line = process.stdout.readline()  # empty when the process ended instead
    if "ws://" not in line:
        raise BenchFailed(f"the server did not start: {log.read_text('utf-8')[-2000:]}")
    server = ServerProcess(process, int(line.split("ws://")[1].split(":")[1].split("/")[0]))
    limit_s = time.monotonic() + _READY_S
    while not server.ready():
        if time.monotonic() > limit_s:
            raise BenchFailed(f"the server was not ready in time: {log.read_text('utf-8')[-2000:]}")
        time.sleep(0.1)  # HTTP has nothing to wait on
    return server
