"""API keys as the server knows them: a name, a digest, limits.

Scope: values. A key that ``dragoman keys add`` makes has 256 random bits. So its SHA-256 cannot be
turned back, however fast that hash is, and a slow hash would only let strangers burn our time with
wrong keys. A key that somebody brings along must be long, for the same reason.

A key is found by looking its digest up in a table. How long that takes depends on the digest, which
nobody can choose byte by byte without knowing the key: it tells an attacker nothing.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import Annotated

import msgspec

_Amount = Annotated[int, msgspec.Meta(ge=0, le=10**12)]
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_PLACE = re.compile(r"key[0-9]+")
MIN_CHARS = 20
MIN_DIFFERENT = 10
MAX_CHARS = 256


class BadKey(ValueError):
    """A key or a name that cannot be used; the text says why."""


class KeyLimits(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """What one key may use; 0 is no limit. Amounts are for each day, in UTC."""

    connections: _Amount = 0
    """Sessions open at the same time."""
    connects_per_minute: _Amount = 0
    """Handshakes within 60 s."""
    speakers: _Amount = 0
    """Sessions that speak or are spoken to at the same time."""
    audio_seconds: _Amount = 0
    """Seconds of speech that came in, each day."""
    characters: _Amount = 0
    """Characters that were spoken, each day."""


class Key(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One key. ``name`` is its id in logs, metrics and usage; ``sha256`` is hexadecimal."""

    name: str
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    created: str = ""
    """When, in UTC (ISO 8601); empty where nobody knows."""
    limits: KeyLimits = KeyLimits()


def digest(secret: str) -> str:
    """The SHA-256 of a key, hexadecimal."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def new_secret() -> str:
    """A key that nobody can guess."""
    return f"sk-{secrets.token_urlsafe(32)}"


def checked_secret(secret: str) -> str:
    """A key that somebody brings along. Raises ``BadKey`` if it could be guessed or not be sent."""
    if not (secret.isascii() and secret.isprintable()) or " " in secret:
        raise BadKey("A key has printable ASCII characters and no spaces.")
    if secret.startswith("st-"):
        raise BadKey("Keys that begin with st- are temporary tokens; take another one.")
    if len(secret) > MAX_CHARS:
        raise BadKey(f"A key has at most {MAX_CHARS} characters.")
    if len(secret) < MIN_CHARS or len(set(secret)) < MIN_DIFFERENT:
        raise BadKey(
            f"That key could be guessed: it needs {MIN_CHARS} characters, {MIN_DIFFERENT} of them "
            "different. Without --stdin a key is made for you."
        )
    return secret


def checked_name(name: str) -> str:
    """A name for a key in a file of ``dragoman keys``. Raises ``BadKey``."""
    if not _NAME.fullmatch(name):
        raise BadKey(f"{name!r} is no name for a key: letters, digits, dot, dash, underscore.")
    if _PLACE.fullmatch(name):
        raise BadKey(f"{name!r} is how keys without a name are called; take another one.")
    return name
