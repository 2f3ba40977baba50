"""The key of a model server, in an environment variable that an option of the engine names.

Scope: reading and checking it. A key is never in a specification, a setting, a log or a message.
"""

from __future__ import annotations

import os
import re

from dragoman.engines.base import EngineUnavailable

_KEY = re.compile(r"[!-~]+")


def key_from(variable: str, engine: str) -> str:
    """The key, "" for no variable. Raises ``EngineUnavailable``; ``engine`` is named in it."""
    if not variable:
        return ""
    key = os.environ.get(variable, "").strip()
    if not _KEY.fullmatch(key):
        state = "holds no key" if not key else "holds something that is no key"
        raise EngineUnavailable(
            f"{engine}: the environment variable {variable} {state}. Set it, or leave the option "
            "key_env out for a server that wants none."
        )
    return key
