"""Every block of ``docs/clients.md`` runs, as it stands, against a server with scripted engines."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import wave
from pathlib import Path

import pytest

from dragoman.testing.live_server import LiveServer, environment
from tests.client.media_files import make_media

PAGE = (Path(__file__).parents[2] / "docs" / "clients.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(bash|python)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
NAMES = [f"{kind}-{number}" for number, (kind, _) in enumerate(BLOCKS)]


def test_the_page_has_its_blocks() -> None:
    assert [kind for kind, _ in BLOCKS] == ["bash"] * 6 + ["python"] * 3


@pytest.mark.parametrize(("kind", "text"), BLOCKS, ids=NAMES)
def test_every_block_runs(
    kind: str, text: str, scripted_server: LiveServer, tmp_path: Path
) -> None:
    make_media(tmp_path / "talk.mp4", seconds=4.0, size=(64, 48))
    text = text.replace("127.0.0.1:8000", f"127.0.0.1:{scripted_server.port}")
    env = environment(url=scripted_server.url)
    env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"
    command = ["bash", "-ec", text] if kind == "bash" else [sys.executable, "-c", text]
    done = subprocess.run(
        command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=90, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout + done.stderr
    for path in tmp_path.rglob("*.wav"):
        with wave.open(str(path)) as found:
            samples = found.readframes(found.getnframes())
        assert len(samples) > 4000, path.name
        assert any(samples), f"{path.name} is silent"
