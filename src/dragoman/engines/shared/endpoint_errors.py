"""What a request to a model server may take, and what can go wrong with it.

Scope: values and exceptions only, so that whoever counts failures needs no HTTP library. The texts
are for the log: they hold the server's address and numbers, never a key and nothing of a request or
an answer. ``kind`` is a word for metrics and for the circuit breaker.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec

FailureKind = Literal["unreachable", "timeout", "overloaded", "refused", "failed", "nonsense"]

_OVERLOADED = frozenset({429, 503, 529})
NO_JSON = (msgspec.DecodeError, UnicodeError, RecursionError)
"""What decoding a server's JSON may raise: thousands of nested brackets end in the last one."""


class EndpointLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What one request may take, in seconds: to connect, until the first byte of the answer's
    body, between two pieces of it, and altogether. Threads are given up after 30 s, so ``total_s``
    stays below. ``answer_bytes`` bounds the answer; ``retry_after_s`` how long a server that has
    too much to do is waited for before it is asked once more.
    """

    connect_s: float = 3.0
    first_byte_s: float = 10.0
    between_s: float = 5.0
    total_s: float = 25.0
    answer_bytes: int = 4 << 20
    retry_after_s: float = 2.0


class EndpointFailed(Exception):
    """A request to a model server failed."""

    kind: FailureKind = "failed"


class EndpointUnreachable(EndpointFailed):
    """No connection, or it broke. ``answered``: after a part of the answer had come."""

    kind: FailureKind = "unreachable"

    def __init__(self, text: str, *, answered: bool = False) -> None:
        super().__init__(text)
        self.answered = answered


class EndpointTimedOut(EndpointFailed):
    """It did not connect, answer or go on in time."""

    kind: FailureKind = "timeout"


class EndpointRefused(EndpointFailed):
    """It answered with an HTTP status that is no success. ``kind`` is ``overloaded`` for a server
    that has too much to do (429, 503, 529), ``refused`` for what it does not accept (other 4xx, and
    redirects, which are not followed), ``failed`` for its own errors (other 5xx).
    ``retry_after_s`` is when it wants to be asked again, if it said so.
    """

    _REDIRECTED: ClassVar[str] = "; it points to another address: use that one"

    def __init__(self, origin: str, status: int, retry_after_s: float | None = None) -> None:
        more = self._REDIRECTED if 300 <= status < 400 else ""
        super().__init__(f"{origin} answered with HTTP status {status}{more}")
        self.status = status
        self.retry_after_s = retry_after_s
        if status in _OVERLOADED:
            self.kind = "overloaded"
        elif status < 500:
            self.kind = "refused"


class EndpointNonsense(EndpointFailed):
    """It answered with success and something that cannot be used."""

    kind: FailureKind = "nonsense"


class RequestCancelled(Exception):
    """Nobody waits for the answer any more; the connection is closed."""
