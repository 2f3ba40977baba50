"""Every block of ``docs/testing.md`` is a test file that passes where Dragoman is installed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.live

PAGE = (Path(__file__).parents[2] / "docs" / "testing.md").read_text("utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def pytest_run(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_block.py").write_text(text)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_the_page_has_its_blocks() -> None:
    assert len(BLOCKS) == 4


@pytest.mark.parametrize("text", BLOCKS, ids=range(len(BLOCKS)))
def test_a_block_passes(text: str, tmp_path: Path) -> None:
    done = pytest_run(tmp_path, text)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed" in done.stdout
    assert "skipped" not in done.stdout


def test_settings_reach_the_server(tmp_path: Path) -> None:
    text = BLOCKS[1].replace('"idle_s": 20', '"idle_s": "soon"')
    done = pytest_run(tmp_path, text)
    assert done.returncode == 1, done.stdout
    assert "the server did not start" in done.stdout
