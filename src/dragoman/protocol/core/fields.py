"""Checks for single fields of a client's settings, with the documented message templates.

Scope: pure functions from "whatever the client sent" to a typed value, or ``Invalid``. No field
name of an API stands here; ``param`` is the path a caller gives (``session.voice``). A session
answers ``Invalid`` with an error.

All APIs treat ``null`` as "not given" in most places; ``given`` says so in one place. Whole
floats pass as integers and nothing else is converted, so ``"24000"`` is not 24000.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

from dragoman.protocol.core.client_text import shown

INVALID_VALUE = "invalid_value"


class Invalid(Exception):
    """A setting the client must not send. The texts are written for the client."""

    def __init__(self, message: str, param: str, code: str = INVALID_VALUE) -> None:
        super().__init__(message)
        self.code, self.message, self.param = code, message, param


def refusal(value: Any, supported: str, param: str) -> Invalid:
    """``Invalid value: 'a'. Supported values are: 'b'.``, the documented template."""
    return Invalid(f"Invalid value: '{shown(value)}'. Supported values are: {supported}.", param)


def given(patch: Mapping[str, Any], key: str) -> bool:
    """Whether the patch says anything about the key; ``null`` says nothing."""
    return patch.get(key) is not None


def text(value: Any, param: str, *, max_chars: int | None = None) -> str:
    """A string of at most ``max_chars`` characters."""
    if not isinstance(value, str):
        raise refusal(value, "a string", param)
    if max_chars is not None and len(value) > max_chars:
        raise Invalid(
            f"Invalid value: {len(value)} characters. At most {max_chars} are supported.", param
        )
    return value


def enum(value: Any, allowed: Collection[str], param: str, *, casefold: bool = False) -> str:
    """One of ``allowed``, in the spelling of the table; with ``casefold`` in any letter case."""
    if isinstance(value, str):
        if value in allowed:
            return value
        if casefold:
            for name in allowed:
                if name.casefold() == value.casefold():
                    return name
    raise refusal(value, ", ".join(f"'{name}'" for name in allowed), param)


def number(value: Any, lo: float, hi: float, param: str) -> float:
    """A finite number in ``lo..hi``."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise refusal(value, f"numbers from {lo:g} to {hi:g}", param)
    if not lo <= value <= hi or not math.isfinite(value):
        raise refusal(value, f"numbers from {lo:g} to {hi:g}", param)
    return float(value)


def integer(value: Any, lo: int, hi: int, param: str) -> int:
    """A whole number in ``lo..hi``; ``3.0`` counts as 3, as JSON does not tell them apart."""
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if isinstance(value, bool) or not whole or not lo <= value <= hi:
        raise refusal(value, f"whole numbers from {lo} to {hi}", param)
    return int(value)


def choice(value: Any, allowed: Collection[int], param: str) -> int:
    """One of a few whole numbers, such as a sample rate."""
    if not isinstance(value, bool) and isinstance(value, int | float) and value in allowed:
        return int(value)
    raise refusal(value, ", ".join(f"'{number}'" for number in allowed), param)


def boolean(value: Any, param: str) -> bool:
    """``true`` or ``false``."""
    if not isinstance(value, bool):
        raise refusal(value, "'true', 'false'", param)
    return value


def mapping(value: Any, param: str) -> Mapping[str, Any]:
    """A JSON object."""
    if not isinstance(value, Mapping):
        raise refusal(value, "a JSON object", param)
    return value


def sequence(value: Any, param: str, *, max_items: int | None = None) -> list[Any]:
    """A JSON array of at most ``max_items``."""
    if not isinstance(value, list):
        raise refusal(value, "a JSON array", param)
    if max_items is not None and len(value) > max_items:
        raise Invalid(
            f"Invalid value: {len(value)} items. At most {max_items} are supported.", param
        )
    return value
