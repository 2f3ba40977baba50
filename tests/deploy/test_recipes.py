"""The recipes in ``deploy/`` name paths, flags, settings and routes that exist."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import typer
import yaml

from dragoman.cli.main import app
from dragoman.server.config import Config, load
from tests.scripts.load import ROOT

DEPLOY = ROOT / "deploy"
INSTALLED = "/opt/dragoman/"
PAGE = (ROOT / "docs" / "deploying.md").read_text("utf-8")
SERVICE = (DEPLOY / "dragoman.service").read_text("utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile: instruction and the rest, continued lines joined."""
    text = re.sub(r"\\\n\s*", "", (DEPLOY / "Dockerfile").read_text("utf-8"))
    lines = (line.partition(" ") for line in text.splitlines() if line and line[0] != "#")
    return [(word, rest) for word, _, rest in lines]


def only(name: str) -> str:
    (found,) = [rest for word, rest in instructions() if word == name]
    return found


def directive(name: str) -> str:
    (found,) = re.findall(rf"^{name}=(.*)$", SERVICE, re.MULTILINE)
    return str(found)


def settings() -> Config:
    return load({}, {}, DEPLOY / "dragoman.toml").config


def parsed(arguments: list[str]) -> None:
    """Raise where the command line has no such command or flag."""
    group: Any = typer.main.get_command(app)
    context = group.make_context("dragoman", list(arguments), resilient_parsing=True)
    command, rest = group, list(arguments)
    while hasattr(command, "get_command"):
        name, *rest = rest
        command = command.get_command(context, name)
        assert command is not None, f"there is no command {name}"
    known = {flag for parameter in command.params for flag in parameter.opts}
    assert {word for word in rest if word.startswith("--")} <= known


def commands() -> list[list[str]]:
    """Every use of the command ``dragoman`` in the recipes and on their page."""
    service, image = shlex.split(directive("ExecStart")), json.loads(only("CMD"))
    page = re.findall(r"(?:bin/dragoman|--rm dragoman) (.*)", PAGE)
    comments = re.findall(r"--rm dragoman (.*)", (DEPLOY / "compose.yaml").read_text("utf-8"))
    return [service[1:], image, *(shlex.split(line) for line in [*page, *comments])]


def test_the_settings_can_be_used_and_ask_for_keys() -> None:
    config = settings()
    assert config.asks_for_keys
    assert Path(config.api_keys_file).parent == Path(config.state_dir)


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_commands_and_flags_exist(words: list[str]) -> None:
    parsed(words)


def test_paths_in_the_checkout_exist() -> None:
    texts = [PAGE, SERVICE, *(rest for _, rest in instructions())]
    named = {path for text in texts for path in re.findall(rf"{INSTALLED}([\w./-]+\w)", text)}
    assert {"scripts/setup.py", ".venv/bin/dragoman", "deploy/dragoman.service"} <= named
    for path in named:
        assert (ROOT / path).exists(), path
    for path in re.findall(r"`(deploy/[\w./-]+)`", PAGE):
        assert (ROOT / path).exists(), path


def test_the_unit_gives_the_drain_its_time_and_does_not_retry_bad_settings() -> None:
    assert float(directive("TimeoutStopSec")) > settings().drain_s
    assert directive("RestartPreventExitStatus") == "2"
    folder = PurePosixPath("/var/lib") / directive("StateDirectory")
    assert settings().state_dir == str(folder)


@pytest.mark.live
def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        return  # the other tests of this file do without it
    # Neither the installed program nor the user is on this machine.
    text = SERVICE.replace(INSTALLED, f"{ROOT}/")
    unit = tmp_path / "dragoman.service"
    unit.write_text(re.sub(r"^(User|Group)=.*\n", "", text, flags=re.MULTILINE))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", unit],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_the_image_checks_a_route_and_a_port_that_the_server_has() -> None:
    port = settings().port
    assert only("EXPOSE") == str(port)
    assert f"http://127.0.0.1:{port}/health" in only("HEALTHCHECK")
    assert '"/health"' in (ROOT / "src/dragoman/server/app.py").read_text("utf-8")
    assert only("USER") in only("VOLUME")


def test_the_image_leaves_out_nothing_but_what_git_leaves_out() -> None:
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").split()
    untracked = {line.strip("/") for line in (ROOT / ".gitignore").read_text("utf-8").split()}
    assert {name.removeprefix("**/") for name in ignored} - {".git"} <= untracked


def test_compose_builds_this_checkout_and_mounts_what_is_there() -> None:
    (service,) = COMPOSE["services"].values()
    context = (DEPLOY / service["build"]["context"]).resolve()
    assert context == ROOT
    assert (context / service["build"]["dockerfile"]).exists()
    mounts = dict(volume.split(":")[:2] for volume in service["volumes"])
    assert (DEPLOY / "dragoman.toml").samefile(DEPLOY / next(iter(mounts)))
    assert mounts["./dragoman.toml"] in json.loads(only("CMD"))
    assert mounts["state"] == settings().state_dir == only("VOLUME")
    assert "state" in COMPOSE["volumes"]
    assert float(service["stop_grace_period"].removesuffix("s")) > settings().drain_s
    assert service["ports"] == [f"127.0.0.1:{settings().port}:{settings().port}"]
