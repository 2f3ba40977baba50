"""The command line: commands, help, and no heavy imports."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoints

import pytest
from typer.testing import CliRunner

from dragoman import __version__
from dragoman.cli import main
from dragoman.cli.main import COMMANDS
from tests.cli.run_command import run

pytestmark = pytest.mark.live


def test_help_lists_every_command_with_a_line_about_it() -> None:
    done = run("--help")
    assert done.returncode == 0, done.stderr
    lines = {line.split()[0]: line for line in done.stdout.splitlines() if line.startswith("  ")}
    for name in (*COMMANDS, "version"):
        assert len(lines[name].split()) > 3, f"{name} has no summary"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str) -> None:
    done = run(name, "--help")
    assert done.returncode == 0, done.stderr
    assert f"dragoman {name}" in done.stdout


def test_version() -> None:
    assert run("version").stdout.startswith(f"dragoman {__version__} ")


def test_an_unknown_command_is_an_error() -> None:
    done = run("nonsense")
    assert done.returncode == 2
    assert "nonsense" in done.stderr


@pytest.mark.parametrize("name", ["bench", "replay"])
def test_a_command_of_a_package_that_is_not_installed_says_how_to_get_it(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(main, "entry_points", lambda **_: EntryPoints())
    done = CliRunner().invoke(main.app, [name, "--quick"])
    assert done.exit_code == 2
    assert f"`dragoman {name}` comes with the package dragoman-bench" in done.output
    assert "pip install dragoman-bench" in done.output


def test_serve_does_not_import_what_others_need() -> None:
    """Start-up time is a promise: heavy packages come in with the engines that use them."""
    code = (
        "import sys, dragoman.cli.main, dragoman.cli.serve, dragoman.server.serve, "
        "dragoman.server.realtime_endpoint\n"
        "print(*sorted({'av', 'onnxruntime', 'rich', 'dashscope', 'espeakng_loader', "
        "'moonshine_voice', 'pydantic'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == ""
