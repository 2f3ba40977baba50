"""docs/engines/openai-chat.md says what the code does."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from dragoman.engines import registry
from dragoman.engines.openai_chat.engine import OpenAiChat
from dragoman.engines.openai_chat.prompts import find_template, templates

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "engines" / "openai-chat.md").read_text(
    encoding="utf-8"
)
DATA = re.findall(r"```toml\n(.*?)```", PAGE, re.S)


def test_the_configurations_on_the_page_are_understood() -> None:
    texts = re.findall(r'--engines "([^"]+)"', PAGE)
    texts.append(registry.choice_text(tomllib.loads(DATA[0])["engines"]))
    assert len(texts) == 6
    for text in texts:
        first = registry.parse_choice(text).mt[0]
        assert isinstance(registry.make(first, "mt"), OpenAiChat)
        assert registry.parse_spec(first).placement.concurrency


def test_every_option_is_on_the_page_with_its_default() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| `")]
    for option, (_, default) in registry.options(OpenAiChat).items():
        (row,) = (row for row in rows if f"`{option}`" in row.split("|")[1])
        value = f"{default:g}" if isinstance(default, float) else str(default).lower()
        assert default in ("", ()) or re.search(rf"\b{value}\b|`{re.escape(value)}`", row), option


def test_the_templates_on_the_page_are_those_there_are(tmp_path: Path) -> None:
    for name, template in templates().items():
        cells = next(
            [cell.strip() for cell in line.split("|")[1:-1]]
            for line in PAGE.splitlines()
            if line.startswith(f"| `{name}` |")
        )
        assert (cells[2] == "yes") is template.glossary, name
        assert (cells[3] == "yes") is bool(template.background), name
        assert (cells[5] != "no") is template.images, name
    path = tmp_path / "own.toml"
    path.write_text(DATA[1])
    assert find_template(str(path), "").glossary
    path.write_text(DATA[2])
    assert find_template(str(path), "").speech
