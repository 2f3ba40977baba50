"""The exceptions of the client package.

Scope: every failure is a ``ClientError`` whose text a person can act on. No text contains the API
key or the bare message of a library.
"""

from __future__ import annotations

from http import HTTPStatus


class ClientError(Exception):
    """Base of all exceptions of ``dragoman.client``."""


class CannotConnect(ClientError):
    """No WebSocket server answers at the URL ``address``."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(f"cannot connect to {address}: {reason}")
        self.address = address
        self.reason = reason


class Refused(ClientError):
    """The server answered the handshake with the HTTP error ``status``."""

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
    """An ``error`` event of the server, with its fields."""

    def __init__(self, type_: str, code: str, message: str, param: str = "") -> None:
        where = f" ({param})" if param else ""
        super().__init__(f"{message or code or type_}{where}")
        self.type = type_
        self.code = code
        self.message = message
        self.param = param

    @property
    def fatal(self) -> bool:
        """Whether the server closes the connection after it: all but ``invalid_request_error``."""
        return self.type != "invalid_request_error"


class ConnectionLost(ClientError):
    """The connection closed before the session ended. ``code`` is 1006 without a close frame."""

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
        1006: "the connection broke off",
        1009: "a message was too big",
    }
    return known.get(code, "no reason given")
