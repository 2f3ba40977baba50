"""The plain file of API keys: one key in a line.

Scope: reading it. Empty lines and lines that begin with # do not count.
"""

from __future__ import annotations

from pathlib import Path

from dragoman.server.config.settings import ConfigError


def read_keys(path: Path) -> list[str]:
    """The keys in the file. Raises ``ConfigError``."""
    try:
        lines = path.expanduser().read_text("utf-8").splitlines()
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from None
    except UnicodeDecodeError as error:
        raise _unreadable(path, str(error)) from None
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def _unreadable(path: Path, reason: str) -> ConfigError:
    return ConfigError(f"The file of API keys {path} cannot be read: {reason}.")
