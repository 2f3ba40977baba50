"""The pages tell the truth: blocks run, links resolve, options are documented, tables are fresh."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import wave
from pathlib import Path

import pytest

from dragoman.cli.main import COMMANDS
from dragoman.testing.live_server import LiveServer, environment
from tests.conformance.sounds import turns
from tests.scripts.load import script

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    page
    for page in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md"))
)
BLOCK = re.compile(r"^```(bash|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
README_BLOCKS = BLOCK.findall((ROOT / "README.md").read_text("utf-8"))
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def test_the_readme_has_its_blocks():
    assert [kind for kind, _ in README_BLOCKS] == ["bash", "python", "python", "bash"]


@pytest.mark.parametrize("number", range(len(README_BLOCKS)))
def test_a_block_of_the_readme_runs(number: int, scripted_server: LiveServer, tmp_path: Path):
    kind, text = README_BLOCKS[number]
    (tmp_path / "speech.pcm").write_bytes(turns(2000))
    text = text.replace("127.0.0.1:8000", f"127.0.0.1:{scripted_server.port}")
    env = environment(url=scripted_server.url)
    env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"
    command = ["bash", "-ec", text] if kind == "bash" else [sys.executable, "-c", text]
    if text.startswith("curl"):
        address = text.split()[-1]
        fetch = f"import urllib.request; print(urllib.request.urlopen({address!r}).read().decode())"
        command = [sys.executable, "-c", fetch]  # curl is not part of what we ask for
    done = subprocess.run(
        command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=90, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    sound = list(tmp_path.glob("*.wav"))
    assert sound or done.stdout.strip(), "a block shows something"
    for path in sound:
        with wave.open(str(path)) as found:
            assert any(found.readframes(found.getnframes())), f"{path.name} is silent"


def anchors(page: Path) -> set[str]:
    """The headings of a page, as links name them."""
    heads = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_resolve(page: Path):
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    for target in LINK.findall(text):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        to = (page.parent / path).resolve() if path else page
        assert to.exists(), f"{page.name} links to {target}"
        if anchor:
            assert anchor in anchors(to), f"{page.name} links to {target}"


def test_the_state_tables_are_fresh():
    states = script("draw_states")
    for path, parts in states.PAGES.items():
        page = path.read_text("utf-8")
        assert states.redrawn(page, parts()) == page, "run scripts/draw_states.py"
        assert "input_audio_buffer.speech_started" in page


def test_the_page_of_commands_is_fresh():
    commands = script("draw_commands")
    page = commands.PAGE.read_text("utf-8")
    assert commands.drawn() == page, "run scripts/draw_commands.py"
    for name in COMMANDS:
        assert f"## dragoman {name}" in page
    assert "--engines" in page


def test_contributing_is_short():
    assert len((ROOT / "CONTRIBUTING.md").read_text("utf-8").splitlines()) <= 150


@pytest.mark.parametrize(
    "page", sorted((ROOT / "docs/decisions").glob("*.md")), ids=lambda p: p.stem
)
def test_decisions_fit_on_a_page(page: Path):
    text = page.read_text("utf-8")
    assert len(text.splitlines()) <= 60
    for part in ("**Question.**", "**Decision.**", "**Consequences.**"):
        assert part in text
