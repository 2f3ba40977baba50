"""A WebSocket to a model server, for engines that stream: nothing here blocks for long.

Scope: one connection; no event of one API. A thread of its own connects, sends what is queued and
closes, so whoever feeds a stream waits for none of these; websockets' own thread receives. Bounds:
a connection is tried at most twice, the second time only because nothing was sent yet; sending may
stall for ``stall_s``; at most ``MOST_QUEUED`` frames wait to be sent, and a frame that is received
has at most ``MOST_BYTES``. A failure raises one of ``endpoint_errors`` where frames are received
or sent; its text has the address and a number, never a key or a word of what was said.

Redirects are not followed. Pings are off: they would cost a thread for each stream, and every wait
for an answer has a limit of its own.
"""

from __future__ import annotations

import ipaddress
import queue
import socket
import ssl
import struct
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from dragoman.engines.base import EngineUnavailable
from dragoman.engines.shared.endpoint_errors import (
    EndpointFailed,
    EndpointRefused,
    EndpointTimedOut,
    EndpointUnreachable,
)

MOST_QUEUED = 512
MOST_BYTES = 1 << 20
_CLOSE_S = 1.0
_TRANSIENT = frozenset({429, 502, 503, 504})

Frame = str | bytes
"""A text or binary frame."""


class LinkClosed(EndpointUnreachable):
    """The server closed the connection. ``code`` is that of the close frame, 1006 without one."""

    def __init__(self, origin: str, code: int) -> None:
        super().__init__(f"{origin} closed the connection ({code})", answered=True)
        self.code = code


class KeepAlive(NamedTuple):
    """The frame that is sent after so many seconds without another one."""

    every_s: float
    frame: Frame


def checked_address(engine: str, url: str) -> str:
    """The URL of an engine's server. Raises ``EngineUnavailable`` with how it has to look."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"ws", "wss"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise EngineUnavailable(
            f"Give the engine an address that begins with ws:// or wss://: {engine}?url=wss://..."
        )
    return url


def is_this_machine(url: str) -> bool:
    """Whether the URL names this machine, by its text alone."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


class WebSocketLink:
    """A connection that is being opened. ``send`` and ``receive`` belong to one thread at a time;
    ``close`` to any.
    """

    def __init__(
        self,
        address: str,
        headers: Mapping[str, str],
        *,
        connect_s: float = 5.0,
        stall_s: float = 10.0,
        keep_alive: KeepAlive | None = None,
    ) -> None:
        self._address, self._headers = address, headers
        parts = urlsplit(address)
        port = f":{parts.port}" if parts.port else ""
        self.origin = urlunsplit((parts.scheme, f"{parts.hostname}{port}", "", "", ""))
        self._connect_s, self._stall_s, self._keep_alive = connect_s, stall_s, keep_alive
        self._frames: queue.Queue[Frame | None] = queue.Queue(MOST_QUEUED)
        self._opened = threading.Event()
        self._closing = threading.Event()
        self._connection: ClientConnection | None = None
        self._failure: EndpointFailed | None = None
        threading.Thread(target=self._run, name="websocket-link", daemon=True).start()

    # ------------------------------------------------------------ for the stream
    def send(self, *frames: Frame) -> None:
        """Queue frames. Waits only while the queue is full. Raises ``EndpointFailed``."""
        for frame in frames:
            self._raise_failure()
            try:
                self._frames.put(frame, timeout=self._stall_s)
            except queue.Full:
                raise EndpointTimedOut(
                    f"{self.origin} took nothing for {self._stall_s:g} s"
                ) from None

    def receive(self, timeout_s: float = 0.0) -> Frame | None:
        """The next frame, None if none came in time. Raises ``EndpointFailed``: ``LinkClosed``
        after the last frame of a connection that the server closed.
        """
        ends_s = time.monotonic() + timeout_s
        if not self._opened.wait(timeout_s):
            return None
        self._raise_failure()
        if self._connection is None:
            raise EndpointUnreachable(f"the connection to {self.origin} is closed")
        try:
            return self._connection.recv(max(0.0, ends_s - time.monotonic()))
        except TimeoutError:
            return None
        except ConnectionClosed as closed:
            code = 1006 if closed.rcvd is None else int(closed.rcvd.code)
            raise LinkClosed(self.origin, code) from None

    def close(self) -> None:
        """Send no more and close, in the background. Frames in the queue are dropped."""
        self._closing.set()
        with suppress(queue.Full):  # then the thread is awake anyway
            self._frames.put_nowait(None)

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure.with_traceback(None)

    # ------------------------------------------------------------ in the thread
    def _run(self) -> None:
        with ExitStack() as closes:
            try:
                self._connection = self._connected(closes)
            except EndpointFailed as failure:
                self._failure = failure
            finally:
                self._opened.set()
            if self._connection is None:
                return
            try:
                while (frame := self._next_frame()) is not None:
                    self._connection.send(frame)
            except (ConnectionClosed, OSError):
                pass  # ``receive`` says so

    def _next_frame(self) -> Frame | None:
        """What is to be sent next, None when no more is."""
        while not self._closing.is_set():
            if self._keep_alive is None:
                frame = self._frames.get()
            else:
                try:
                    frame = self._frames.get(timeout=self._keep_alive.every_s)
                except queue.Empty:
                    frame = self._keep_alive.frame
            if not self._closing.is_set():
                return frame
        return None

    def _connected(self, closes: ExitStack) -> ClientConnection | None:
        """Connect, and once more if that fails in a way that may pass."""
        try:
            return self._connect(closes)
        except EndpointRefused as refused:
            if refused.status not in _TRANSIENT:
                raise
        except EndpointFailed:
            pass
        return None if self._closing.is_set() else self._connect(closes)

    def _connect(self, closes: ExitStack) -> ClientConnection:
        try:
            connection = closes.enter_context(
                connect(
                    self._address,
                    additional_headers=dict(self._headers),
                    compression=None,
                    max_size=MOST_BYTES,
                    open_timeout=self._connect_s,
                    ping_interval=None,
                    close_timeout=_CLOSE_S,
                    proxy=None if is_this_machine(self._address) else True,
                )
            )
        except InvalidStatus as refusal:
            raise EndpointRefused(self.origin, refusal.response.status_code) from None
        except TimeoutError:
            raise EndpointTimedOut(
                f"{self.origin} did not connect within {self._connect_s:g} s"
            ) from None
        except (OSError, WebSocketException, ValueError) as error:
            reason = "cannot be reached"
            if isinstance(error, ssl.SSLError):
                reason = "has no certificate that is trusted here"
            elif not isinstance(error, OSError):
                reason = "is no WebSocket server"
            raise EndpointUnreachable(f"{self.origin} {reason}") from None
        # A write that stalls for longer fails: the kernel's timeout, because websockets has none.
        seconds = struct.pack("ll", int(self._stall_s), int(self._stall_s % 1 * 1e6))
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, seconds)
        return connection
