"""The connections of an ``Endpoint``: limits of time that fit a model server, and a way out.

Scope: httpcore's pool sends what httpx encodes. What httpx's own client does not have: the wait for
the first byte of an answer and the wait between two have limits of their own, the whole exchange
has one, and another thread can end it at any moment, also before the answer begins. For this every
read and write goes through ``_Connection``, which asks the exchange that uses it how long it may
wait.

Only HTTP/1.1, where closing the connection is what tells a server to stop generating.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, TypeVar
from urllib.request import getproxies, proxy_bypass

import httpcore
import httpx

from dragoman.engines.shared.endpoint_errors import (
    EndpointLimits,
    EndpointNonsense,
    EndpointTimedOut,
    EndpointUnreachable,
    RequestCancelled,
)

_KEEP_ALIVE_S = 30.0
ValueT = TypeVar("ValueT")


class Exchange:
    """One request and its answer. ``stop`` may be called by any thread, the rest by one at a time;
    ``with exchange:`` around everything that reads or writes.
    """

    def __init__(self, origin: str, limits: EndpointLimits) -> None:
        self.origin = origin
        self.limits = limits
        self.answered = False
        """A byte of the answer came: it must not be asked again."""
        self.has_body = False
        """A byte of the answer's body came."""
        self._ends_s = time.monotonic() + limits.total_s
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._socket: socket.socket | None = None

    def __enter__(self) -> Exchange:
        _CURRENT.exchange = self
        return self

    def __exit__(self, *_error: object) -> None:
        _CURRENT.exchange = None

    def stop(self) -> None:
        """End it now; whoever reads or writes gets ``RequestCancelled``."""
        with self._lock:
            self._stopped.set()
            if self._socket is not None:
                with suppress(OSError):  # of an SSL socket, too: its own method is not for threads
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def sleep(self, seconds: float) -> None:
        """Wait before the request is repeated. Raises what ``left_s`` does."""
        self._stopped.wait(self.left_s(seconds))
        self.left_s(0.0)

    def left_s(self, most_s: float) -> float:
        """How long to wait now. Raises ``RequestCancelled`` or ``EndpointTimedOut``."""
        if self._stopped.is_set():
            raise RequestCancelled
        left_s = self._ends_s - time.monotonic()
        if left_s <= 0:
            raise EndpointTimedOut(f"{self.origin} took more than {self.limits.total_s:g} s")
        return min(most_s, left_s)

    def use(self, connection: socket.socket, step: Callable[[float], ValueT]) -> ValueT:
        """A read or write of this connection, given the longest it may take."""
        between_s = self.limits.between_s if self.has_body else self.limits.first_byte_s
        most_s = self.left_s(between_s)
        with self._lock:
            self._socket = None if self._stopped.is_set() else connection
        try:
            self.left_s(0.0)
            return step(most_s)
        finally:
            with self._lock:
                self._socket = None

    @contextmanager
    def plain_errors(self) -> Iterator[None]:
        """What goes wrong inside, as an exception of ours."""
        try:
            yield
        except httpcore.ConnectError as error:
            reason = "cannot be reached"
            if isinstance(error.__context__, ssl.SSLError):
                reason = "has no certificate that is trusted here"
            raise EndpointUnreachable(f"{self.origin} {reason}") from None
        except httpcore.TimeoutException:
            self.left_s(0.0)
            raise EndpointTimedOut(f"{self.origin} did not {self._late()}") from None
        except (httpcore.NetworkError, httpcore.RemoteProtocolError, httpcore.ProxyError):
            if self._stopped.is_set():
                raise RequestCancelled from None
            when = "in the middle of its answer" if self.answered else "before it answered"
            text = f"{self.origin} broke the connection off {when}"
            raise EndpointUnreachable(text, answered=self.answered) from None
        except (httpcore.LocalProtocolError, httpcore.UnsupportedProtocol):
            raise EndpointNonsense(f"a request to {self.origin} could not be written") from None

    def _late(self) -> str:
        if self.has_body:
            return f"go on with its answer within {self.limits.between_s:g} s"
        return f"answer within {self.limits.first_byte_s:g} s"


class _Current(threading.local):
    exchange: Exchange | None = None


_CURRENT = _Current()


class _Connection(httpcore.NetworkStream):
    """A connection that asks the exchange of the calling thread."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        exchange = _CURRENT.exchange
        if exchange is None:
            return self._inner.read(max_bytes, timeout)
        data = exchange.use(self._socket, lambda most_s: self._inner.read(max_bytes, most_s))
        exchange.answered = exchange.answered or bool(data)
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        exchange = _CURRENT.exchange
        if exchange is None:
            self._inner.write(buffer, timeout)
        else:
            exchange.use(self._socket, lambda most_s: self._inner.write(buffer, most_s))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        return _Connection(self._inner.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)

    @property
    def _socket(self) -> socket.socket:
        found: socket.socket = self._inner.get_extra_info("socket")
        return found


class _Connecting(httpcore.SyncBackend):
    """Connects as httpcore does."""

    def connect_tcp(self, *arguments: Any, **options: Any) -> httpcore.NetworkStream:
        return _Connection(super().connect_tcp(*arguments, **options))


class Connections:
    """The connections to one address, through the proxy of the environment (``HTTPS_PROXY``) if it
    names one for this host. As many as there are requests at the same time.
    """

    def __init__(self, address: str, origin: str, limits: EndpointLimits) -> None:
        self._origin, self._limits = origin, limits
        url = httpx.URL(address)
        proxy = None if proxy_bypass(url.host) else getproxies().get(url.scheme)
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context() if url.scheme == "https" else None,
            proxy=None if proxy is None else httpcore.Proxy(proxy),
            max_connections=None,
            keepalive_expiry=_KEEP_ALIVE_S,
            network_backend=_Connecting(),
        )

    def exchange(self) -> Exchange:
        """For a request that begins now."""
        return Exchange(self._origin, self._limits)

    def send(
        self,
        exchange: Exchange,
        method: str,
        address: str,
        headers: Mapping[str, str],
        content: Mapping[str, Any],
    ) -> httpcore.Response:
        """The answer's head; its body is read by iterating, and closed. ``content`` are arguments
        of ``httpx.Request``. Raises what ``Exchange.plain_errors`` and ``Exchange.left_s`` do.
        """
        request = httpx.Request(method, address, headers=dict(headers), **content)
        assert isinstance(request.stream, httpx.SyncByteStream)
        url = request.url
        exchange.answered = False
        with exchange.plain_errors(), exchange:
            return self._pool.handle_request(
                httpcore.Request(
                    method,
                    httpcore.URL(
                        scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
                    ),
                    headers=request.headers.raw,
                    content=request.stream,
                    extensions={"timeout": {"connect": self._limits.connect_s}},
                )
            )

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()
