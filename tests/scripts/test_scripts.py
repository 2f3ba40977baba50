"""The set-up and the checks: what they do when something is missing or wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType

import pytest

from tests.scripts.load import script


class Apt:
    """Takes the place of apt-get: knows some packages, and installs them by making a file."""

    def __init__(self, folder: Path, *known: str) -> None:
        self.folder, self.known = folder, known
        self.calls: list[list[str]] = []

    def __call__(self, prefix: list[str], *words: str) -> int:
        self.calls.append([*prefix, *words])
        names = [word for word in words[1:] if not word.startswith("--")]
        if any(name not in self.known for name in names):
            return 100
        for name in names:
            (self.folder / name).touch()
        return 0


@pytest.fixture
def setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The set-up, working in a folder of its own, as root, with apt."""
    module = script("setup")
    monkeypatch.setattr(module, "GIVEN_UP", tmp_path / "given-up")
    monkeypatch.setattr(module, "root_prefix", list)
    monkeypatch.setattr(module.shutil, "which", lambda name: f"/usr/bin/{name}")
    return module


def packages(setup: ModuleType, folder: Path, *names: str) -> Sequence[object]:
    """Packages that are there once a file of their name is."""
    return [setup.SystemPackage(name, "is wanted", (folder / name).exists) for name in names]


