"""What every event on the wire has in common, and ids.

Scope: no event of one API lives here, and nothing here knows a session. A client event carries the
``event_id`` the client gave (anything, or nothing: real clients omit it, repeat it, or send a
number). A session makes a server event without its ``event_id``: ``Send`` brings one, and the codec
writes it first, as the cloud does; only events that were read have it as a field.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_NONCE_CHARS = 15
_COUNTER_CHARS = 6
_COUNTER_SPAN = 62**_COUNTER_CHARS
# Coprime to 62: successive ids look unlike each other, and none repeats before all are used.
_STRIDE = 27_182_818_285


class ClientEvent(msgspec.Struct, tag_field="type", kw_only=True, frozen=True):
    """An event that a client sent. Unknown keys are ignored; ``event_id`` is whatever came."""

    event_id: Any = None


class ServerEvent(msgspec.Struct, tag_field="type", kw_only=True, frozen=True):
    """An event that the server sends. Fields set to ``msgspec.UNSET`` are left out."""

    event_id: str | UnsetType = UNSET


class Malformed(msgspec.Struct, frozen=True):
    """A frame that is no event of this API; the session answers it with an ``error`` event.

    ``param`` is the path of the culprit inside the event, or "" where there is none.
    ``has_unknown_type``: it is a sound event whose type this API does not know.
    """

    code: str
    message: str
    param: str = ""
    event_id: str | None = None
    has_unknown_type: bool = False


def culprit(event_id: Any) -> str | None:
    """The id to name in an ``error`` event: only a string of sane length is echoed."""
    return event_id if isinstance(event_id, str) and 0 < len(event_id) <= 256 else None


class Ids:
    """Ids of one session in the cloud's shape: a prefix and 21 alphanumerics.

    A session has one random nonce; the rest is a counter that strides through its range, so an
    id costs no randomness and no uuid. Unique within a session for the first 56 thousand
    million ids, and across sessions by the nonce (15 characters, 89 bits).
    """

    def __init__(self, nonce: str) -> None:
        if len(nonce) != _NONCE_CHARS:
            raise ValueError(f"the nonce of a session has {_NONCE_CHARS} characters")
        self._nonce = nonce
        self._count = 0

    def new(self, prefix: str) -> str:
        """The next id, e.g. ``resp_`` and 21 characters for ``prefix="resp"``."""
        self._count += 1
        rest = self._count * _STRIDE % _COUNTER_SPAN
        digits = ""
        for _ in range(_COUNTER_CHARS):
            rest, digit = divmod(rest, 62)
            digits += _ALPHABET[digit]
        return f"{prefix}_{self._nonce}{digits}"


def nonce_from(number: int) -> str:
    """The 15-character nonce that stands for a random number (give it 96 random bits)."""
    digits = ""
    for _ in range(_NONCE_CHARS):
        number, digit = divmod(number, 62)
        digits += _ALPHABET[digit]
    return digits
