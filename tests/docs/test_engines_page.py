"""docs/engines.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from dragoman.engines import registry
from dragoman.engines.shared.model_catalogue import MODELS
from dragoman.engines.whisper.languages import USUAL
from dragoman.runtime.hosts.make_host import PLACES
from tests.docs.page_tables import cells_of

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "engines.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    """The text below a heading, to the next heading of its kind or above."""
    marks = title.partition(" ")[0]
    return re.split(rf"^#{{1,{len(marks)}}} ", PAGE.split(f"\n{title}\n")[1], flags=re.MULTILINE)[0]


def test_every_engine_of_ours_has_its_row() -> None:
    rows = {cells[0] for cells in cells_of(section("## All engines"))}
    ours = {
        name
        for name in registry.names()
        if registry.factory(name).__module__.startswith("dragoman.")
    }
    assert rows == {f"`{name}`" for name in ours}


def test_the_presets_are_those_there_are() -> None:
    named = re.findall(r"^\| `(\w+)` \|", section("## How to name them"), re.MULTILINE)
    assert set(registry.PRESETS) <= set(named)


def test_the_languages_that_are_recognised_are_those_of_whisper() -> None:
    rows = cells_of(section("## What the embedded engines do, language by language"))
    recognised = [row[0] for row in rows if "tries" not in row[1]]
    names = {name for cell in recognised for name in cell.split(", ")}
    assert len(names) == len(USUAL)
    assert {"English", "Catalan", "Vietnamese"} <= names


def test_the_models_to_pull_are_known() -> None:
    pulled = set(re.findall(r"\b(?:firefox-\w\w-\w\w|whisper-(?:small|base))\b", PAGE))
    assert len(pulled) >= 11
    assert pulled <= set(MODELS)


def test_every_key_of_a_placement_is_on_the_page() -> None:
    for key in registry.Placement.__struct_encode_fields__:
        assert f"| `{key}` |" in PAGE
    row = next(line for line in PAGE.splitlines() if line.startswith("| `host` |"))
    for place in PLACES:
        assert f"`{place}`" in row
