"""Effective settings written as a TOML file that can be loaded again.

Scope: text only. Each value has its origin behind it, as a comment. Values that nobody chose are
comments as a whole: in the file they would win over a profile that is chosen later. Paths are
absolute, as relative ones would count from where the file is put. Keys are left out: a file of
settings may be shown around.
"""

from __future__ import annotations

from pathlib import Path

from dragoman.server.config import values
from dragoman.server.config.settings import GROUPS, PATHS
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
    value = setting.value
    if setting.name in PATHS and value:
        value = str(Path(value).absolute())
    mark = "" if setting.is_chosen else "# "
    return f"{mark}{key} = {values.toml(value)}  # {setting.origin}"
