"""Every test has one kind, and a unit test starts no program."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.live

ROOT = Path(__file__).resolve().parents[1]
SUITE = """
import subprocess, sys
import pytest

def start(): subprocess.run([sys.executable, "-c", ""])

def test_plain(): pass
@pytest.mark.live
def test_live(): start()
@pytest.mark.slow
def test_slow(scripted_server): pass
def test_of_a_server(scripted_server): pass
def test_of_engines(embedded_server): pass
"""


def run(folder: Path, suite: str, *options: str) -> tuple[int, str]:
    """Exit code and output of pytest over a suite that has this project's conftest."""
    (folder / "conftest.py").write_text((ROOT / "conftest.py").read_text("utf-8"))
    (folder / "pytest.ini").write_text(
        "[pytest]\naddopts = -q --strict-markers\nmarkers = unit\n  live\n  engine\n  slow\n"
    )
    (folder / "test_suite.py").write_text(suite)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("unit", {"test_plain"}),
        ("live", {"test_live", "test_of_a_server"}),
        ("slow", {"test_slow"}),
        ("engine", {"test_of_engines"}),
    ],
)
def test_a_kind_has_its_tests(kind: str, names: set[str], tmp_path: Path) -> None:
    code, output = run(tmp_path, SUITE, "--collect-only", "-m", kind)
    assert code == 0, output
    assert {line.split("::")[1] for line in output.splitlines() if "::" in line} == names


def test_two_kinds_are_refused(tmp_path: Path) -> None:
    suite = SUITE + "@pytest.mark.slow\n@pytest.mark.engine\ndef test_both(): pass\n"
    code, output = run(tmp_path, suite, "-m", "unit")
    assert code == pytest.ExitCode.USAGE_ERROR
    assert "test_both: marked as engine and slow" in output


def test_a_unit_test_that_starts_a_program_fails(tmp_path: Path) -> None:
    suite = SUITE + "def test_wrong(): start()\n"
    code, output = run(tmp_path, suite, "-k", "test_plain or test_live or test_wrong")
    assert code == pytest.ExitCode.TESTS_FAILED
    assert "a unit test starts a program" in output
    assert "1 failed, 2 passed" in output
