"""One WebSocket connection to a realtime server, which carries JSON objects both ways.

Scope: no event of one API, except ``error``. Works with this project's server and with the cloud.

``send`` hands the whole frame to the transport before it waits for room, so a cancelled send never
leaves half a frame, and back-pressure reaches a fast sender. At most 16 received frames are
buffered. Pings are off, because a busy server must not be disconnected. After an abnormal close the
last ``error`` event is raised, because it says more than the close code. An API key from the
environment is sent only encrypted or to this machine; one given as argument always.
"""

from __future__ import annotations

import ipaddress
import os
import ssl
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidMessage,
    InvalidStatus,
    InvalidURI,
    ProxyError,
)

from dragoman.client.errors import CannotConnect, ConnectionLost, Refused, ServerError

LOCAL_URL = "ws://127.0.0.1:8000/api-ws/v1/realtime"
KEY_VARIABLE = "DASHSCOPE_API_KEY"
MAX_FRAME_BYTES = 16 * 1024 * 1024

RawEvent = dict[str, Any]
Tap = Callable[[str, RawEvent], None]
"""Called with "in" or "out" and each event, for logs; it must not block."""


def address_of(url: str, model: str) -> str:
    """The URL to connect to: ``url`` with ``model`` as its query parameter.

    Raises:
        CannotConnect: the URL is no ``ws://`` or ``wss://`` address.

    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"ws", "wss"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise CannotConnect(url, "this is no ws:// or wss:// address")
    query = [(k, v) for k, v in parse_qsl(parts.query, keep_blank_values=True) if k != "model"]
    return urlunsplit(parts._replace(query=urlencode([*query, ("model", model)]), fragment=""))


def is_loopback(url: str) -> bool:
    """Whether the URL names this machine, by its text alone (no look-up)."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def key_for(url: str, api_key: str | None) -> str | None:
    """The key to send to a server: the given one ("" for none), else that of the environment, but
    never in the clear to another machine.
    """
    if api_key is not None:
        return api_key or None
    safe = url.startswith(("wss:", "https:")) or is_loopback(url)
    return (os.environ.get(KEY_VARIABLE) or None) if safe else None


class Connection:
    """An open connection. Iterating gives the events as dictionaries until the server closes with
    1000. One reader at a time; senders may run beside it.
    """

    def __init__(self, socket: ClientConnection, tap: Tap | None = None) -> None:
        self._socket = socket
        self._tap = tap
        self._sent_count = 0
        self._last_error: ServerError | None = None

    @classmethod
    async def open(
        cls,
        url: str,
        model: str,
        *,
        api_key: str | None = None,
        tap: Tap | None = None,
        open_timeout_s: float = 10.0,
    ) -> Self:
        """Connect and shake hands.

        Raises:
            CannotConnect: no server, no such host, no TLS, too slow, or not a WebSocket.
            Refused: an HTTP error instead of a WebSocket, e.g. 401 for a bad key.

        """
        address = address_of(url, model)
        shown_url = address.split("?", 1)[0]
        key = key_for(url, api_key)
        try:
            socket = await connect(
                address,
                additional_headers={"Authorization": f"Bearer {key}"} if key else None,
                compression=None,
                max_size=MAX_FRAME_BYTES,
                ping_interval=None,
                open_timeout=open_timeout_s,
                close_timeout=2.0,
                proxy=None if is_loopback(url) else True,
            )
        except InvalidStatus as refusal:
            response = refusal.response
            raise Refused(shown_url, response.status_code, _detail(response.body)) from None
        except (OSError, TimeoutError, ssl.SSLError) as failure:
            raise CannotConnect(shown_url, _reason(failure)) from failure
        except (InvalidURI, InvalidMessage, InvalidHandshake, ProxyError, ValueError) as failure:
            raise CannotConnect(shown_url, "what answers there is no WebSocket server") from failure
        return cls(socket, tap)

    async def send(self, event: RawEvent) -> str:
        """Send one event; adds an ``event_id`` and returns it.

        Raises:
            ConnectionLost: the connection is closed.
            ServerError: the server closed it after this error.

        """
        self._sent_count += 1
        event_id = f"event_{self._sent_count}"
        try:
            await self._socket.send(msgspec.json.encode({"event_id": event_id, **event}).decode())
        except ConnectionClosed as closed:
            raise self._closed_error(closed) from None
        if self._tap is not None:
            self._tap("out", event)
        return event_id

    async def receive(self) -> RawEvent | None:
        """The next event; None once the server has closed normally.

        Frames that hold no JSON object are skipped, as the official SDK does. Cancelling is safe.

        Raises:
            ConnectionLost: closed with any other code than 1000, or broken.
            ServerError: the same, after an ``error`` event.

        """
        while True:
            try:
                frame = await self._socket.recv()
            except ConnectionClosed as closed:
                if closed.rcvd is not None and closed.rcvd.code == 1000:
                    return None
                raise self._closed_error(closed) from None
            event = _decoded(frame)
            if event is None:
                continue
            self._remember(event)
            if self._tap is not None:
                self._tap("in", event)
            return event

    async def __aiter__(self) -> AsyncIterator[RawEvent]:
        while (event := await self.receive()) is not None:
            yield event

    async def close(self) -> None:
        """Close with 1000 and wait (at most two seconds) for the other side. Never raises."""
        await self._socket.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.close()

    def _remember(self, event: RawEvent) -> None:
        """Keep the error that explains a close: a fatal one, or the last event before the close."""
        if event["type"] == "error":
            self._last_error = server_error(event)
        elif self._last_error is not None and not self._last_error.fatal:
            self._last_error = None

    def _closed_error(self, closed: ConnectionClosed) -> ServerError | ConnectionLost:
        if self._last_error is not None:
            return self._last_error
        if closed.rcvd is None:
            return ConnectionLost(1006, "")
        return ConnectionLost(closed.rcvd.code, closed.rcvd.reason)


def server_error(event: RawEvent) -> ServerError:
    """An ``error`` or ``….failed`` event as an exception."""
    body = event.get("error")
    if not isinstance(body, dict):
        body = event
    fields = (body.get(name) for name in ("type", "code", "message", "param"))
    return ServerError(*(value if isinstance(value, str) else "" for value in fields))


def _decoded(frame: str | bytes) -> RawEvent | None:
    if isinstance(frame, bytes):
        return None
    try:
        event = msgspec.json.decode(frame)
    except (msgspec.DecodeError, UnicodeError):
        return None
    return event if isinstance(event, dict) and isinstance(event.get("type"), str) else None


def _detail(body: bytes | bytearray | None) -> str:
    """The message of a JSON error body, "" if there is none."""
    try:
        found = msgspec.json.decode(body or b"")
    except (msgspec.DecodeError, UnicodeError):
        return ""
    message = found.get("message") if isinstance(found, dict) else None
    return message[:300] if isinstance(message, str) else ""


def _reason(failure: Exception) -> str:
    if isinstance(failure, ConnectionRefusedError):
        return "nothing listens there"
    if isinstance(failure, TimeoutError):
        return "it did not answer in time"
    if isinstance(failure, ssl.SSLError):
        return "the TLS handshake failed"
    # asyncio merges the refusals of several addresses into one plain OSError.
    if "Connect call failed" in str(failure):
        return "nothing listens there"
    return getattr(failure, "strerror", None) or "the host cannot be reached"
