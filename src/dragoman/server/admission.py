"""Who may connect, under which name, and whether the server may be open to all.

Scope: decisions about a handshake; nothing is read from or sent to a socket.

* Keys. Without configured keys everybody who reaches the port may connect, with any key or none
  (the official SDK cannot send none). With keys: ``Authorization: Bearer KEY``, the scheme in any
  case because older SDKs write it small. Comparison takes the same time for every key.
* Origins. Browsers always send one; the SDK's WebSocket library sends the server's own. So: absent,
  equal to ``Host``, or allow-listed; anything else is a foreign web page that tries to use the
  visitor's server.
* Load. New sessions are refused while engines load, while the server drains, and at the limit.
* Exposure. A server without keys listens on loopback only, unless the operator says otherwise.

The ``Principal`` of a session names its key by its place among the configured keys: unlike a
digest, that says nothing about the key.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Collection, Mapping, Sequence
from urllib.parse import urlsplit

import msgspec

from dragoman.protocol.core.principal import ANONYMOUS, Principal
from dragoman.server.config import Config, ConfigError
from dragoman.server.lifecycle import Lifecycle, State

_DEFAULT_PORTS = {"http": ":80", "ws": ":80", "https": ":443", "wss": ":443"}


class Refusal(msgspec.Struct, frozen=True):
    """A handshake or request that is refused: an HTTP status and the documented JSON body."""

    status: int
    code: str
    message: str
    retry_after_s: int | None = None


RETRY_AFTER_S = 1
BAD_KEY = Refusal(401, "InvalidApiKey", "Invalid API-key provided.")
BAD_ORIGIN = Refusal(403, "AccessDenied", "This Origin is not allowed.")


_NOT_READY: dict[State, str] = {
    "loading": "The engines are still loading.",
    "draining": "The server is shutting down.",
    "failed": "The engines could not be loaded.",
}


def admit(lifecycle: Lifecycle, headers: Mapping[str, str]) -> Principal | Refusal:
    """Who a WebSocket handshake with these headers comes from, or why it is refused."""
    config = lifecycle.config
    if not origin_is_allowed(headers.get("origin"), headers.get("host"), config.allowed_origins):
        return BAD_ORIGIN
    principal = principal_of(headers.get("authorization"), config.api_keys)
    if principal is None:
        return BAD_KEY
    if lifecycle.state != "ready":
        return _unavailable(_NOT_READY[lifecycle.state])
    if lifecycle.all_sessions >= config.limits.sessions:
        return _unavailable("The server has as many sessions as it takes.")
    return principal


def _unavailable(message: str) -> Refusal:
    return Refusal(503, "ServiceUnavailable", message, RETRY_AFTER_S)


def principal_of(authorization: str | None, keys: Sequence[str]) -> Principal | None:
    """Whose key the header ``Authorization`` carries; None where it carries no valid one."""
    if not keys:
        return ANONYMOUS
    scheme, _, given = (authorization or "").strip().partition(" ")
    # Digests have one length, and every key is compared: the time taken tells nothing.
    digest = _digest(given.strip())
    matches = [hmac.compare_digest(digest, _digest(key)) for key in keys]
    if scheme.lower() != "bearer" or not any(matches):
        return None
    return Principal(key_id=f"key{matches.index(True) + 1}")


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()


def origin_is_allowed(origin: str | None, host: str | None, allowed: Collection[str]) -> bool:
    """Whether a handshake with these headers may go on. ``allowed`` may hold ``*``."""
    if origin is None or "*" in allowed:
        return True
    given = origin.strip().rstrip("/").lower()
    if given in {entry.strip().rstrip("/").lower() for entry in allowed}:
        return True
    try:
        parts = urlsplit(given)
    except ValueError:
        return False
    default = _DEFAULT_PORTS.get(parts.scheme, "")
    if not parts.netloc or not host:
        return False
    return parts.netloc.removesuffix(default) == host.strip().lower().removesuffix(default)


def is_loopback(address: str) -> bool:
    """Whether a numeric address can be reached from this machine only."""
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False


def check_exposure(config: Config, address: str) -> None:
    """Raise ``ConfigError`` if the server would stand open to the network by accident.

    ``address`` is the numeric address that ``config.host`` stands for.
    """
    if is_loopback(address) or config.api_keys or config.allow_open:
        return
    raise ConfigError(
        f"{config.host} can be reached from other machines, and no API key is set, so anybody "
        "could use this server. Set keys (--api-keys-file FILE, or DRAGOMAN_API_KEYS=key1,key2), "
        "or stay on --host 127.0.0.1, or say --allow-open if that is what you want."
    )
