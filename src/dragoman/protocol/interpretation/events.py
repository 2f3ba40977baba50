"""The events that only interpretation has: target text, and source text as deltas.

Scope: shapes only. Which event a generation uses is a field of the generation, and the order stands
in ``event_order``. ``qwen3`` and ``qwen3.5`` publish text as snapshots (``text`` + ``stash``),
``qwen3.8`` as deltas.
"""

from __future__ import annotations

from dragoman.protocol.audio_input import events as audio_input
from dragoman.protocol.core.events import ServerEvent
from dragoman.protocol.realtime.events import RESPONSE_EVENTS, SESSION_EVENTS, InPart


class TranscriptionDelta(
    ServerEvent,
    frozen=True,
    kw_only=True,
    tag="conversation.item.input_audio_transcription.delta",
):
    """Source text committed since the last delta."""

    item_id: str
    content_index: int = 0
    delta: str
    obfuscation: str


class TranscriptText(InPart, frozen=True, kw_only=True, tag="response.audio_transcript.text"):
    """Snapshot, with audio: all committed target text of the turn, and the tentative tail."""

    text: str
    stash: str


class TextText(InPart, frozen=True, kw_only=True, tag="response.text.text"):
    """Snapshot, text only: as ``TranscriptText``."""

    text: str
    stash: str


class TranscriptDelta(InPart, frozen=True, kw_only=True, tag="response.audio_transcript.delta"):
    """With audio: target text committed since the last delta."""

    delta: str


class TextDelta(InPart, frozen=True, kw_only=True, tag="response.text.delta"):
    """Text only: as ``TranscriptDelta``."""

    delta: str


class TranscriptDone(InPart, frozen=True, kw_only=True, tag="response.audio_transcript.done"):
    """The whole target text, with audio."""

    transcript: str


class TextDone(InPart, frozen=True, kw_only=True, tag="response.text.done"):
    """The whole target text, text only."""

    text: str


CLIENT_EVENTS = audio_input.CLIENT_EVENTS
SERVER_EVENTS = (
    *SESSION_EVENTS,
    *audio_input.SERVER_EVENTS,
    TranscriptionDelta,
    *RESPONSE_EVENTS,
    TranscriptText,
    TextText,
    TranscriptDelta,
    TextDelta,
    TranscriptDone,
    TextDone,
)
"""What a client and what the server may send in this API."""
