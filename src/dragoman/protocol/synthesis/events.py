"""The events that only the synthesis API has, and its ``session`` objects; field order is the
order on the wire.

Scope: shapes only. Defaults are the constants of the protocol; ``UNSET`` leaves a field out.
"""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from dragoman.protocol.core.events import ClientEvent, ServerEvent
from dragoman.protocol.realtime.events import (
    RESPONSE_EVENTS,
    SESSION_EVENTS,
    ResponseCancel,
    SessionFinish,
    SessionUpdate,
)


# ---------------------------------------------------------------- client events
class TextAppend(ClientEvent, frozen=True, kw_only=True, tag="input_text_buffer.append"):
    """More text, any piece of it down to half an emoji."""

    text: str


class TextCommit(ClientEvent, frozen=True, kw_only=True, tag="input_text_buffer.commit"):
    """Speak what is buffered."""


class TextClear(ClientEvent, frozen=True, kw_only=True, tag="input_text_buffer.clear"):
    """Forget what is buffered (commit mode only)."""


# ---------------------------------------------------------------- server events
class TextCommitted(ServerEvent, frozen=True, kw_only=True, tag="input_text_buffer.committed"):
    """The answer to an explicit commit; the cloud leaves ``item_id`` empty."""

    item_id: str = ""


class TextCleared(ServerEvent, frozen=True, kw_only=True, tag="input_text_buffer.cleared"):
    """The answer to a clear."""


# ---------------------------------------------------------------- session objects
class CreatedSession(msgspec.Struct, frozen=True, kw_only=True):
    """The session in ``session.created``; here the id comes last."""

    object: str = "realtime.session"
    mode: str
    model: str
    voice: str
    response_format: str
    sample_rate: int
    id: str


class UpdatedSession(msgspec.Struct, frozen=True, kw_only=True):
    """The session in ``session.updated``: only what the client ever set appears after
    ``sample_rate``, spelled as the client spelled it.
    """

    id: str
    object: str = "realtime.session"
    model: str
    voice: str
    mode: str
    response_format: str
    sample_rate: int
    language_type: str | UnsetType = UNSET
    speech_rate: float | UnsetType = UNSET
    pitch_rate: float | UnsetType = UNSET
    volume: int | UnsetType = UNSET
    bit_rate: int | UnsetType = UNSET
    instructions: str | UnsetType = UNSET
    optimize_instructions: bool | UnsetType = UNSET
    enable_tn: bool | UnsetType = UNSET


CLIENT_EVENTS = (SessionUpdate, TextAppend, TextCommit, TextClear, ResponseCancel, SessionFinish)
SERVER_EVENTS = (*SESSION_EVENTS, TextCommitted, TextCleared, *RESPONSE_EVENTS)
"""What a client and what the server may send in this API."""
