"""Whether a handshake or a request may go on, and how it is refused.

Scope: the decision, from what ``server.access`` knows of keys, hosts and limits, and from the state
of the server; nothing is read from or sent to a socket. Every refusal is a documented code with a
plain sentence.
"""

from __future__ import annotations

import logging
import re

import msgspec
from starlette.datastructures import Headers
from starlette.types import Scope

from dragoman.protocol.core.principal import Principal
from dragoman.runtime.capacity import Roles
from dragoman.server.access.access_control import secret_in
from dragoman.server.access.hosts import is_loopback, origin_is_allowed
from dragoman.server.access.key_accounts import Excess
from dragoman.server.access.tokens import LIFE_S, LONGEST_LIFE_S
from dragoman.server.lifecycle import Lifecycle, State

LOG = logging.getLogger("dragoman.server")


class Refusal(msgspec.Struct, frozen=True):
    """A handshake or request that is refused: an HTTP status and the documented JSON body."""

    status: int
    code: str
    message: str
    retry_after_s: int | None = None


RETRY_AFTER_S = 1
BAD_KEY = Refusal(401, "InvalidApiKey", "Invalid API-key provided.")
BAD_ORIGIN = Refusal(403, "AccessDenied", "This Origin is not allowed.")
BAD_HOST = Refusal(
    403,
    "AccessDenied",
    "This Host is not allowed. A server without keys takes names of this machine only; others "
    "can be named in its setting allowed_hosts.",
)
TOKEN_FROM_TOKEN = Refusal(403, "AccessDenied", "A temporary token cannot make another one.")
BAD_LIFE = Refusal(
    400,
    "InvalidParameter",
    f"expire_in_seconds must be a whole number from 1 to {LONGEST_LIFE_S}.",
)

_NOT_READY: dict[State, str] = {
    "loading": "The engines are still loading.",
    "draining": "The server is shutting down.",
    "failed": "The engines could not be loaded.",
}
_OF_PROXIES = frozenset((b"x-forwarded-for", b"x-real-ip", b"forwarded", b"via"))
_LIFE = re.compile(rb"(?:^|&)expire_in_seconds=([^&]*)")


class TemporaryToken(msgspec.Struct, frozen=True):
    """A temporary token, in its documented form."""

    token: str
    expires_at: int
    """Unix seconds."""


def admit(lifecycle: Lifecycle, scope: Scope, roles: Roles) -> Principal | Refusal:
    """Who a WebSocket handshake comes from, or why it is refused. ``roles``: the engines that its
    session will use. For one who is admitted the capacity keeps a place.
    """
    config, access, headers = lifecycle.config, lifecycle.access, Headers(scope=scope)
    if not access.hosts.allows(headers.get("host")):
        return BAD_HOST
    if not origin_is_allowed(headers.get("origin"), headers.get("host"), config.allowed_origins):
        return BAD_ORIGIN
    principal = access.principal_of(scope)
    if principal is None:
        return BAD_KEY
    if lifecycle.state != "ready":
        return _unavailable(_NOT_READY[lifecycle.state])
    if lifecycle.engines.lacking(roles):
        return _unavailable("The engines that this needs are being restarted.")
    excess = access.excess(principal)
    if excess is not None:
        reached = {"key": principal.key_id, "limit": excess.limit}
        LOG.info("%(key)s has reached its limit of %(limit)s", reached)
        return _throttled(excess)
    if lifecycle.all_sessions >= config.limits.sessions:
        return _unavailable("The server has as many sessions as it takes.")
    if not lifecycle.engines.capacity.expect(roles, principal.key_id):
        return _unavailable("As many people speak as the server carries.")
    return principal


def _unavailable(message: str) -> Refusal:
    return Refusal(503, "ServiceUnavailable", message, RETRY_AFTER_S)


def _throttled(excess: Excess) -> Refusal:
    if excess.is_amount:
        message = "Allocated quota exceeded, please increase your quota limit."
        return Refusal(429, "Throttling.AllocationQuota", message, excess.retry_after_s)
    message = "Requests rate limit exceeded, please try again later."
    return Refusal(429, "Throttling.RateQuota", message, excess.retry_after_s)


def grant_token(lifecycle: Lifecycle, scope: Scope, now: float) -> TemporaryToken | Refusal:
    """A temporary token for whoever asks with a key; ``now`` in Unix seconds."""
    access, secret = lifecycle.access, secret_in(scope)
    if access.principal_of(scope) is None:
        return BAD_KEY
    key = access.ring.find(secret)
    if key is None and not access.ring.is_open:
        return TOKEN_FROM_TOKEN
    asked = _LIFE.findall(scope.get("query_string", b""))
    life = asked[-1].decode("latin-1") if asked else str(LIFE_S)
    if not (life.isascii() and life.isdigit() and len(life) <= 4):
        return BAD_LIFE
    if not 1 <= int(life) <= LONGEST_LIFE_S:
        return BAD_LIFE
    ends_at = int(now) + int(life)
    return TemporaryToken(access.tokens.make(key, ends_at), ends_at)


def may_see_details(lifecycle: Lifecycle, scope: Scope) -> bool:
    """Whether a request may see what tells how busy this server is, and with whom.

    Programs of this machine may, and whoever has a key; not with a temporary token, which is for
    the programs of customers. A request that a proxy passed on is not of this machine.
    """
    if lifecycle.config.metrics_open:
        return True
    client = scope.get("client")
    forwarded = any(name in _OF_PROXIES for name, _ in scope["headers"])
    if client and is_loopback(client[0]) and not forwarded:
        return True
    return lifecycle.access.ring.find(secret_in(scope)) is not None
