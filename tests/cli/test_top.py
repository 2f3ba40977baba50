"""``dragoman top``: what a running server shows of itself."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from dragoman.cli.top import http_address
from dragoman.testing import LiveServer, serve
from dragoman.testing.live_server import command, environment
from tests.cli.run_command import run
from tests.server.short_sessions import THREADED, speak


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("ws://127.0.0.1:8000/api-ws/v1/realtime", "http://127.0.0.1:8000"),
        ("wss://example.org/api-ws/v1/realtime?model=x", "https://example.org"),
        ("http://[::1]:9/", "http://[::1]:9"),
        ("localhost:8000", "http://localhost:8000"),
    ],
)
def test_any_address_of_a_server_will_do(url: str, address: str) -> None:
    assert http_address(url) == address


@pytest.mark.live
def test_one_picture_of_a_server() -> None:
    with serve(engines=THREADED) as server:
        asyncio.run(speak(server.url))
        done = run("top", "--once", "--url", server.url)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    rows = {line.split()[0]: line.split() for line in lines if line.strip()}
    assert rows["dragoman"][-3] == "ready"
    assert rows["sessions"][2:4] == ["of", "2000"]
    assert rows["first"][2].replace(".", "").isdigit()
    assert rows["translation"][1] == "-"
    assert "scripted-tts" in rows
    assert rows["scripted-tts"][1:3] == ["tts", "ready"]


@pytest.mark.live
def test_it_goes_on_in_a_terminal_until_ctrl_c(scripted_server: LiveServer) -> None:
    screen, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 160, 0, 0))
    process = subprocess.Popen(
        [*command(), "top", "--interval", "0.2", "--url", scripted_server.url],
        env=environment() | {"TERM": "xterm"},
        stdout=terminal,
        stderr=terminal,
    )
    try:
        shown = b""
        while shown.count(b"ready") < 3:
            shown += os.read(screen, 65_536)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
        os.close(terminal)
        os.close(screen)


@pytest.mark.live
@pytest.mark.parametrize(
    ("status", "arguments", "said"),
    [
        (200, (), "no Dragoman server"),
        (401, (), "DASHSCOPE_API_KEY"),
        (401, ("--api-key", "wrong"), "does not take this key"),
    ],
)
def test_what_is_no_server_or_wants_another_key(
    status: int, arguments: tuple[str, ...], said: str
) -> None:
    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(b"hello")

    with HTTPServer(("127.0.0.1", 0), Other) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        done = run("top", "--once", "--url", f"http://127.0.0.1:{other.server_port}", *arguments)
        other.shutdown()
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.live
def test_no_server() -> None:
    done = run("top", "--once", "--url", "ws://127.0.0.1:9/api-ws/v1/realtime")
    assert done.returncode == 1
    assert "cannot be read" in done.stderr
