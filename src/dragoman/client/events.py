"""What a client receives, as typed values that are alike for all models.

Scope: values only. Every event keeps the server's JSON object in ``raw``.
"""

from __future__ import annotations

from typing import Any

import msgspec

from dragoman.client.errors import ServerError


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """An event of the server; ``raw`` is its JSON object."""

    raw: dict[str, Any] = msgspec.field(default_factory=dict)


class SessionChanged(Event, frozen=True, kw_only=True):
    """``session.created`` or ``session.updated``: the settings now in force."""

    session: dict[str, Any]


class SessionEnded(Event, frozen=True, kw_only=True):
    """``session.finished``: the server has sent everything."""


class Problem(Event, frozen=True, kw_only=True):
    """An ``error`` event or a failed transcription. After a ``fatal`` one the server closes."""

    type: str
    code: str
    message: str
    param: str = ""
    fatal: bool = False

    def as_error(self) -> ServerError:
        """The same as an exception."""
        return ServerError(self.type, self.code, self.message, self.param)


class TokenUsage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens of one response; only synthesis counts ``characters``."""

    total_tokens: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    characters: int = 0


class ResponseFinished(Event, frozen=True, kw_only=True):
    """``response.done``; ``status`` is ``completed``, ``incomplete`` or ``failed``."""

    response_id: str
    status: str
    usage: TokenUsage | None = None


class SourceText(Event, frozen=True, kw_only=True):
    """Recognised text of one item so far: ``text`` is committed, ``stash`` may still change.

    ``text`` is always the whole text of the item. After ``final`` no more comes for it.
    """

    item_id: str
    text: str
    stash: str = ""
    final: bool = False
    language: str = ""


class TranslatedText(Event, frozen=True, kw_only=True):
    """Translated text of one response so far; fields as in :class:`SourceText`."""

    response_id: str
    item_id: str
    text: str
    stash: str = ""
    final: bool = False


class SpeechAudio(Event, frozen=True, kw_only=True):
    """A piece of speech. Interpretation sends s16le mono at 24 kHz, synthesis bytes in the
    session's ``response_format`` (by default the same).
    """

    data: bytes
    response_id: str


class SourceSpeechStarted(Event, frozen=True, kw_only=True):
    """The speaker began at this media time of the audio that was sent."""

    audio_start_ms: int
    item_id: str


class SourceSpeechStopped(Event, frozen=True, kw_only=True):
    """The speaker stopped at this media time of the audio that was sent."""

    audio_end_ms: int
    item_id: str


class Committed(Event, frozen=True, kw_only=True):
    """The server accepted a commit."""


class Cleared(Event, frozen=True, kw_only=True):
    """The server emptied its input buffer."""


class Other(Event, frozen=True, kw_only=True):
    """Any other event; see ``raw``."""

    type: str
