"""``dragoman intercept`` with the unmodified SDK in three versions, and no URL in the program."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dragoman.testing.live_server import LiveServer, command, environment
from tests.conformance.run_sdk import NEWEST, PROGRAMS, interpreter
from tests.conformance.sounds import turns

PROGRAM = str(PROGRAMS / "unedited.py")
WAYS = ("_proxy", "_ca_bundle", "ssl_cert_file", "ssl_cert_dir", "node_extra_ca_certs")


def clean() -> dict[str, str]:
    """This environment without proxies and lists of certificates."""
    return {k: v for k, v in environment().items() if not k.lower().endswith(WAYS)}


@pytest.fixture(scope="module")
def two_variables(
    scripted_server: LiveServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """A running ``dragoman intercept``, and the variables it prints, taken from its output."""
    folder = tmp_path_factory.mktemp("data") / "intercept"
    process = subprocess.Popen(
        [*command(), "intercept", "--port", "0", "--server", scripted_server.url,
         "--dir", str(folder)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean(),
    )  # fmt: skip
    assert process.stdout is not None
    assert scripted_server.url.partition("/api-ws")[0] in process.stdout.readline()
    pairs = (shlex.split(process.stdout.readline())[1].split("=", 1) for _ in range(2))
    try:
        yield dict(pairs)
    finally:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (0, "")
    assert "aliyuncs.com goes to" in err
    assert "sk-not-for-logs" not in err + scripted_server.log()


def run(command_line: list[str], env: dict[str, str], pcm: bytes = b"") -> dict[str, Any]:
    done = subprocess.run(
        command_line, env=env, input=pcm, capture_output=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr.decode()[-4000:]
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_two_variables_are_all_it_takes(two_variables: dict[str, str]) -> None:
    assert set(two_variables) == {"https_proxy", "WEBSOCKET_CLIENT_CA_BUNDLE"}
    env = clean() | two_variables
    result = run([interpreter(NEWEST), PROGRAM, "speak", "interpret"], env, turns(2000))
    assert result["speak"]["last"] == result["interpret"]["last"] == "session.finished"
    assert result["speak"]["speech"] > 20_000
    assert result["interpret"]["speech"] > 5_000
    assert result["interpret"]["texts"]


def test_a_host_of_a_workspace_by_the_object_api(two_variables: dict[str, str]) -> None:
    result = run([interpreter(NEWEST), PROGRAM, "converse"], clean() | two_variables, turns(2000))
    assert result["converse"]["last"] == "session.finished"
    assert result["converse"]["speech"] > 5_000
    assert result["converse"]["texts"]


@pytest.mark.parametrize(
    ("version", "sessions"), [("1.23.9", ("speak",)), ("1.25.11", ("speak", "interpret"))]
)
def test_older_versions_too(
    version: str, sessions: tuple[str, ...], two_variables: dict[str, str]
) -> None:
    line = [interpreter(version), PROGRAM, *sessions]
    result = run(line, clean() | two_variables, turns(2000))
    for session in sessions:
        assert result[session]["last"] == "session.finished"
        assert result[session]["speech"] > 5_000


def test_run_by_intercept_itself_against_no_proxy(
    scripted_server: LiveServer, tmp_path: Path
) -> None:
    line = [*command(), "intercept", "--server", scripted_server.url, "--dir", str(tmp_path / "i"),
            "--", interpreter(NEWEST), PROGRAM, "speak"]  # fmt: skip
    env = clean() | {"no_proxy": "intranet.example,.aliyuncs.com", "PATH": os.environ["PATH"]}
    result = run(line, env)
    assert result["speak"]["last"] == "session.finished"
