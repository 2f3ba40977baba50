"""Where Dragoman keeps what it was told to get: the XDG base directory specification."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def data_folder(variable: str, name: str, environ: Mapping[str, str]) -> Path:
    """The folder that ``variable`` names, else ``dragoman/name`` in the user's folder for data."""
    if environ.get(variable):
        return Path(environ[variable]).expanduser()
    data = environ.get("XDG_DATA_HOME", "")
    base = Path(data) if data.startswith("/") else Path.home() / ".local" / "share"
    return base / "dragoman" / name
