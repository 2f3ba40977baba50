"""The latency options a client may override for its session.

Scope: names and bounds of the fields of ``speech.InterpretationOptions`` that a client may send in
``session.translation``. They are this server's own: the cloud has none of them and ignores unknown
keys, so a client that sends them still runs there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, get_args

from dragoman.protocol.core import fields
from dragoman.speech import PaceName, PolicyName

_CHECKS: Mapping[str, Callable[[Any, str], Any]] = {
    "policy": lambda value, at: fields.enum(value, get_args(PolicyName), at),
    "pace": lambda value, at: fields.enum(value, get_args(PaceName), at),
    "step_ms": lambda value, at: fields.integer(value, 0, 2000, at),
    "top_rate": lambda value, at: fields.number(value, 1.0, 2.0, at),
    "skip_after_s": lambda value, at: fields.number(value, 0.0, 60.0, at),
}
NAMES = tuple(_CHECKS)


def overrides(translation: Mapping[str, Any], param: str) -> dict[str, Any]:
    """The options that ``translation`` sets. Raises ``Invalid``."""
    return {
        name: check(translation[name], f"{param}.{name}")
        for name, check in _CHECKS.items()
        if fields.given(translation, name)
    }
