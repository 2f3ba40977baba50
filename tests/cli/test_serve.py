"""``dragoman serve``: the flags reach the server."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from dragoman.server.config import Config
from dragoman.testing.live_server import command, environment, serve

pytestmark = pytest.mark.live


def test_stdout_is_exactly_the_line_with_the_url(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*command(), "serve", "--engines", "scripted", "--port", "0", "--log-level", "error"],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    process.terminate()
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert line.startswith("Dragoman ")
    assert line.split()[-1].startswith("ws://127.0.0.1:")
    assert "\x1b" not in line  # plain where nobody looks
    assert (out, err) == ("", "")


def test_a_file_of_keys_by_flag(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text("sk-a\nsk-b\n")
    process = subprocess.Popen(
        [*command(), "serve", "--engines", "scripted", "--port", "0",
         "--api-keys-file", str(keys), "--drain-s", "0"],
        env=environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        with pytest.raises(InvalidStatus) as refused:
            connect(url)
        assert refused.value.response.status_code == 401
        with connect(url, additional_headers={"Authorization": "bearer sk-b"}) as ws:
            assert json.loads(ws.recv(20))["type"] == "session.created"
    finally:
        process.terminate()
        process.communicate(timeout=30)


def test_aliases_and_limits_reach_sessions() -> None:
    with (
        serve(aliases={"my-voice": "qwen3-tts-flash-realtime"}, limits={"idle_s": 0.3}) as live,
        connect(live.url + "?model=my-voice") as ws,
    ):
        created = json.loads(ws.recv(20))
        assert created["session"]["model"] == "my-voice"
        assert created["session"]["voice"]  # a synthesis session, not the one of unknown models
        error = json.loads(ws.recv(20))["error"]
        assert (error["type"], error["code"]) == ("server_error", "response_idle_timeout")
        with pytest.raises(ConnectionClosed) as closed:
            ws.recv(20)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1007


def test_the_log_says_which_file_was_read(tmp_path: Path) -> None:
    file = tmp_path / "dragoman.toml"
    file.write_text('profile = ["cloud"]\n')
    with serve(config=file) as live:
        live.stop()
        assert f"settings: file {file}" in live.log()


def test_every_setting_but_keys_has_a_flag() -> None:
    text = subprocess.run(
        [*command(), "serve", "--help"],
        env=environment(), capture_output=True, text=True, timeout=60, check=True,
    ).stdout  # fmt: skip
    named = {"allowed_origins": "--allow-origin", "aliases": "--alias", "limits": "--limit",
             "api_keys": "--api-keys-file", "allowed_hosts": "--allow-host"}  # fmt: skip
    for field in Config.__struct_fields__:
        assert named.get(field, "--" + field.replace("_", "-")) in text
    assert "--api-key " not in text
