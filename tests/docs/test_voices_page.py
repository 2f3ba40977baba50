"""docs/voices.md says what the code does."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from dragoman.engines import registry
from dragoman.engines.espeak.voices import SOUNDS
from dragoman.engines.shared.voice_table import FEMALE, LEVEL_LUFS
from dragoman.protocol.synthesis.voices import VOICES
from tests.scripts.load import script

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "voices.md").read_text(encoding="utf-8")
drawing = script("draw_voices")


def test_the_table_is_fresh_and_has_every_voice() -> None:
    assert drawing.redrawn(PAGE) == PAGE, "run scripts/draw_voices.py"
    rows = {row.split("|")[1].strip(): row for row in PAGE.splitlines() if row.startswith("| ")}
    for name in VOICES:
        assert ("| woman |" in rows[name]) == (name in FEMALE)
    assert "Cantonese |" in rows["Kiki"]
    assert "here Mandarin |" in rows["Dylan"]


def test_the_pitches_on_the_page_fit_the_genders() -> None:
    for name, row in re.findall(r"^\| ([^|]+?) \| (?:woman|man) \|(.*)$", PAGE, re.MULTILINE):
        pitches = [int(cell) for cell in row.split("|")[2:7:2]]
        for pitch in pitches:
            assert (140 < pitch < 340) if name in FEMALE else (75 < pitch < 160), name


def test_the_table_of_voices_on_the_page_is_understood(tmp_path: Path) -> None:
    (block,) = re.findall(r"```toml\n(.*?)```", PAGE, re.S)
    file = tmp_path / "voices.toml"
    file.write_text(block, encoding="utf-8")
    changed = SOUNDS.changed(str(file), ("f2", "m1"))
    for name, entry in tomllib.loads(block).items():
        assert changed.of(name).variant == entry["variant"]
    assert changed.of("Cherry").pitch == 1.1


def test_the_choice_on_the_page_is_understood() -> None:
    (value,) = re.findall(r'--engines "([^"]+)"', PAGE)
    choice = registry.parse_choice(value)
    assert len(choice.tts) == 3
    for role, spec in choice.all():
        assert registry.make(spec, role)
    assert f"{LEVEL_LUFS:.0f} LUFS" in PAGE
