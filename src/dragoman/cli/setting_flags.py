"""The flags of settings: one for each field of ``Config`` that has a description.

Scope: commands about settings (``serve``, ``config``, ``doctor``) are decorated with
``setting_flags`` and get a ``Flags``. A flag that is not given stays None, so that the environment
and the file apply. There is no flag for an API key, because every user of a machine can read
command lines.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from dragoman.server.config import GROUPS, TYPES, Config, EffectiveConfig, load

_SHORT = {
    "aliases": "--alias",
    "limits": "--limit",
    "allowed_origins": "--allow-origin",
    "allowed_hosts": "--allow-host",
}
"""Where the flag is named after one of the things that the setting holds."""


class Flags(msgspec.Struct, frozen=True):
    """What the command line says about settings."""

    settings: dict[str, str | bool | None]
    config: Path | None

    def load(self) -> EffectiveConfig:
        """The effective settings, with the environment and the file. Raises ``ConfigError``."""
        return load(self.settings, os.environ, self.config)


def setting_flags(command: Callable[..., None]) -> Callable[..., None]:
    """The command with all flags of settings; its first parameter gets them as ``Flags``."""
    _, *own = inspect.signature(command, eval_str=True).parameters.values()
    flags = [*_settings(), _file()]

    def with_flags(**given: Any) -> None:
        file = given.pop("config")
        settings = {flag.name: given.pop(flag.name) for flag in _settings()}
        command(Flags(settings, file), **given)

    with_flags.__doc__ = command.__doc__
    with_flags.__signature__ = inspect.Signature([*flags, *own])  # type: ignore[attr-defined]  # typer reads it
    with_flags.__annotations__ = {}
    return with_flags


def _settings() -> list[inspect.Parameter]:
    flags = []
    for name, kind in TYPES.items():
        notes = getattr(kind, "__metadata__", ())
        told = next((note.description for note in notes if note.description), None)
        if told is None:
            continue
        flag = _SHORT.get(name, "--" + name.replace("_", "-"))
        is_switch = kind.__origin__ is bool
        spelled = f"{flag}/--no-{flag[2:]}" if is_switch else flag
        option = typer.Option(spelled, help=told + _default(name))
        flags.append(_keyword(name, bool if is_switch else str, option))
    return flags


def _file() -> inspect.Parameter:
    return _keyword("config", Path, typer.Option("--config", help="TOML file with settings."))


def _keyword(name: str, kind: Any, option: Any) -> inspect.Parameter:
    annotation = Annotated[kind | None, option]
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation
    )


def _default(name: str) -> str:
    """The default behind the help, where it is short enough to be told."""
    value = getattr(Config(), name)
    if name in GROUPS or value in ((), {}, ""):
        return ""
    if isinstance(value, bool):
        text = "yes" if value else "no"
    elif isinstance(value, tuple):
        text = ",".join(value)
    else:
        text = f"{value:g}" if isinstance(value, float) else str(value)
    return f" [{text}]"
