"""Events that the realtime APIs share: ``session.*``, ``error``, ``response.*``.

Scope: shapes only; field order is the order on the wire. An event stands here if several APIs have
it; a field that one of them lacks is ``UNSET`` there. ``session`` objects are plain dictionaries:
each API checks what comes in and describes what goes out.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
import pybase64
from msgspec import UNSET, UnsetType

from dragoman.protocol.core.events import ClientEvent, ServerEvent

ErrorType = Literal["invalid_request_error", "server_error"]
ItemStatus = Literal["in_progress", "completed", "failed", "incomplete"]


# ---------------------------------------------------------------- client events
class SessionUpdate(ClientEvent, frozen=True, kw_only=True, tag="session.update"):
    """New settings. They stay untyped, because an error names the path of a wrong value and the
    supported ones; the API reads them as a whole before it takes any.
    """

    session: dict[str, Any]


class SessionFinish(ClientEvent, frozen=True, kw_only=True, tag="session.finish"):
    """The client will send no more; flush, then ``session.finished``."""


class ResponseCancel(ClientEvent, frozen=True, kw_only=True, tag="response.cancel"):
    """Stop the open response and drop what it still had to say."""


# ---------------------------------------------------------------- server events: session
class SessionCreated(ServerEvent, frozen=True, kw_only=True, tag="session.created"):
    """The first event of every connection."""

    session: dict[str, Any]


class SessionUpdated(ServerEvent, frozen=True, kw_only=True, tag="session.updated"):
    """The answer to a good ``session.update``: the whole configuration."""

    session: dict[str, Any]


class SessionFinished(ServerEvent, frozen=True, kw_only=True, tag="session.finished"):
    """Nothing more comes; the client hangs up."""


class ErrorBody(msgspec.Struct, frozen=True, kw_only=True):
    """``event_id`` names the client event at fault; left out where there is none."""

    type: ErrorType
    code: str
    message: str
    param: str = ""
    event_id: str | UnsetType = UNSET


class Error(ServerEvent, frozen=True, kw_only=True, tag="error"):
    """``invalid_request_error`` keeps the connection, ``server_error`` is followed by a close."""

    error: ErrorBody


# ---------------------------------------------------------------- parts of server events
class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Content of an item: ``input_audio``, ``audio`` or ``text``. The text of an audio part is
    called ``transcript`` inside ``response.done`` and ``text`` everywhere else.
    """

    type: str
    text: str | UnsetType = UNSET
    transcript: str | UnsetType | None = UNSET


class InputTokens(msgspec.Struct, frozen=True, kw_only=True):
    """Parts of ``input_tokens``. The cloud's key for image tokens is not known: they are counted
    as text, so that the parts add up.
    """

    text_tokens: int
    audio_tokens: int | UnsetType = UNSET


class OutputTokens(msgspec.Struct, frozen=True, kw_only=True):
    """Parts of ``output_tokens``; ``audio_tokens`` is left out where nothing is spoken."""

    text_tokens: int
    audio_tokens: int | UnsetType = UNSET


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What a response would have cost on the cloud. ``characters`` counts a Han ideograph twice."""

    characters: int | UnsetType = UNSET
    total_tokens: int
    input_tokens: int
    output_tokens: int
    input_tokens_details: InputTokens
    output_tokens_details: OutputTokens


class ItemOutput(msgspec.Struct, frozen=True, kw_only=True):
    """Where ``response.output_item.done`` of the synthesis API keeps its usage."""

    usage: Usage


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation item. The cloud gives the source items of interpretation the role
    ``assistant``, too.
    """

    id: str
    object: str = "realtime.item"
    type: str = "message"
    status: ItemStatus
    role: str = "assistant"
    content: tuple[Part, ...] = ()
    output: ItemOutput | UnsetType = UNSET


class ResponseBody(msgspec.Struct, frozen=True, kw_only=True):
    """The ``response`` object of ``response.created`` and ``response.done``."""

    id: str
    object: str = "realtime.response"
    conversation_id: str = ""
    status: ItemStatus
    modalities: tuple[str, ...] | UnsetType = UNSET
    voice: str | UnsetType = UNSET
    output_audio_format: str | UnsetType = UNSET
    output: tuple[Item, ...] = ()
    usage: Usage | UnsetType = UNSET


# ---------------------------------------------------------------- server events: response
class ResponseCreated(ServerEvent, frozen=True, kw_only=True, tag="response.created"):
    """A response opens."""

    response: ResponseBody


class OutputItemAdded(ServerEvent, frozen=True, kw_only=True, tag="response.output_item.added"):
    """The one item of the response."""

    response_id: str
    output_index: int = 0
    item: Item


class InPart(ServerEvent, frozen=True, kw_only=True):
    """What every event about the one part of a response says of its place."""

    response_id: str
    item_id: str
    output_index: int = 0
    content_index: int = 0


class PartAdded(InPart, frozen=True, kw_only=True, tag="response.content_part.added"):
    """The part that text and speech go into."""

    part: Part


class AudioDelta(InPart, frozen=True, kw_only=True, tag="response.audio.delta"):
    """A piece of speech; base64 on the wire."""

    delta: bytes


class AudioDone(InPart, frozen=True, kw_only=True, tag="response.audio.done"):
    """The audio of a response is complete."""


class PartDone(InPart, frozen=True, kw_only=True, tag="response.content_part.done"):
    """The part is complete."""

    part: Part


class OutputItemDone(ServerEvent, frozen=True, kw_only=True, tag="response.output_item.done"):
    """The item is complete."""

    response_id: str
    output_index: int = 0
    item: Item


class ResponseDone(ServerEvent, frozen=True, kw_only=True, tag="response.done"):
    """The response is complete, with its usage."""

    response: ResponseBody


SESSION_EVENTS = (SessionCreated, SessionUpdated, SessionFinished, Error)
RESPONSE_EVENTS = (
    ResponseCreated,
    OutputItemAdded,
    PartAdded,
    AudioDelta,
    AudioDone,
    PartDone,
    OutputItemDone,
    ResponseDone,
)
"""What a server sends in every realtime API, and in those that respond."""


def audio_delta_frame(event: AudioDelta, event_id: str) -> str:
    """The frame of an audio delta from a template: it is most of what the loop encodes. All of
    its ids are our own (alphanumeric) and base64 needs no escapes either.
    """
    return (
        f'{{"event_id":"{event_id}","type":"response.audio.delta",'
        f'"response_id":"{event.response_id}","item_id":"{event.item_id}",'
        f'"output_index":{event.output_index},"content_index":{event.content_index},'
        f'"delta":"{pybase64.b64encode_as_string(event.delta)}"}}'
    )
