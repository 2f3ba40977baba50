"""Which hosts are redirected, and to which server.

Scope: parsing and matching of names; no look-up, no connection. Every refusal is a ``BadName``
whose text says what to do. A host is a name or ``*.name``; the star stands for exactly one label,
as in a certificate, so the proxy redirects exactly the hosts that the certificate covers.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

import msgspec

from dragoman.server.access.hosts import CLOUD_HOSTS, HostPatterns

PORT = 443
"""The only port of a cloud host that is redirected."""

REALTIME_PATH = "/api-ws/v1/realtime"
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})+")
_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}")


class BadName(Exception):
    """A host, server or address that cannot be used; the text says why."""


class Hosts(HostPatterns):
    """The redirected hosts. ``patterns`` are names and ``*.name``, in lower case, sorted."""

    def __init__(self, more: Iterable[str] = ()) -> None:
        """The cloud's hosts, and ``more``.

        Raises:
            BadName: one of ``more`` is no host name, or a star below a top-level domain.

        """
        super().__init__([*CLOUD_HOSTS, *(_pattern(text) for text in more)])

    @property
    def domains(self) -> tuple[str, ...]:
        """The DNS subtrees that the certificate authority is limited to, sorted."""
        return tuple(sorted({pattern.removeprefix("*.") for pattern in self.patterns}))


def _pattern(text: str) -> str:
    plain = text.strip().lower().removesuffix(".")
    bare = plain.removeprefix("*.")
    # With digits as its last label it is an IP address, which no name constraint covers.
    if not _NAME.fullmatch(bare) or len(bare) > 253 or bare.rpartition(".")[2].isdigit():
        raise BadName(f"--host {text}: give a host name such as api.example.com, without a port")
    if plain.startswith("*.") and bare.count(".") < 1:
        raise BadName(f"--host {text}: the star needs at least two labels after it")
    return plain


class TargetServer(msgspec.Struct, frozen=True):
    """The Dragoman server that gets the decrypted bytes. ``url`` is for messages."""

    host: str
    port: int
    tls: bool
    url: str


def parse_server(text: str, hosts: Hosts) -> TargetServer:
    """The server of a ws, wss, http or https URL.

    Raises:
        BadName: it is no such URL, has another path, is itself redirected, or would send keys and
            speech unencrypted over a network.

    """
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if parts.scheme not in {"ws", "wss", "http", "https"} or not host or port == 0:
        raise BadName(f"--server {text}: give an address such as ws://127.0.0.1:8000")
    if parts.path.rstrip("/") not in {"", REALTIME_PATH} or parts.query or parts.username:
        raise BadName(f"--server {text}: give it without path, query and user name")
    if host in hosts:
        raise BadName(f"--server {text}: that is one of the hosts that are redirected")
    tls = parts.scheme in {"wss", "https"}
    if not tls and not is_loopback(host):
        raise BadName(
            f"--server {text}: keys and speech would cross the network unencrypted. "
            "Use wss:// for another machine."
        )
    scheme = "wss" if tls else "ws"
    port = port or (443 if tls else 80)
    return TargetServer(host, port, tls, f"{scheme}://{bracketed(host)}:{port}")


def parse_address(text: str) -> str:
    """The loopback address to listen on, numeric.

    Raises:
        BadName: other machines could reach it.

    """
    if text == "localhost":
        return "127.0.0.1"
    if not is_loopback(text):
        raise BadName(
            f"--address {text}: only addresses of this machine alone (127.0.0.1, ::1) are allowed, "
            "as whoever reaches the proxy can use it"
        )
    return text


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its text: ``localhost`` or a loopback address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def bracketed(host: str) -> str:
    """A host as it stands in a URL: IPv6 addresses in brackets."""
    return f"[{host}]" if ":" in host else host


def parse_target(text: str) -> tuple[str, int] | None:
    """Host and port of a CONNECT request (``host:port``, ``[v6]:port``); None if it is neither."""
    host, colon, port = text.rpartition(":")
    if not (colon and port.isascii() and port.isdigit() and len(port) < 6):
        return None
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
        try:
            ipaddress.IPv6Address(host)
        except ValueError:
            return None
    elif not _HOST.fullmatch(host):
        return None
    return (host, int(port)) if 0 < int(port) < 65536 else None


def without_redirected(no_proxy: str, hosts: Hosts) -> str:
    """A ``no_proxy`` list without the entries that exempt one of these hosts from the proxy."""
    kept = [entry.strip() for entry in no_proxy.split(",") if entry.strip()]
    return ",".join(entry for entry in kept if not _exempts(entry, hosts))


def _exempts(entry: str, hosts: Hosts) -> bool:
    bare = entry.lower().partition(":")[0].lstrip("*").strip(".")
    if not bare:
        return "*" in entry
    names = [pattern.removeprefix("*.") for pattern in hosts.patterns]
    # The entry may also be longer than the pattern: one workspace, where the pattern has a star.
    return any(n == bare or n.endswith("." + bare) for n in names) or bare in hosts
