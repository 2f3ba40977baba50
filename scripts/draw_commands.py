"""Draw docs/commands.md from the command line itself. ``--check`` only compares."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import typer

from dragoman.cli.main import app

PAGE = Path(__file__).resolve().parent.parent / "docs" / "commands.md"
HEAD = """# Commands

Every command with all its options, drawn from the program by `scripts/draw_commands.py`.
[Serving](serving.md) and [clients](clients.md) explain them with examples.
"""


def spelled(parameter: Any) -> str:
    """All names of an option, or the name of an argument."""
    if parameter.param_type_name == "argument":
        return f"`{parameter.name.upper()}`"
    names = [*parameter.opts, *parameter.secondary_opts]
    return ", ".join(f"`{name}`" for name in names)


def meaning(parameter: Any) -> str:
    """The help text and the default, fit for a cell."""
    default = parameter.default
    told = (getattr(parameter, "help", None) or "").replace("|", "\\|")
    if isinstance(default, str | int | float) and not isinstance(default, bool):
        told = f"{told} Default: `{default}`."
    return told.strip()


def section(name: str, command: Any) -> str:
    """One command."""
    parameters = [p for p in command.params if "--help" not in p.opts]
    lines = [f"## dragoman {name}", "", (command.help or "").strip()]
    if parameters:
        lines += ["", "| option | meaning |", "|---|---|"]
        lines += [f"| {spelled(p)} | {meaning(p)} |" for p in parameters]
    return "\n".join(lines)


def drawn() -> str:
    """The whole page."""
    group: Any = typer.main.get_command(app)
    context = group.make_context("dragoman", ["version"], resilient_parsing=True)
    commands: list[tuple[str, Any]] = []
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        commands.append((name, command))
        for below, inner in getattr(command, "commands", {}).items():
            commands.append((f"{name} {below}", inner))
    sections = [section(name, command) for name, command in commands if command is not None]
    return "\n\n".join([HEAD.strip(), *sections]) + "\n"


def main() -> None:
    """Write the page, or with ``--check`` say whether it is up to date."""
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(drawn(), encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != drawn():
        sys.exit("docs/commands.md is stale: run scripts/draw_commands.py")


if __name__ == "__main__":
    main()
