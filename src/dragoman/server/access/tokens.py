"""Temporary tokens: short-lived stand-ins for a key, for programs that must not hold one.

Scope: making and checking. A token holds the name of its key and when it ends, signed with a secret
of the server and with the key's digest, so nothing has to be stored: every gateway process that has
the secret knows every token, also after a restart, and a key that was revoked or replaced takes its
tokens along.

``st-`` + base64url(end in Unix seconds, 4 bytes; the key's name; HMAC-SHA256, its first 16 bytes).
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import hmac
import os
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path

from dragoman.server.access.keys import Key

PREFIX = "st-"
LIFE_S = 60
LONGEST_LIFE_S = 1800
_MAC_BYTES = 16
_SECRET_BYTES = 32


class Tokens:
    """Makes and checks the tokens of one server."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def make(self, key: Key | None, ends_at: int) -> str:
        """A token for this key until then (Unix seconds); without keys: for anybody."""
        name = key.name if key else ""
        payload = ends_at.to_bytes(4, "big") + name.encode()
        signed = payload + self._mac(payload, key)
        return PREFIX + base64.urlsafe_b64encode(signed).decode().rstrip("=")

    def key_of(self, token: str, named: Callable[[str], Key | None], now: float) -> Key | None:
        """The key that a valid token stands for; ``now`` in Unix seconds."""
        try:
            body = token.removeprefix(PREFIX).encode("ascii")
            signed = base64.b64decode(body + b"=" * (-len(body) % 4), b"-_", validate=True)
            payload, mac = signed[:-_MAC_BYTES], signed[-_MAC_BYTES:]
            key = named(payload[4:].decode())
        except (UnicodeError, binascii.Error):
            return None
        if key is None or not hmac.compare_digest(mac, self._mac(payload, key)):
            return None
        return key if now < int.from_bytes(payload[:4], "big") else None

    def _mac(self, payload: bytes, key: Key | None) -> bytes:
        digest = bytes.fromhex(key.sha256) if key else b""
        return hmac.digest(self._secret, digest + payload, hashlib.sha256)[:_MAC_BYTES]


def kept_secret(path: Path) -> bytes:
    """The secret in this file, made on first use. Raises ``OSError``.

    Of several processes that make it at once, one wins, and all use what it wrote.
    """
    with contextlib.suppress(FileNotFoundError):
        return path.read_bytes()
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(fresh_secret())
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink()
    return path.read_bytes()


def secret_from(keys: Sequence[str]) -> bytes:
    """A secret for servers that have these keys in their settings and no folder to keep one.

    Slow on purpose: a token must not help to try out what the keys may be.
    """
    salt = b"dragoman temporary tokens"
    return hashlib.scrypt("\n".join(keys).encode(), salt=salt, n=2**14, r=8, p=1, dklen=32)


def fresh_secret() -> bytes:
    """A secret that ends with this process."""
    return secrets.token_bytes(_SECRET_BYTES)
