"""The WebSocket library's parser with this server's bounds and refusals.

Scope: what frames and handshakes may be; pure, but for the clock of the rate. A frame costs the
parser the same whether it carries anything or not, and within the protocol a client may send
control frames and fragments without end; so these have bounds (close 1008).
"""

from __future__ import annotations

import http
import time
from collections.abc import Callable

from websockets.datastructures import Headers
from websockets.exceptions import WebSocketException
from websockets.frames import CLOSE, CONT, CTRL_OPCODES, CloseCode, Frame
from websockets.http11 import Response
from websockets.server import ServerProtocol

from dragoman.server.admission import Refusal
from dragoman.server.refusals import http_answer

CONTROL_BURST = 200
CONTROL_PER_S = 20.0
FRAGMENTS = 4096
"""Of one message; a proxy that cuts 2 MiB into pieces of 512 bytes stays below."""


class TooManyFrames(WebSocketException):
    """More frames than a client has a use for."""


class BoundedFrames(ServerProtocol):
    """One connection; ``on_refusal`` is told status and code of a handshake that it refuses."""

    def __init__(self, frame_bytes: int, on_refusal: Callable[[int, str], None]) -> None:
        super().__init__(max_size=frame_bytes)
        self._on_refusal = on_refusal
        self._control_left = float(CONTROL_BURST)
        self._control_at = time.monotonic()
        self._fragments = 0

    def recv_frame(self, frame: Frame) -> None:
        """Take a frame, unless it is one too many."""
        if frame.opcode in CTRL_OPCODES:
            if frame.opcode is CLOSE:
                self.current_size = None  # RFC 6455 lets a client close inside a message
            elif not self._may_have_control():
                self._refuse_more("too many control frames")
                return
        else:
            self._fragments = self._fragments + 1 if frame.opcode is CONT else 1
            if self._fragments > FRAGMENTS:
                self._refuse_more("too many fragments")
                return
        super().recv_frame(frame)

    def _may_have_control(self) -> bool:
        now = time.monotonic()
        earned = (now - self._control_at) * CONTROL_PER_S
        self._control_left = min(self._control_left + earned, CONTROL_BURST) - 1.0
        self._control_at = now
        return self._control_left >= 0

    def _refuse_more(self, reason: str) -> None:
        self.fail(CloseCode.POLICY_VIOLATION, reason)
        self.parser_exc = TooManyFrames(reason)

    def reject(self, status: http.HTTPStatus | int, _text: str) -> Response:
        """The library's refusal of a handshake, in our form: no text of an exception."""
        status = http.HTTPStatus(status)
        code = {500: "InternalError", 503: "ServiceUnavailable"}.get(status, "BadRequest")
        self._on_refusal(status.value, code)
        message = _MESSAGES.get(status, "This is not a valid WebSocket handshake.")
        headers, body = http_answer(Refusal(status, code, message))
        headers |= {"Connection": "close", "Content-Length": str(len(body))}
        return Response(status.value, status.phrase, Headers(headers), body)


_MESSAGES = {
    500: "The connection could not be served.",
    503: "The server cannot take the connection now.",
}
