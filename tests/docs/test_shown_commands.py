"""Every command that a page shows exists and takes the options that it is given; the engines that
it names exist and take theirs.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from dragoman.cli.main import app
from dragoman.engines import registry
from tests.docs.shown_commands import calls_in, dragoman_commands

ROOT = Path(__file__).resolve().parents[2]
TEXTS = {
    str(page.relative_to(ROOT)): page.read_text("utf-8")
    for page in sorted((ROOT / "README.md", *ROOT.glob("docs/**/*.md")))
}
INCOMPLETE = {"MissingParameter", "NoArgsIsHelpError"}
"""What a command says that a sentence names without all that it needs."""
TABLE = re.compile(r"^```toml\n(\[engines\].*?)^```$", re.MULTILINE | re.DOTALL)


def parsed(words: list[str]) -> dict[str, Any]:
    """What the command line makes of these words; nothing is run."""
    command: Any = typer.main.get_command(app)
    context = command.make_context("dragoman", words)
    while rest := [*getattr(context, "_protected_args", ()), *context.args]:
        name, command, rest = command.resolve_command(context, rest)
        context = command.make_context(name, rest, parent=context)
    found: dict[str, Any] = context.params
    return found


def refusal(words: list[str]) -> str:
    """The kind of error with which the command line refuses these words; empty if it does not."""
    try:
        parsed(words)
    except Exception as error:
        return type(error).__name__
    return ""


def choices(text: str) -> Iterator[str]:
    """Every value for ``--engines`` in a page's commands and configuration."""
    for words in dragoman_commands(text):
        if isinstance(value := parsed(words).get("engines"), str):
            yield value
    yield from re.findall(r'`--engines "([^"…\n]+)"`', text)
    for block in TABLE.findall(text):
        yield registry.choice_text(tomllib.loads(block)["engines"])


@pytest.mark.parametrize("page", [name for name in TEXTS if list(dragoman_commands(TEXTS[name]))])
def test_a_command_on_a_page_is_understood(page: str) -> None:
    for words in dragoman_commands(TEXTS[page]):
        parsed(words)


@pytest.mark.parametrize("page", TEXTS)
def test_a_command_in_the_text_has_its_options(page: str) -> None:
    text = " ".join(re.sub(r"```.*?```", "", TEXTS[page], flags=re.DOTALL).split())
    for line in re.findall(r"`((?:[A-Z_]+=\S+ )*dragoman [^`]+)`", text):
        for words in calls_in(line):
            assert refusal(words) in {"", *INCOMPLETE}, line


def test_the_commands_to_begin_with_are_understood() -> None:
    rows = re.findall(r"^\| [^|`]+ \| `([^`]+)` \|", TEXTS["docs/engines.md"], re.MULTILINE)
    assert len(rows) == 7
    for line in rows:
        assert list(calls_in(line))
        for words in calls_in(line):
            parsed(words)


def test_an_option_that_does_not_exist_is_found() -> None:
    assert refusal(["serve", "--enginez", "scripted"]) == "NoSuchOption"


@pytest.mark.parametrize("page", [name for name in TEXTS if list(choices(TEXTS[name]))])
def test_engines_on_a_page_are_understood(page: str) -> None:
    for value in choices(TEXTS[page]):
        for role, spec in registry.parse_choice(value).all():
            assert spec.startswith("my-") or registry.make(spec, role)
