"""The command ``dragoman``: which commands there are.

Scope: the list of commands, and where each comes from. Each is one function in a file of its own,
imported when it is called: ``dragoman serve`` must answer in under a second, so nothing that
another command needs may be imported for it. Other distributions add commands by entry points.
"""

from __future__ import annotations

import importlib
import platform
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any

import typer
from typer.core import TyperGroup

from dragoman import __version__

COMMANDS = (
    "serve",
    "demo",
    "say",
    "translate",
    "intercept",
    "engines",
    "models",
    "setup",
    "keys",
    "config",
    "doctor",
    "top",
)
"""Each is a function, or a ``typer.Typer`` with commands, of the same name in
``dragoman.cli.<name>``."""

ENTRY_POINT_GROUP = "dragoman.commands"
"""Commands of other distributions, each a ``typer.Typer``."""

ADDED_BY = {"bench": "dragoman-bench", "replay": "dragoman-bench"}
"""Commands of ours that come with another distribution."""


class LazyGroup(TyperGroup):
    """A group that imports a command's file when the command is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        """All commands, in the order in which a newcomer needs them."""
        added = sorted(entry_points(group=ENTRY_POINT_GROUP).names)
        return [*COMMANDS, *added, *super().list_commands(ctx)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name, imported now; None where there is none."""
        if cmd_name in COMMANDS:
            return self._imported(cmd_name)
        for point in entry_points(group=ENTRY_POINT_GROUP, name=cmd_name):
            return typer.main.get_command(point.load())
        if cmd_name in ADDED_BY:
            package = ADDED_BY[cmd_name]
            ctx.fail(f"`dragoman {cmd_name}` comes with the package {package}: {_how(package)}")
        return super().get_command(ctx, cmd_name)

    def _imported(self, cmd_name: str) -> Any:
        path = f"dragoman.cli.{cmd_name}"
        try:
            found: Callable[..., Any] | typer.Typer
            found = getattr(importlib.import_module(path), cmd_name)
        except ModuleNotFoundError as error:
            if error.name == path:  # a slimmed-down installation
                return None
            raise
        if isinstance(found, typer.Typer):
            return typer.main.get_command(found)
        alone = typer.Typer(add_completion=False, rich_markup_mode=None)
        alone.command(cmd_name)(found)
        return typer.main.get_command(alone)


def _how(package: str) -> str:
    from dragoman.engines.shared.model_files import pip_install  # noqa: PLC0415  # seldom needed

    return pip_install(package)


app = typer.Typer(
    cls=LazyGroup,
    name="dragoman",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
def main() -> None:
    """Speak Qwen's realtime WebSocket APIs from your own machine: interpretation and synthesis."""


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(f"dragoman {__version__} (Python {platform.python_version()})")
