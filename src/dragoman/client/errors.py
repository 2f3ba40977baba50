"""What can go wrong between a client and a server, as exceptions a program can act on.

Law of this file: every failure of the client package is a ``ClientError`` whose text a person
can read and act on. No text contains the API key, and none is a bare library message.
"""

from __future__ import annotations

from http import HTTPStatus


class ClientError(Exception):
    """Base of everything that ``dragoman.client`` raises on purpose."""


class CannotConnect(ClientError):
    """No WebSocket server answered at the address; ``address`` is the URL that was tried."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(f"cannot connect to {address}: {reason}")
        self.address = address
        self.reason = reason


class Refused(ClientError):
    """The server answered the handshake with an HTTP error; ``status`` is its number."""

    def __init__(self, address: str, status: int, detail: str = "") -> None:
        meaning = {
            401: "the API key is missing or wrong (--api-key or DASHSCOPE_API_KEY)",
            403: "access denied: this key, workspace or origin may not use the server",
            404: "there is no realtime API at this path (expected /api-ws/v1/realtime)",
        }
        text = meaning.get(status, _phrase(status))
        super().__init__(f"{address} refused the connection ({status}): {detail or text}")
        self.address = address
        self.status = status


class ServerError(ClientError):
    """An ``error`` event of the server, with the fields it has on the wire."""

    def __init__(self, type_: str, code: str, message: str, param: str = "") -> None:
        where = f" ({param})" if param else ""
        super().__init__(f"{message or code or type_}{where}")
        self.type = type_
        self.code = code
        self.message = message
        self.param = param

    @property
    def fatal(self) -> bool:
        """Whether the server hangs up after it: only ``invalid_request_error`` does not."""
        return self.type != "invalid_request_error"


class ConnectionLost(ClientError):
    """The connection ended before the session did. ``code`` is 1006 if no close frame came."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"the server closed the connection ({code}): {reason or _closing(code)}")
        self.code = code
        self.reason = reason


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "no WebSocket here"


def _closing(code: int) -> str:
    known = {
        1000: "it ended before the session was finished",
        1001: "the server is shutting down",
        1006: "it broke off without a word",
        1009: "a message was too big",
    }
    return known.get(code, "no reason given")
