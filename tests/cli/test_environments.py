"""``dragoman engines install``, ``list`` and ``remove``: a real venv filled by its own pip, from
wheels that the test writes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dragoman.cli import environments as command
from dragoman.cli import new_environment as new
from dragoman.cli.engines import engines
from dragoman.cli.probe import in_environments
from dragoman.engines.environments import all_environments
from tests.cli.run_command import run
from tests.engines.environments_here import wheel, wheels_of_what_workers_need

pytestmark = pytest.mark.live

EXAMPLE = Path(__file__).parents[2] / "examples/dragoman-engine-reverse/src/dragoman_engine_reverse"
NAME = "dragoman_engine_reverse"


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for ``--find-links``: what workers need, the example, one without engines, and one
    that wants what is nowhere.
    """
    folder = tmp_path_factory.mktemp("wheels")
    wheels_of_what_workers_need(folder)
    code = {f"{NAME}/__init__.py": (EXAMPLE / "__init__.py").read_text("utf-8")}
    wheel(folder, NAME, "0.1.0", code, needs=("dragoman",), reverse=f"{NAME}:Reverse")
    wheel(folder, "no_engine", "1.0", {"no_engine.py": ""})
    wheel(folder, "too_new", "1.0", {}, needs=("dragoman>=99",))
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, wheels: Path) -> Path:
    """A folder of environments in which the example was installed by the command."""
    folder = tmp_path_factory.mktemp("environments")
    options = ("--find-links", str(wheels), "--name", "mirror", "--yes")
    done = run("engines", "install", NAME.replace("_", "-"), *options, environments=folder)
    assert done.returncode == 0, done.stderr
    assert "mt=reverse  Reverses every word" in done.stdout
    assert "numpy" in done.stdout
    assert "Successfully installed" in done.stdout, "pip shows what it does"
    return folder


def told(*words: str) -> tuple[int, str, str]:
    """How a command ends in this process, and what it says."""
    done = CliRunner().invoke(engines, words)
    return done.exit_code, done.stdout, done.stderr


@pytest.fixture(autouse=True)
def _there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRAGOMAN_ENVIRONMENTS", str(tmp_path))


def test_the_lists_show_it_and_run_nothing_of_it(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRAGOMAN_ENVIRONMENTS", str(home))
    [one] = json.loads(told("list", "--json")[1])
    assert one["name"] == "mirror"
    assert one["engines"] == ["reverse"]
    assert one["python_version"] == ".".join(map(str, sys.version_info[:3]))
    assert "wrong" not in one
    package = next((home / "mirror").glob(f"lib/*/site-packages/{NAME}/__init__.py"))
    text = package.read_text()
    package.write_text("raise SystemExit('it was run')")
    try:
        [found] = in_environments()
    finally:
        package.write_text(text)
    assert found.available
    assert (found.spec, found.environment) == ("reverse", "mirror")
    assert found.info is not None
    assert found.info.role == "mt"


def test_pip_brought_nothing_of_a_server(home: Path) -> None:
    site = next((home / "mirror").glob("lib/*/site-packages"))
    assert (site / "dragoman").is_symlink()
    names = {path.name.partition("-")[0] for path in site.glob("*.dist-info")}
    assert names == {"av", "msgspec", "numpy", "dragoman", NAME, "pip", "setuptools"}


def test_doctor_shows_it(home: Path) -> None:
    done = run("doctor", "--json", engines="scripted,mt=reverse", environments=home, port=0)
    checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert checks["environment mirror"]["state"] == "ok"
    assert "used; reverse; Python 3." in checks["environment mirror"]["detail"]
    assert checks["engine reverse (mt)"]["state"] == "ok"


def test_what_fails_leaves_the_old_one(
    home: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRAGOMAN_ENVIRONMENTS", str(home))
    options = ("--name", "mirror", "--find-links", str(wheels), "--yes")
    code, _, why = told("install", "no-engine", *options)
    assert code == 1
    assert "no-engine registers no engine for Dragoman" in why
    assert [one.name for one in all_environments()] == ["mirror"]
    all_environments()[0].check()
    assert sorted(path.name for path in home.iterdir()) == [".mirror.lock", "mirror"]


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ("not-there-at-all", "there is no such package, or none for this Python and machine"),
        ("too-new", "the packages contradict each other"),
    ],
)
def test_what_pip_refuses_is_told_in_plain_words(
    home: Path, wheels: Path, what: str, sentence: str
) -> None:
    with pytest.raises(new.InstallFailed, match=sentence):
        new.fill(home / "mirror", [what], find_links=str(wheels))


def test_without_consent_nothing_is_made(tmp_path: Path) -> None:
    assert "give --yes to install" in told("install", "piper")[2]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("x", "--name", "../x"), "is no name for an environment"),
        (("x", "--python", "/bin/false"), "/bin/false is no Python that runs here"),
        (("./not-there.whl",), "there is no file ./not-there.whl"),
        (("--", "--no-such-option"), "is neither an engine nor a package"),
    ],
)
def test_wrong_words_are_refused_in_a_sentence(
    tmp_path: Path, words: tuple[str, ...], sentence: str
) -> None:
    code, _, why = told("install", "--yes", *words)
    assert code == 1
    assert sentence in why
    assert list(tmp_path.iterdir()) == []


def test_an_engine_of_ours_comes_with_the_packages_of_its_extra() -> None:
    wanted = command._wanted("sherpa-tts")  # pip would download them
    assert wanted.engines == ("sherpa-asr", "sherpa-offline-asr", "sherpa-tts")
    names = [new.name_of(package) for package in wanted.packages]
    assert {"av", "msgspec", "numpy", "rapidfuzz", "sherpa-onnx"} <= set(names)
    assert "uvicorn" not in names


def test_the_address_of_an_index_is_in_no_file_and_no_list_of_processes(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(new, "_run", lambda *words: asked.append(words))
    new.fill(home / "mirror", ["x"], index="https://user:secret@index/simple")
    [(words, variables)] = asked
    assert "secret" not in str(words)
    assert variables == {"PIP_INDEX_URL": "https://user:secret@index/simple"}


def test_remove_deletes_environments_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home" / "notes").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "pyvenv.cfg").touch()
    (tmp_path / "home" / "link").symlink_to(tmp_path / "outside")
    (tmp_path / "home" / "old").mkdir()
    (tmp_path / "home" / "old" / "pyvenv.cfg").touch()
    monkeypatch.setenv("DRAGOMAN_ENVIRONMENTS", str(tmp_path / "home"))
    for name in ("notes", "link", "../outside", "nothing"):
        assert told("remove", name)[0] == 1, name
    assert told("remove", "old")[0] == 0
    assert sorted(path.name for path in (tmp_path / "home").iterdir()) == ["link", "notes"]
    assert (tmp_path / "outside" / "pyvenv.cfg").exists()
