"""The environment variables of programs that work for engines."""

from __future__ import annotations

import os

_SERVER_KEYS = ("DRAGOMAN_API_KEYS", "DRAGOMAN_API_KEYS_FILE")


def without_server_keys() -> dict[str, str]:
    """The variables of this process but the keys of the server's clients: an engine needs those of
    model servers, and never these.
    """
    return {name: value for name, value in os.environ.items() if name not in _SERVER_KEYS}
