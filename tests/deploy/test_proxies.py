"""Sessions through a real nginx and a real HAProxy, with the files of ``deploy/``."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from dragoman.testing import LiveServer, serve
from tests.conformance.clients.connection import connected, sound
from tests.conformance.speeches import SHORT_TEXT

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"


def found(program: str) -> str | None:
    """Where the program is: unpacked by the set-up, or installed."""
    unpacked = ROOT / ".venvs" / program / "usr" / "sbin" / program
    places = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin"))
    return str(unpacked) if unpacked.exists() else shutil.which(program, path=places)


NGINX, HAPROXY = found("nginx"), found("haproxy")

pytestmark = pytest.mark.live


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def running(command: list[str], port: int, log: Path) -> Iterator[str]:
    """A proxy on this port; the address of the API behind it."""
    beside = os.pathsep.join(map(str, Path(command[0]).parents[1].glob("lib/*-linux-gnu")))
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, env=os.environ | {"LD_LIBRARY_PATH": beside}
        )
    try:
        deadline = time.monotonic() + 20
        while True:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.02)
        yield f"ws://127.0.0.1:{port}/api-ws/v1/realtime"
    finally:
        process.terminate()  # nginx ends its own workers then
        process.wait(20)


def nginx(folder: Path, *servers: LiveServer) -> contextlib.AbstractContextManager[str]:
    port = free_port()
    text = (DEPLOY / "nginx.conf").read_text()
    text = text.replace("listen 8080;", f"listen 127.0.0.1:{port};")
    text = text.replace("127.0.0.1:8000", f"127.0.0.1:{servers[0].port}")
    text = text.replace("worker_processes auto;", "worker_processes 1; daemon off; pid nginx.pid;")
    (folder / "nginx.conf").write_text(text)
    command = [str(NGINX), "-p", str(folder), "-c", "nginx.conf", "-e", str(folder / "log")]
    temporary = "".join(
        f" {name}_temp_path {folder}/{name};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        text.replace("http {", f"http {{ access_log off;{temporary}", 1)
    )
    return running(command, port, folder / "output")


def haproxy(folder: Path, *servers: LiveServer) -> contextlib.AbstractContextManager[str]:
    port = free_port()
    text = (DEPLOY / "haproxy.cfg").read_text()
    text = text.replace("bind :8080", f"bind 127.0.0.1:{port}").replace("inter 1s", "inter 100ms")
    for name, example, server in zip(("one", "two"), (8000, 8001), servers, strict=False):
        line = f"server {name} 127.0.0.1:{example} check"
        assert line in text
        text = text.replace(f"# {line}", line)
        text = text.replace(line, f"server {name} 127.0.0.1:{server.port} check")
    (folder / "haproxy.cfg").write_text(text)
    return running(
        [str(HAPROXY), "-db", "-f", str(folder / "haproxy.cfg")], port, folder / "output"
    )


async def speaks(url: str) -> None:
    async with connected(url) as socket:
        await socket.until("session.created")
        await socket.append(SHORT_TEXT)
        assert sound(await socket.finish())


async def refused(url: str) -> int:
    with pytest.raises(InvalidStatus) as refusal:
        async with connected(url):
            pass
    return refusal.value.response.status_code


@pytest.mark.parametrize(
    "proxy",
    [
        pytest.param(nginx, marks=pytest.mark.skipif(not NGINX, reason="nginx is not installed")),
        pytest.param(
            haproxy, marks=pytest.mark.skipif(not HAPROXY, reason="haproxy is not installed")
        ),
    ],
)
def test_a_session_and_a_refusal_through_a_proxy(
    tmp_path: Path, proxy, scripted_server: LiveServer
) -> None:
    with serve(api_keys="sk-another-key") as locked:
        for server, check in ((scripted_server, speaks), (locked, refused)):
            folder = tmp_path / str(server.port)
            folder.mkdir()
            with proxy(folder, server) as url:
                assert asyncio.run(check(url)) in {None, 401}


@pytest.mark.skipif(not HAPROXY, reason="haproxy is not installed")
def test_a_server_that_drains_behind_haproxy_loses_no_session(
    tmp_path: Path, scripted_server: LiveServer
) -> None:
    with (
        serve(workers=2, drain_s=20) as leaves,
        haproxy(tmp_path, leaves, scripted_server) as url,
    ):

        async def main() -> None:
            async with contextlib.AsyncExitStack() as stack:
                sockets = []
                while not leaves.health()[1]["sessions"]["open"]:
                    socket = await stack.enter_async_context(connected(url))
                    await socket.until("session.created")
                    sockets.append(socket)
                leaves.process.send_signal(signal.SIGTERM)
                while leaves.health()[1]["status"] != "draining":
                    pass
                deadline = time.monotonic() + 20
                while True:  # HAProxy asks ten times a second here
                    assert time.monotonic() < deadline
                    with contextlib.suppress(InvalidStatus):
                        await speaks(url)
                        break
                for socket in sockets:
                    await socket.append(SHORT_TEXT)
                    assert sound(await socket.finish())

        asyncio.run(main())
        assert leaves.process.wait(20) == 0
