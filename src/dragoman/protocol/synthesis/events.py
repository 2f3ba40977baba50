"""Every event of the synthesis API; field order is the order on the wire.

Law of this file: shapes only. Defaults are the constants of the protocol; ``UNSET`` leaves a
field out. ``session.update`` carries its settings untyped, because a wrong value there must be
named with its path and the supported values (``protocol.synthesis.family.merge`` does that).
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from dragoman.protocol.core.common_events import InPart, SessionFinish
from dragoman.protocol.core.events import ClientEvent, ServerEvent

ItemStatus = Literal["in_progress", "completed", "failed", "incomplete"]


# ---------------------------------------------------------------- client events
class SessionUpdate(ClientEvent, frozen=True, kw_only=True, tag="session.update"):
    """New settings; keys that are missing keep their earlier values."""

    session: dict[str, Any]


class TextAppend(ClientEvent, frozen=True, kw_only=True, tag="input_text_buffer.append"):
    """More text, any piece of it down to half an emoji."""

    text: str


class TextCommit(ClientEvent, frozen=True, kw_only=True, tag="input_text_buffer.commit"):
    """Speak what is buffered."""


class TextClear(ClientEvent, frozen=True, kw_only=True, tag="input_text_buffer.clear"):
    """Forget what is buffered (commit mode only)."""


class ResponseCancel(ClientEvent, frozen=True, kw_only=True, tag="response.cancel"):
    """Stop speaking and drop what was not spoken."""


CLIENT_EVENTS: tuple[type[ClientEvent], ...] = (
    SessionUpdate,
    TextAppend,
    TextCommit,
    TextClear,
    ResponseCancel,
    SessionFinish,
)


# ---------------------------------------------------------------- parts of server events
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


class AudioPart(msgspec.Struct, frozen=True, kw_only=True):
    """A content part: speech. It has an (always empty) ``text``, except in ``response.done``,
    where the same thing is called ``transcript``.
    """

    type: str = "audio"
    text: str | UnsetType = ""
    transcript: str | UnsetType = UNSET


class InputDetails(msgspec.Struct, frozen=True, kw_only=True):
    """What the input tokens were."""

    text_tokens: int


class OutputDetails(msgspec.Struct, frozen=True, kw_only=True):
    """What the output tokens were."""

    text_tokens: int = 0
    audio_tokens: int


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What a response cost. ``characters`` counts a Han ideograph twice."""

    characters: int | UnsetType = UNSET
    total_tokens: int
    input_tokens: int
    output_tokens: int
    input_tokens_details: InputDetails
    output_tokens_details: OutputDetails


class ItemOutput(msgspec.Struct, frozen=True, kw_only=True):
    """Where ``response.output_item.done`` keeps its usage."""

    usage: Usage


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """The one output item of a response, in all its three forms."""

    id: str
    object: str = "realtime.item"
    type: str = "message"
    status: ItemStatus
    role: str = "assistant"
    content: tuple[AudioPart, ...] = ()
    output: ItemOutput | UnsetType = UNSET


class CreatedResponse(msgspec.Struct, frozen=True, kw_only=True):
    """The response in ``response.created``."""

    id: str
    object: str = "realtime.response"
    conversation_id: str = ""
    status: ItemStatus = "in_progress"
    voice: str
    output: tuple[Item, ...] = ()


class DoneResponse(msgspec.Struct, frozen=True, kw_only=True):
    """The response in ``response.done``."""

    id: str
    object: str = "realtime.response"
    conversation_id: str = ""
    status: ItemStatus
    modalities: tuple[str, ...] = ("text", "audio")
    voice: str
    output: tuple[Item, ...]
    usage: Usage


# ---------------------------------------------------------------- server events
class SessionCreated(ServerEvent, frozen=True, kw_only=True, tag="session.created"):
    """The first event of a connection."""

    session: CreatedSession


class SessionUpdated(ServerEvent, frozen=True, kw_only=True, tag="session.updated"):
    """The answer to a good ``session.update``."""

    session: UpdatedSession


class TextCommitted(ServerEvent, frozen=True, kw_only=True, tag="input_text_buffer.committed"):
    """The answer to an explicit commit; the cloud leaves ``item_id`` empty."""

    item_id: str = ""


class TextCleared(ServerEvent, frozen=True, kw_only=True, tag="input_text_buffer.cleared"):
    """The answer to a clear."""


class ResponseCreated(ServerEvent, frozen=True, kw_only=True, tag="response.created"):
    """A response opens."""

    response: CreatedResponse


class ItemAdded(ServerEvent, frozen=True, kw_only=True, tag="response.output_item.added"):
    """Its one item."""

    response_id: str
    output_index: int = 0
    item: Item


class PartAdded(InPart, frozen=True, kw_only=True, tag="response.content_part.added"):
    """The item's one part."""

    part: AudioPart = AudioPart()


class PartDone(InPart, frozen=True, kw_only=True, tag="response.content_part.done"):
    """The part is complete."""

    part: AudioPart = AudioPart()


class ItemDone(ServerEvent, frozen=True, kw_only=True, tag="response.output_item.done"):
    """The item is complete."""

    response_id: str
    output_index: int = 0
    item: Item


class ResponseDone(ServerEvent, frozen=True, kw_only=True, tag="response.done"):
    """The response is complete."""

    response: DoneResponse
