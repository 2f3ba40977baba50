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

_SHORT = {"aliases": "--alias", "limits": "--limit", "allowed_origins": "--allow-origin"}
"""Where the flag is named after one of the things that the setting holds."""


class Flags(msgspec.Struct, frozen=True):
    """What the command line says about settings."""

    settings: dict[str, str | bool | None]
    config: Path | None
    api_keys_file: Path | None

    def load(self) -> EffectiveConfig:
        """The effective settings, with the environment and the file. Raises ``ConfigError``."""
        return load(self.settings, os.environ, self.config, self.api_keys_file)


def setting_flags(command: Callable[..., None]) -> Callable[..., None]:
    """The command with all flags of settings; its first parameter gets them as ``Flags``."""
    _, *own = inspect.signature(command, eval_str=True).parameters.values()
    flags = [*_settings(), *_files()]

    def with_flags(**given: Any) -> None:
        files = {flag.name: given.pop(flag.name) for flag in _files()}
        settings = {flag.name: given.pop(flag.name) for flag in _settings()}
        command(Flags(settings, **files), **given)

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


def _files() -> list[inspect.Parameter]:
    keys = typer.Option("--api-keys-file", help="File of API keys, one in a line.")
    file = typer.Option("--config", help="TOML file with settings.")
    return [_keyword("api_keys_file", Path, keys), _keyword("config", Path, file)]


def _keyword(name: str, kind: Any, option: Any) -> inspect.Parameter:
    annotation = Annotated[kind | None, option]
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation
    )


def _default(name: str) -> str:
    """The default behind the help, where it is short enough to be told."""
    value = getattr(Config(), name)
    if name in GROUPS or value in ((), {}):
        return ""
    if isinstance(value, bool):
        text = "yes" if value else "no"
    elif isinstance(value, tuple):
        text = ",".join(value)
    else:
        text = f"{value:g}" if isinstance(value, float) else str(value)
    return f" [{text}]"
