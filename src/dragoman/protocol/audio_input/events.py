"""Events of the APIs that take speech: its buffer, turns, source items and transcripts.

Scope: shapes only, shared by interpretation and recognition. Payloads of ``append`` events stay
base64 text here: the session decodes them, so that an error about a bad payload can name the
event's id.
"""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from dragoman.protocol.core.events import ClientEvent, ServerEvent
from dragoman.protocol.realtime.events import Item, ResponseCancel, SessionFinish, SessionUpdate


# ---------------------------------------------------------------- client events
class AudioAppend(ClientEvent, frozen=True, kw_only=True, tag="input_audio_buffer.append"):
    """Speech: base64 of PCM s16le mono at the session's input rate, or of Opus."""

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


# ---------------------------------------------------------------- server events: buffer, items
class VadSpeechStarted(
    ServerEvent, frozen=True, kw_only=True, tag="input_audio_buffer.speech_started"
):
    """A turn opened; media time of the session's audio. ``speaker_id`` only where the API has
    speaker detection.
    """

    audio_start_ms: int
    item_id: str
    speaker_id: int | UnsetType = UNSET


class VadSpeechStopped(
    ServerEvent, frozen=True, kw_only=True, tag="input_audio_buffer.speech_stopped"
):
    """The speech of the turn ended."""

    audio_end_ms: int
    item_id: str


class AudioCommitted(ServerEvent, frozen=True, kw_only=True, tag="input_audio_buffer.committed"):
    """What was appended is now a turn with this source item."""

    previous_item_id: str | UnsetType = UNSET
    item_id: str


class AudioCleared(ServerEvent, frozen=True, kw_only=True, tag="input_audio_buffer.cleared"):
    """Uncommitted speech was forgotten."""


class ItemCreated(ServerEvent, frozen=True, kw_only=True, tag="conversation.item.created"):
    """A source item, or a translation item that points back at it."""

    previous_item_id: str | UnsetType = UNSET
    item: Item


# ---------------------------------------------------------------- server events: source transcript
class TranscriptionText(
    ServerEvent,
    frozen=True,
    kw_only=True,
    tag="conversation.item.input_audio_transcription.text",
):
    """Snapshot: all committed source text of the turn, and the tentative tail."""

    item_id: str
    content_index: int = 0
    text: str
    stash: str
    language: str | UnsetType = UNSET
    emotion: str | UnsetType = UNSET


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


class TranscriptionError(msgspec.Struct, frozen=True, kw_only=True):
    """Why a source transcript failed."""

    type: str | UnsetType = UNSET
    code: str
    message: str
    param: str | None = None


FAILED = ("internal_error", "Recognition failed.")
REFUSED = (
    "ServiceUnavailable",
    "More people speak at the same time than the server carries. Please try again later.",
)
"""Code and message of a turn that the recogniser failed, and of one that was not recognised."""


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


SERVER_EVENTS = (
    VadSpeechStarted,
    VadSpeechStopped,
    AudioCommitted,
    AudioCleared,
    ItemCreated,
    TranscriptionText,
    TranscriptionCompleted,
    TranscriptionFailed,
)
