"""Events that both APIs have: ``error``, ``session.finished``, ``response.audio.delta``.

Law of this file: an event stands here only if its shape is the same in both APIs.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from dragoman.protocol.core.events import ClientEvent, ServerEvent

ErrorType = Literal["invalid_request_error", "server_error"]


class SessionFinish(ClientEvent, frozen=True, kw_only=True, tag="session.finish"):
    """The client will send no more; flush, then ``session.finished``."""


class ErrorBody(msgspec.Struct, frozen=True, kw_only=True):
    """``event_id`` names the client event at fault; left out where there is none."""

    type: ErrorType
    code: str
    message: str
    param: str = ""
    event_id: str | msgspec.UnsetType = msgspec.UNSET


class Error(ServerEvent, frozen=True, kw_only=True, tag="error"):
    """``invalid_request_error`` keeps the connection, ``server_error`` is followed by a close."""

    error: ErrorBody


class SessionFinished(ServerEvent, frozen=True, kw_only=True, tag="session.finished"):
    """Nothing more comes; the client hangs up."""


class InPart(ServerEvent, frozen=True, kw_only=True):
    """What every event about the one part of a response says of its place."""

    response_id: str
    item_id: str
    output_index: int = 0
    content_index: int = 0


class AudioDelta(InPart, frozen=True, kw_only=True, tag="response.audio.delta"):
    """A piece of speech. On the wire the bytes are base64; the codec writes this event from a
    template, because at 50 sessions it is most of what the loop encodes.
    """

    delta: bytes


class AudioDone(InPart, frozen=True, kw_only=True, tag="response.audio.done"):
    """The audio of a response is complete."""
