"""Every event of the live-interpretation API, all three generations, and nothing else.

Law of this file: shapes only. Which event a generation uses, and in which order, is decided in
``session.translation`` and ``protocol.interpretation.text_writers``. Dialect A (``qwen3-``,
``qwen3.5-``) publishes text as snapshots (``text`` + ``stash``), dialect B (``qwen3.8-``) as
deltas; everything else is shared. Class names are short English; the tag carries the wire name.

Payloads of ``append`` events stay base64 text here: the session decodes them, so that an error
about a bad payload can name the event's id. ``session`` objects are plain dictionaries: the
family validates what comes in and describes what goes out.
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
    """Change the configuration; validated by the family as a whole before it is taken."""

    session: dict[str, Any]


class AudioAppend(ClientEvent, frozen=True, kw_only=True, tag="input_audio_buffer.append"):
    """Speech: base64 of PCM s16le mono at the session's input rate."""

    audio: str


class ImageAppend(ClientEvent, frozen=True, kw_only=True, tag="input_image_buffer.append"):
    """A picture as context: base64 of a JPEG (PNG is tolerated)."""

    image: str


class AudioCommit(ClientEvent, frozen=True, kw_only=True, tag="input_audio_buffer.commit"):
    """Manual mode: the speech so far is one turn."""


class AudioClear(ClientEvent, frozen=True, kw_only=True, tag="input_audio_buffer.clear"):
    """Forget speech that was not yet committed."""


class ResponseCreate(ClientEvent, frozen=True, kw_only=True, tag="response.create"):
    """Not documented for these models, but sent in the wild; its content is ignored."""


class ResponseCancel(ClientEvent, frozen=True, kw_only=True, tag="response.cancel"):
    """Not documented for these models, but sent in the wild."""


class ItemCreate(ClientEvent, frozen=True, kw_only=True, tag="conversation.item.create"):
    """Not documented for these models, but the SDKs have a method for it."""


CLIENT_EVENTS = (
    SessionUpdate,
    AudioAppend,
    ImageAppend,
    AudioCommit,
    AudioClear,
    ResponseCreate,
    ResponseCancel,
    ItemCreate,
    SessionFinish,
)
"""What the codec decodes for this API."""


# ---------------------------------------------------------------- parts of server events
class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Content of an item. Mind the wart: inside ``response.done`` an audio part carries its text
    as ``transcript``, everywhere else as ``text``; a text part always as ``text``.
    """

    type: Literal["input_audio", "audio", "text"]
    text: str | UnsetType = UNSET
    transcript: str | UnsetType = UNSET


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation item. The cloud gives source items the role ``assistant`` too."""

    id: str
    object: Literal["realtime.item"] = "realtime.item"
    type: Literal["message"] = "message"
    status: ItemStatus
    role: Literal["assistant", "user"] = "assistant"
    content: tuple[Part, ...] = ()


class InputTokens(msgspec.Struct, frozen=True, kw_only=True):
    """Parts of ``input_tokens``. The cloud's key for image tokens is not known: they are counted
    as text, so that the parts add up.
    """

    text_tokens: int
    audio_tokens: int


class OutputTokens(msgspec.Struct, frozen=True, kw_only=True):
    """Parts of ``output_tokens``; ``audio_tokens`` is left out in text mode."""

    text_tokens: int
    audio_tokens: int | UnsetType = UNSET


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What a response would have cost on the cloud, in integers."""

    total_tokens: int
    input_tokens: int
    output_tokens: int
    input_tokens_details: InputTokens
    output_tokens_details: OutputTokens


class ResponseBody(msgspec.Struct, frozen=True, kw_only=True):
    """The ``response`` object of ``response.created`` and ``response.done``."""

    id: str
    object: Literal["realtime.response"] = "realtime.response"
    conversation_id: str
    status: ItemStatus
    modalities: tuple[str, ...]
    voice: str | UnsetType = UNSET
    output_audio_format: str
    output: tuple[Item, ...] = ()
    usage: Usage | UnsetType = UNSET


class TranscriptionError(msgspec.Struct, frozen=True, kw_only=True):
    """Why a source transcript failed."""

    type: str
    code: str
    message: str
    param: str | None = None


# ---------------------------------------------------------------- server events: session, buffer
class SessionCreated(ServerEvent, frozen=True, kw_only=True, tag="session.created"):
    """The first event of every connection."""

    session: dict[str, Any]


class SessionUpdated(ServerEvent, frozen=True, kw_only=True, tag="session.updated"):
    """The whole configuration after an update."""

    session: dict[str, Any]


class SpeechStarted(
    ServerEvent, frozen=True, kw_only=True, tag="input_audio_buffer.speech_started"
):
    """A turn opened; media time of the session's audio. ``speaker_id`` only in dialect B."""

    audio_start_ms: int
    item_id: str
    speaker_id: int | UnsetType = UNSET


