"""A server that speaks the realtime protocol of this project: the cloud, or another Dragoman.

Scope: its address and key, and JSON events in text frames; no event of one API. Errors of the
server are exceptions that hold its code and never its message, which may quote what was said.
"""

from __future__ import annotations

import itertools
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import msgspec

from dragoman.engines.base import EngineUnavailable
from dragoman.engines.shared.endpoint_errors import NO_JSON, EndpointFailed, EndpointNonsense
from dragoman.engines.shared.endpoint_key import key_from
from dragoman.engines.shared.websocket_link import (
    WebSocketLink,
    checked_address,
    is_this_machine,
)

KEY_VARIABLE = "DASHSCOPE_API_KEY"
Event = dict[str, Any]


class Upstream(msgspec.Struct, frozen=True):
    """Where the server is. ``key`` may be empty for a server on this machine."""

    address: str
    key: str
    connect_s: float

    def connect(self) -> UpstreamLink:
        """A new connection, opened in the background."""
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        return UpstreamLink(WebSocketLink(self.address, headers, connect_s=self.connect_s))


def upstream(engine: str, url: str, model: str, key_env: str, connect_s: float) -> Upstream:
    """The server of an engine's options. Raises ``EngineUnavailable``.

    The key of the environment is sent only encrypted or to this machine, where it may be missing.
    """
    if not url:
        raise EngineUnavailable(
            f"Give the engine an address: {engine}?url=wss://dashscope-intl.aliyuncs.com/api-ws/v1/"
            "realtime, or that of another Dragoman."
        )
    checked_address(engine, url)
    parts, here = urlsplit(url), is_this_machine(url)
    if key_env and not here and parts.scheme != "wss":
        raise EngineUnavailable(
            f"The key in {key_env} would be sent in the clear: use wss://, or key_env= for none."
        )
    try:
        key = key_from(key_env, engine)
    except EngineUnavailable:
        if not here:
            raise
        key = ""
    query = [(k, v) for k, v in parse_qsl(parts.query, keep_blank_values=True) if k != "model"]
    named = urlencode([*query, ("model", model)])
    return Upstream(urlunsplit(parts._replace(query=named, fragment="")), key, connect_s)


class UpstreamLink:
    """One session's connection."""

    def __init__(self, link: WebSocketLink) -> None:
        self._link = link
        self._ids = itertools.count(1)

    @property
    def origin(self) -> str:
        """The address without path and query, for messages."""
        return self._link.origin

    def send(self, kind: str, **fields: Any) -> str:
        """Queue an event; its id. Raises ``EndpointFailed``."""
        name = f"event_{next(self._ids)}"
        event = {"event_id": name, "type": kind, **fields}
        self._link.send(msgspec.json.encode(event).decode())
        return name

    def receive(self, timeout_s: float = 0.0) -> Event | None:
        """The next event, None if none came in time. Raises ``EndpointFailed``."""
        frame = self._link.receive(timeout_s)
        if frame is None:
            return None
        try:
            event = msgspec.json.decode(frame)
        except NO_JSON:
            event = None
        if not isinstance(event, dict) or not isinstance(event.get("type"), str):
            raise EndpointNonsense(f"{self.origin} sent a frame that is no event")
        return event

    def close(self) -> None:
        """Close in the background."""
        self._link.close()


def error_of(event: Event, origin: str) -> EndpointFailed:
    """An ``error`` event as an exception."""
    code = text_in(event, "error", "code")
    shown = code if code.replace("_", "").replace(".", "").isalnum() and len(code) <= 64 else ""
    return EndpointFailed(f"{origin} reported an error ({shown or 'without a code'})")


def text_in(event: Any, *path: str) -> str:
    """The string at a place in an event, "" if there is none."""
    for name in path:
        event = event.get(name) if isinstance(event, dict) else None
    return event if isinstance(event, str) else ""


def number_in(event: Event, name: str) -> int | None:
    """A whole number in an event, if there is one that JSON can hold exactly."""
    value = event.get(name)
    return int(value) if isinstance(value, int | float) and abs(value) < 1 << 53 else None
