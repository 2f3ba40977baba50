"""Client text inside our messages, and lone surrogates where clients cut a character in two.

Scope: strings in, strings out; used wherever something a client sent is shown back to it, so that
an answer can always be encoded and stays short.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_SHOWN_CHARS = 80
_LONE = re.compile("[\ud800-\udfff]")
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")


def shown(value: Any) -> str:
    """A client's value for use inside a message: on one line, printable and short."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() if abs(value) > 10**18:
            return "a very large number"  # str() of it may even raise
        case Mapping():
            return "{...}"
        case list() | tuple():
            return "[...]"
    text = str(value)[: _SHOWN_CHARS + 1]
    text = "".join(char if char.isprintable() else REPLACEMENT for char in text)
    return text if len(text) <= _SHOWN_CHARS else text[: _SHOWN_CHARS - 3] + "..."


def whole(text: str) -> str:
    """The text with U+FFFD for every lone surrogate, so that UTF-8 can hold it."""
    return REPLACEMENT.join(_LONE.split(text))  # a third of the time of ``sub``


def whole_deep(value: Any) -> Any:
    """``whole`` for every string inside a JSON value."""
    if isinstance(value, str):
        return whole(value)
    if isinstance(value, dict):
        return {whole(key): whole_deep(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [whole_deep(inner) for inner in value]
    return value


class HalfKeeper:
    """Joins a character that a client cut in two between pieces of text.

    A high surrogate at the end of a piece is kept until the next piece; if its other half does
    not open that piece, it becomes U+FFFD, as any other lone half does.
    """

    def __init__(self) -> None:
        self._half = ""

    @property
    def holds(self) -> bool:
        """Whether a half is being kept."""
        return bool(self._half)

    def feed(self, piece: str) -> str:
        """The text that is complete so far."""
        if not piece:
            return ""
        text, self._half = self._half + piece, ""
        if "\ud800" <= text[-1] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        if not _LONE.search(text):
            return text
        if _PAIR.search(text):
            # A surrogate pass through UTF-16 joins the halves that belong together.
            text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
        return whole(text)

    def flush(self) -> str:
        """U+FFFD for a half whose other half never came."""
        half, self._half = self._half, ""
        return REPLACEMENT if half else ""
