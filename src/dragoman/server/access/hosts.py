"""From where one may connect: names in ``Host`` and ``Origin``, and exposure to the network.

Scope: decisions about names and addresses; no key.

* Hosts. A server on loopback that asks for no key trusts that only programs of this machine reach
  it. A web page can break that: its author lets the name of his site point to 127.0.0.1 for a
  moment (DNS rebinding), and the browser then takes our answers for his site's. Such a request
  names his site in ``Host``, so a loopback server without keys takes only loopback names, names
  of ``allowed_hosts``, and the cloud's without a port, which redirected programs send
  (``dragoman intercept``): of the cloud's names no attacker is the owner, and a page would have
  to name our port. With ``allowed_hosts`` every server checks.
* Origins. Browsers always send one; the SDK's WebSocket library sends the server's own. So: absent,
  equal to ``Host``, or allow-listed; anything else is a foreign web page that tries to use the
  visitor's server.
* Exposure. A server without keys listens on loopback only, unless the operator says otherwise.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable
from urllib.parse import urlsplit

from dragoman.server.config import Config, ConfigError

CLOUD_HOSTS = (
    "dashscope.aliyuncs.com",
    "dashscope-intl.aliyuncs.com",
    "dashscope-us.aliyuncs.com",
    "cn-hongkong.dashscope.aliyuncs.com",
    "*.cn-beijing.maas.aliyuncs.com",
    "*.ap-southeast-1.maas.aliyuncs.com",
    "*.cn-hongkong.maas.aliyuncs.com",
    "*.us-east-1.maas.aliyuncs.com",
    "*.eu-central-1.maas.aliyuncs.com",
    "*.ap-northeast-1.maas.aliyuncs.com",
)
"""The hosts of the realtime APIs: one per region, and one per workspace of a region."""

_DEFAULT_PORTS = {"http": ":80", "ws": ":80", "https": ":443", "wss": ":443"}


class HostPatterns:
    """A set of names. ``*.name`` in it stands for exactly one label more, as in a certificate."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self.patterns = tuple(sorted({pattern.strip().lower() for pattern in patterns}))
        self._names = frozenset(self.patterns)

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            return False
        plain = name.lower().removesuffix(".")
        return plain in self._names or f"*.{plain.partition('.')[2]}" in self._names


_CLOUD = HostPatterns(CLOUD_HOSTS)


class HostRule:
    """Which ``Host`` headers one server takes."""

    def __init__(self, allowed: Collection[str], *, asks_for_keys: bool, on_loopback: bool) -> None:
        self._allowed = HostPatterns(allowed)
        self._takes_all = "*" in allowed or (not allowed and (asks_for_keys or not on_loopback))

    def allows(self, host: str | None) -> bool:
        """Whether a request with this header may be served."""
        if self._takes_all:
            return True
        name, port = _split(host or "")
        if not port and name in _CLOUD:
            return True
        local = name == "localhost" or name.endswith(".localhost") or is_loopback(name)
        return local or name in self._allowed


def _split(host: str) -> tuple[str, str]:
    """Name and port of a ``Host`` header; the name is empty where it makes no sense."""
    try:
        parts = urlsplit(f"//{host.strip()}")
        port = parts.port
    except ValueError:
        return "", ""
    if parts.username is not None or parts.path or parts.query or parts.fragment:
        return "", ""
    return parts.hostname or "", "" if port is None else str(port)


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
    if is_loopback(address) or config.asks_for_keys or config.allow_open:
        return
    raise ConfigError(
        f"{config.host} can be reached from other machines, and no API key is set, so anybody "
        "could use this server. Set keys (--api-keys-file FILE, or DRAGOMAN_API_KEYS=key1,key2), "
        "or stay on --host 127.0.0.1, or say --allow-open if that is what you want."
    )
