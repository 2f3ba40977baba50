"""The example package adds an engine through its entry point only."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.live

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "dragoman-engine-reverse"
ROOT = EXAMPLE.parents[1]

USE = """
import sys
from dragoman.engines import registry
from dragoman.engines.base import Translation
assert "dragoman_engine_reverse" not in sys.modules
choice = registry.parse_choice("scripted,mt=reverse?shortest=3")
engine = registry.make(choice.mt[0], "mt")
engine.load()
print(engine.translate(Translation("Good morning to you!", "en", "xx")))
print("reverse" in registry.names(), registry.options(registry.factory("reverse")))
"""
CONTRACT = """
import functools
from dragoman.engines import registry
from tests.engines.contract import Case, laws
case = Case(functools.partial(registry.make, "reverse"), target="xx")
for law in laws("mt"):
    law(case)
print(len(laws("mt")))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, installed into a folder of its own, from a copy of its source."""
    target = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    command += ["--no-build-isolation", "--disable-pip-version-check", "--no-cache-dir"]
    found = subprocess.run(
        [*command, "--target", str(target), str(EXAMPLE)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    return target


def run(code: str, *path: Path) -> str:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))}
    found = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        cwd=ROOT,
    )
    assert found.returncode == 0, found.stderr
    return found.stdout


def test_the_example_is_found_made_with_options_and_used(installed: Path) -> None:
    lines = run(USE, installed).splitlines()
    assert lines[0] == "Doog gninrom to uoy!"
    assert lines[1].startswith("True {'shortest'")


def test_the_example_keeps_the_contract(installed: Path) -> None:
    assert int(run(CONTRACT, installed, ROOT)) >= 5


def test_without_it_the_name_is_unknown() -> None:
    code = "from dragoman.engines import registry; registry.make('reverse')"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert "There is no engine 'reverse'" in found.stderr
