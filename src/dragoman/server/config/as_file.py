"""Effective settings written as a TOML file that can be loaded again.

Scope: pure. Each value has its origin behind it, as a comment. Keys are left out: a file of
settings may be shown around.
"""

from __future__ import annotations

from dragoman.server.config import values
from dragoman.server.config.settings import GROUPS
from dragoman.server.config.sources import EffectiveConfig, Setting


def as_toml(effective: EffectiveConfig) -> str:
    """The file's text."""
    shown = effective.shown()
    lines = [_line(setting, setting.name) for setting in shown if "." not in setting.name]
    for group in GROUPS:
        lines += ["", f"[{group}]"]
        own = [setting for setting in shown if setting.name.startswith(f"{group}.")]
        lines += [_line(setting, setting.name.partition(".")[2]) for setting in own]
    return "\n".join(lines) + "\n"


def _line(setting: Setting, key: str) -> str:
    if setting.name == "api_keys":
        return f"# api_keys: {setting.value}; api_keys_file = … names them  # {setting.origin}"
    return f"{key} = {values.toml(setting.value)}  # {setting.origin}"