def test_nothing_missing_means_no_apt(
    setup: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    apt = Apt(tmp_path, "a")
    monkeypatch.setattr(setup, "apt", apt)
    (tmp_path / "a").touch()
    assert setup.install_system(packages(setup, tmp_path, "a")) == set()
    assert apt.calls == []


def test_what_is_missing_is_installed_and_told(
    setup: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    apt = Apt(tmp_path, "a", "b")
    monkeypatch.setattr(setup, "apt", apt)
    (tmp_path / "a").touch()
    assert setup.install_system(packages(setup, tmp_path, "a", "b")) == set()
    assert apt.calls == [["update"], ["install", "--no-install-recommends", "b"]]
    assert "b (is wanted)" in capsys.readouterr().out


def test_one_unknown_package_does_not_stop_the_others(
    setup: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    apt = Apt(tmp_path, "a")
    monkeypatch.setattr(setup, "apt", apt)
    wanted = packages(setup, tmp_path, "a", "b")
    assert setup.install_system(wanted) == {"b"}
    assert (tmp_path / "a").exists()
    setup.GIVEN_UP.write_text("b\n")
    apt.calls.clear()
    assert setup.install_system(wanted) == {"b"}
    assert apt.calls == [], "what apt did not have is not asked for again and again"


def test_without_root_it_says_so_and_goes_on(
    setup: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.setattr(setup, "root_prefix", lambda: None)
    apt = Apt(tmp_path, "a")
    monkeypatch.setattr(setup, "apt", apt)
    assert setup.install_system(packages(setup, tmp_path, "a")) == set()
    assert apt.calls == []
    printed = capsys.readouterr().out
    assert "no root or sudo here; going on without: a" in printed
    assert "apt-get install --no-install-recommends a" in printed, "what to do later"


@pytest.mark.parametrize(
    ("uid", "sudo", "prefix"),
    [(0, None, []), (0, "/usr/bin/sudo", []), (1000, None, None),
     (1000, "/usr/bin/sudo", ["/usr/bin/sudo", "-n"])],
)  # fmt: skip
def test_sudo_only_when_not_root(
    uid: int, sudo: str | None, prefix: list[str] | None, monkeypatch: pytest.MonkeyPatch
):
    module = script("setup")
    monkeypatch.setattr(module.os, "geteuid", lambda: uid)
    monkeypatch.setattr(module.shutil, "which", lambda name: sudo)
    monkeypatch.setattr(module.sys.stdin, "isatty", lambda: False, raising=False)
    assert module.root_prefix() == prefix


def test_an_environment_is_current_until_its_inputs_change(tmp_path: Path):
    module = script("setup")
    lock = tmp_path / "lock"
    lock.write_text("a==1\n")
    env = tmp_path / "env"
    (env / "bin").mkdir(parents=True)
    (env / "bin" / "python").touch()
    (env / ".stamp").write_text(module.stamp_of(lock))
    assert module.is_current(env, module.stamp_of(lock))
    lock.write_text("a==2\n")
    assert not module.is_current(env, module.stamp_of(lock))


class Pip:
    """Takes the place of pip: does not know one package."""

    def __init__(self, unknown: str) -> None:
        self.unknown = unknown
        self.installed: list[str] = []

    def __call__(self, packages: Mapping[str, str], *_more: str) -> bool:
        if self.unknown in packages:
            return False
        self.installed += packages
        return True


LOCK = "".join(f"{name}==1 \\\n    --hash=sha256:{name}\n" for name in ("a", "gone", "c"))


@pytest.fixture
def checkout(setup: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a lock file and an environment."""
    monkeypatch.setattr(setup, "ROOT", tmp_path)
    monkeypatch.setattr(setup, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(setup, "SPARED_PACKAGES", {"some": ("models", ("a", "gone"))})
    (tmp_path / ".venv").mkdir()
    (tmp_path / "requirements.lock").write_text(LOCK)
    return tmp_path


def test_a_spared_package_that_is_gone_is_told_and_the_others_are_installed(
    setup: ModuleType,
    checkout: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.setattr(setup, "install_locked", pip := Pip("gone"))
    setup.make_spared("some")
    assert pip.installed == ["a"]
    assert "going on without gone (models)" in capsys.readouterr().out
    pip.unknown = ""
    setup.make_spared("some")  # tried again
    assert pip.installed == ["a", "a", "gone"]
    setup.make_spared("some")  # nothing to do
    assert pip.installed == ["a", "a", "gone"]


def test_what_is_asked_of_pip_has_versions_and_hashes(
    setup: ModuleType, checkout: Path, monkeypatch: pytest.MonkeyPatch
):
    asked: list[str] = []

    def run(command: Sequence[str | Path], *, quiet: bool = False) -> int:
        asked.append(Path(command[-1]).read_text())
        assert "--require-hashes" in command
        return 0

    monkeypatch.setattr(setup, "run", run)
    setup.make_spared("some")
    assert asked == [LOCK.partition("c==")[0]]


def test_every_version_of_a_locked_package_is_asked_of_pip(setup: ModuleType, tmp_path: Path):
    lock = tmp_path / "requirements.lock"
    old = "a==1 ; python_full_version < '3.12' \\\n    --hash=sha256:1\n"
    new = "a==2 ; python_full_version >= '3.12' \\\n    --hash=sha256:2\n"
    lock.write_text(f"# a comment\n{old}{new}b==1 \\\n    --hash=sha256:3\n")
    assert setup.entries(lock) == {"a": old + new, "b": "b==1 \\\n    --hash=sha256:3\n"}


def test_spared_packages_are_locked():
    setup = script("setup")
    locked = set(setup.entries(setup.ROOT / "requirements.lock"))
    for _, names in setup.SPARED_PACKAGES.values():
        assert set(names) <= locked


def test_the_licence_list():
    is_allowed: Callable[[str], bool] = script("check_licences").is_allowed
    assert is_allowed("BSD-3-Clause AND MIT")
    assert is_allowed("License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)")
    assert not is_allowed("GPL-3.0-or-later")
    assert not is_allowed("MIT AND AGPL-3.0")
    assert not is_allowed("Proprietary, with permITted use")
    assert not is_allowed("")


def test_index_hosts_are_seen():
    pattern = script("check_hosts").INDEX
    for bad in ("--index-url https://x/simple", "--extra-index-url=x", "--find-links https://x"):
        assert pattern.search(bad)
    assert not pattern.search("uv pip compile --no-emit-index-url")


def test_a_lock_entry_without_a_hash_is_seen():
    entry = script("check_hosts").ENTRY
    text = "a==1 \\\n    --hash=sha256:00\nb==2\nc==3 \\\n    --hash=sha256:11\n"
    found = {match.group().split("==")[0]: bool(match["hashes"]) for match in entry.finditer(text)}
    assert found == {"a": True, "b": False, "c": True}


def test_sizes_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    module = script("check_sizes")
    monkeypatch.setattr(module, "ROOT", tmp_path)
    file = tmp_path / "a.py"
    file.write_text("def f():\n" + "    x = 1\n" * 70)
    found = {name: (lines, limit) for name, lines, _, limit in module.sizes(file)}
    assert found == {"a.py": (71, 400), "a.py::f": (71, 60)}


def test_a_benchmark_in_the_wheel_of_the_server_is_found() -> None:
    wrong = script("check_wheels").wrong
    ours = ["dragoman/__init__.py", "dragoman/cli/main.py", "dragoman-0.1.0.dist-info/METADATA"]
    assert wrong("dragoman", ours) == []
    assert wrong("dragoman", [*ours, "dragoman_bench/append.py"]) == [
        "dragoman_bench is not part of it"
    ]
    assert wrong("dragoman", [*ours, "dragoman/bench/append.py"]) == [
        "dragoman/bench does not belong in it"
    ]
    assert wrong("dragoman_bench", ours) == [
        "there is no package dragoman_bench in it",
        "dragoman is not part of it",
        "dragoman/cli is not part of it",
    ]


def test_repeated_class_names_are_seen(tmp_path: Path):
    module = script("check_names")
    (tmp_path / "a.py").write_text("class Turn: ...\nclass _Own: ...\nclass A: ...\n")
    (tmp_path / "b.py").write_text("class Turn: ...\nclass _Own: ...\nclass B: ...\n")
    assert module.repeated(tmp_path) == ["class name used twice: Turn in a.py, b.py"]


@pytest.mark.parametrize(
    "line", ["from tests.a.test_it import thing", "from tests.a import test_it, other"]
)
def test_imports_of_test_files_are_seen(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    module = script("check_names")
    monkeypatch.setattr(module, "ROOT", tmp_path)
    folder = tmp_path / "tests" / "a"
    folder.mkdir(parents=True)
    (folder / "test_it.py").write_text("def test_thing(): ...\n")
    (folder / "user.py").write_text("from tests.a.other import test_name\n")
    assert module.imported_tests(tmp_path / "tests") == []
    (folder / "user.py").write_text(line + "\n")
    assert module.imported_tests(tmp_path / "tests") == [
        "imports a test file: tests/a/user.py tests.a.test_it"
    ]