class SpeechStopped(
    ServerEvent, frozen=True, kw_only=True, tag="input_audio_buffer.speech_stopped"
):
    """The speech of the turn ended."""

    audio_end_ms: int
    item_id: str


class AudioCommitted(ServerEvent, frozen=True, kw_only=True, tag="input_audio_buffer.committed"):
    """Manual mode only: what was appended is now a turn with this source item."""

    previous_item_id: str | UnsetType = UNSET
    item_id: str


class AudioCleared(ServerEvent, frozen=True, kw_only=True, tag="input_audio_buffer.cleared"):
    """Uncommitted speech was forgotten."""


class ItemCreated(ServerEvent, frozen=True, kw_only=True, tag="conversation.item.created"):
    """Two per turn: the source item, then the translation item that points back at it."""

    previous_item_id: str | UnsetType = UNSET
    item: Item


# ---------------------------------------------------------------- server events: source transcript
class TranscriptionText(
    ServerEvent,
    frozen=True,
    kw_only=True,
    tag="conversation.item.input_audio_transcription.text",
):
    """Dialect A: all committed source text of the turn, and the tentative tail."""

    item_id: str
    content_index: int = 0
    text: str
    stash: str
    language: str | UnsetType = UNSET
    emotion: str | UnsetType = UNSET


class TranscriptionDelta(
    ServerEvent,
    frozen=True,
    kw_only=True,
    tag="conversation.item.input_audio_transcription.delta",
):
    """Dialect B: what was committed since the last delta."""

    item_id: str
    content_index: int = 0
    delta: str
    obfuscation: str


class TranscriptionCompleted(
    ServerEvent,
    frozen=True,
    kw_only=True,
    tag="conversation.item.input_audio_transcription.completed",
):
    """The whole source text of the turn; "" where nothing was recognised."""

    item_id: str
    content_index: int = 0
    transcript: str
    language: str | UnsetType = UNSET
    emotion: str | UnsetType = UNSET


class TranscriptionFailed(
    ServerEvent,
    frozen=True,
    kw_only=True,
    tag="conversation.item.input_audio_transcription.failed",
):
    """No source text will come for this turn."""

    item_id: str
    content_index: int = 0
    error: TranscriptionError


# ---------------------------------------------------------------- server events: response
class ResponseCreated(ServerEvent, frozen=True, kw_only=True, tag="response.created"):
    """The translation of a turn begins."""

    response: ResponseBody


class OutputItemAdded(ServerEvent, frozen=True, kw_only=True, tag="response.output_item.added"):
    """The item that the translation goes into."""

    response_id: str
    output_index: int = 0
    item: Item


class PartAdded(InPart, frozen=True, kw_only=True, tag="response.content_part.added"):
    """The part that text (and speech) goes into."""

    part: Part


class TranscriptText(InPart, frozen=True, kw_only=True, tag="response.audio_transcript.text"):
    """Dialect A, with audio: all committed target text of the turn, and the tentative tail."""

    text: str
    stash: str


class TextText(InPart, frozen=True, kw_only=True, tag="response.text.text"):
    """Dialect A, text only: as ``TranscriptText``."""

    text: str
    stash: str


class TranscriptDelta(InPart, frozen=True, kw_only=True, tag="response.audio_transcript.delta"):
    """Dialect B, with audio: target text committed since the last delta."""

    delta: str


class TextDelta(InPart, frozen=True, kw_only=True, tag="response.text.delta"):
    """Dialect B, text only: as ``TranscriptDelta``."""

    delta: str


class TranscriptDone(InPart, frozen=True, kw_only=True, tag="response.audio_transcript.done"):
    """The whole target text, with audio."""

    transcript: str


class TextDone(InPart, frozen=True, kw_only=True, tag="response.text.done"):
    """The whole target text, text only."""

    text: str


class PartDone(InPart, frozen=True, kw_only=True, tag="response.content_part.done"):
    """The part with its whole text."""

    part: Part


class OutputItemDone(ServerEvent, frozen=True, kw_only=True, tag="response.output_item.done"):
    """The item with its part."""

    response_id: str
    output_index: int = 0
    item: Item


class ResponseDone(ServerEvent, frozen=True, kw_only=True, tag="response.done"):
    """The translation of the turn is complete, with its usage."""

    response: ResponseBody
