"""What a client hears, as small typed values, alike for both dialects of interpretation.

Law of this file: values only. Every event keeps the wire's own object in ``raw``; nothing here
knows how it got there.
"""

from __future__ import annotations

from typing import Any

import msgspec

from dragoman.client.errors import ServerError


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that came from the server; ``raw`` is the JSON object it came in."""

    raw: dict[str, Any] = msgspec.field(default_factory=dict)


class SessionChanged(Event, frozen=True, kw_only=True):
    """``session.created`` or ``session.updated``: the settings now in force."""

    session: dict[str, Any]


class SessionFinished(Event, frozen=True, kw_only=True):
    """``session.finished``: the server has said everything."""


class Problem(Event, frozen=True, kw_only=True):
    """An ``error`` event, or a failed transcription. The connection lives unless ``fatal``."""

    type: str
    code: str
    message: str
    param: str = ""
    fatal: bool = False

    def as_error(self) -> ServerError:
        """The same as an exception."""
        return ServerError(self.type, self.code, self.message, self.param)


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens of one response; ``characters`` is counted by synthesis only."""

    total_tokens: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    characters: int = 0


class TurnDone(Event, frozen=True, kw_only=True):
    """A response is complete; ``status`` is ``completed``, ``incomplete`` or ``failed``."""

    response_id: str
    status: str
    usage: Usage | None = None


class SourceText(Event, frozen=True, kw_only=True):
    """What was heard so far in one item: ``text`` is certain, ``stash`` may still change.

    ``text`` is always the whole of it, in both dialects. After ``final`` the item says no more.
    """

    item_id: str
    text: str
    stash: str = ""
    final: bool = False
    language: str = ""


class TargetText(Event, frozen=True, kw_only=True):
    """The translation of one response so far; fields as in :class:`SourceText`."""

    response_id: str
    item_id: str
    text: str
    stash: str = ""
    final: bool = False


class Audio(Event, frozen=True, kw_only=True):
    """Translated speech: s16le mono at 24 kHz."""

    pcm: bytes
    response_id: str


class SpeechStarted(Event, frozen=True, kw_only=True):
    """Speech begins at this media time of what was sent."""

    audio_start_ms: int
    item_id: str


class SpeechStopped(Event, frozen=True, kw_only=True):
    """Speech ended at this media time of what was sent."""

    audio_end_ms: int
    item_id: str


class SpokenData(Event, frozen=True, kw_only=True):
    """Bytes of synthesised speech in the session's ``response_format`` (default s16le mono)."""

    data: bytes
    response_id: str


class Committed(Event, frozen=True, kw_only=True):
    """The server took a commit."""


class Cleared(Event, frozen=True, kw_only=True):
    """The server emptied its input buffer."""


class Other(Event, frozen=True, kw_only=True):
    """Any event without a type of its own here; look into ``raw``."""

    type: str
