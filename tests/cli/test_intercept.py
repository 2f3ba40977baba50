"""``dragoman intercept`` as a process: refused arguments, and running a program."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dragoman.testing.live_server import LiveServer, command, environment

pytestmark = pytest.mark.live

pytest.importorskip("cryptography")


def line(folder: Path, *arguments: str) -> list[str]:
    return [*command(), "intercept", "--dir", str(folder / "i"), *arguments]


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        line(folder, *arguments),
        env=environment(), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--address", "0.0.0.0"), "this machine alone"),
        (("--address", "192.168.1.5"), "this machine alone"),
        (("--host", "127.0.0.1"), "host name"),
        (("--server", "ws://192.168.1.5:8000"), "unencrypted"),
        (("--server", "wss://dashscope.aliyuncs.com"), "redirected"),
    ],
)
def test_unsafe_arguments_are_refused(arguments: tuple[str, ...], why: str, tmp_path: Path) -> None:
    done = run(tmp_path, *arguments)
    assert done.returncode == 2
    assert why in done.stderr
    assert not (tmp_path / "i").exists()


def test_without_a_server_it_says_how_to_start_one(tmp_path: Path) -> None:
    with socket.socket() as taken:  # bound but not listening
        taken.bind(("127.0.0.1", 0))
        url = f"ws://127.0.0.1:{taken.getsockname()[1]}"
        done = run(tmp_path, "--server", url, "--port", "0", "--", "echo", "ran")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"no server is running at {url}" in done.stderr
    assert "dragoman serve" in done.stderr


def test_a_port_that_speaks_no_http_is_reported(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:

        def greet() -> None:
            peer, _ = other.accept()
            with peer:
                peer.sendall(b"SSH-2.0-x\r\n")
                peer.recv(4096)

        thread = threading.Thread(target=greet, daemon=True)
        thread.start()
        done = run(tmp_path, "--server", f"ws://127.0.0.1:{other.getsockname()[1]}", "--port", "0")
        thread.join(10)
    assert done.returncode == 1
    assert "no HTTP server" in done.stderr


def test_a_port_in_use_and_an_open_folder_are_reported(
    scripted_server: LiveServer, tmp_path: Path
) -> None:
    port = str(scripted_server.port)
    done = run(tmp_path, "--server", scripted_server.url, "--port", port)
    assert done.returncode == 1
    assert "--port 0" in done.stderr
    (tmp_path / "i").chmod(0o755)
    done = run(tmp_path, "--server", scripted_server.url, "--port", "0")
    assert done.returncode == 1
    assert "chmod 700" in done.stderr


@pytest.mark.parametrize(
    ("program", "code"),
    [
        (("sh", "-c", "exit 7"), 7),
        (("sh", "-c", "kill -KILL $$"), 137),
        (("no-such-program",), 127),
        (("/etc/passwd",), 126),
    ],
)
def test_the_exit_code_is_the_programs(
    program: tuple[str, ...], code: int, scripted_server: LiveServer, tmp_path: Path
) -> None:
    done = run(tmp_path, "--server", scripted_server.url, "--", *program)
    assert done.returncode == code
    assert done.stdout == ""
    if code in {126, 127}:
        assert program[0] in done.stderr


PROGRAM = """
import os, signal, sys, time
def end(number, frame):
    print("got", signal.Signals(number).name, flush=True)
    sys.exit(5)
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, end)
print(os.environ["https_proxy"], os.environ["WEBSOCKET_CLIENT_CA_BUNDLE"], flush=True)
time.sleep(60)
"""


@contextmanager
def running(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        line(folder, *arguments),
        env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,  # no terminal that sends Ctrl-C to both
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=20)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_reach_the_program(
    number: signal.Signals, scripted_server: LiveServer, tmp_path: Path
) -> None:
    arguments = ("--server", scripted_server.url, "--", sys.executable, "-c", PROGRAM, "--flag")
    with running(tmp_path, *arguments) as process:
        assert process.stdout is not None
        proxy, trusted = process.stdout.readline().split()
        assert proxy.startswith("http://127.0.0.1:")
        assert trusted == str(tmp_path / "i" / "ca.pem")
        process.send_signal(number)
        out, _ = process.communicate(timeout=20)
    assert (out, process.returncode) == (f"got {number.name}\n", 5)


def test_with_pass_others_the_sdk_trusts_the_whole_bundle(
    scripted_server: LiveServer, tmp_path: Path
) -> None:
    show = ("sh", "-c", "echo $WEBSOCKET_CLIENT_CA_BUNDLE")
    done = run(tmp_path, "--server", scripted_server.url, "--pass-others", "--", *show)
    bundle = tmp_path / "i" / "bundle.pem"
    ca = tmp_path / "i" / "ca.pem"
    assert done.stdout.strip() == str(bundle if bundle.exists() else ca)
    if bundle.exists():
        assert ca.read_bytes() in bundle.read_bytes()


def test_without_the_package_it_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['cryptography'] = None\n"
        "from dragoman.cli.main import app; app(['intercept'], prog_name='dragoman')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "pip install 'dragoman[intercept]'" in done.stderr
    assert "Traceback" not in done.stderr
