"""The two ways to write text on the wire: snapshots (A) and deltas (B).

Law of this file: a dialect is a writer of facts to events, and nothing else differs between the
generations here. Both get the same stream: committed ``text`` that only grows, and a tentative
``stash``. ``Snapshots`` publishes both, each time in full; ``Deltas`` publishes what was
committed since the last time and never shows the stash. One writer serves one turn.

A text that takes back what was published is a defect of an engine and must never reach a
client: the writer refuses it (``Rewritten``) and keeps what it has.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec
from msgspec import UNSET

from dragoman.protocol.core.events import ServerEvent
from dragoman.protocol.interpretation.events import (
    TextDelta,
    TextText,
    TranscriptDelta,
    TranscriptionCompleted,
    TranscriptionDelta,
    TranscriptionText,
    TranscriptText,
)

OBFUSCATION_CHARS = 14
EMOTION = ""
"""The documents allow the empty value; none of our engines hears emotions."""


class Rewritten(Exception):
    """Committed text was taken back."""


class TurnIds(msgspec.Struct, frozen=True):
    """The ids of one turn."""

    source_item: str
    response: str
    item: str


class AppendOnlyText:
    """Text that was published and may only be extended."""

    def __init__(self) -> None:
        self.text = ""

    def extend(self, text: str) -> str:
        """Take the longer text; what is new of it. Raises ``Rewritten``."""
        if not text.startswith(self.text):
            raise Rewritten
        new = text[len(self.text) :]
        self.text = text
        return new


class TextWriter(Protocol):
    """What a turn needs of its dialect."""

    opens_with_speech: bool
    """Whether the response opens with the turn, before anything was recognised."""
    shows_speaker: bool
    """Whether the client is told who speaks."""

    source: AppendOnlyText
    target: AppendOnlyText

    def heard(self, text: str, stash: str, language: str | None) -> ServerEvent | None:
        """The event for a source text, or None if nothing changed for the client."""

    def translated(self, text: str, stash: str) -> ServerEvent | None:
        """The event for a target text, or None if nothing changed for the client."""

    def completed(self, language: str | None) -> TranscriptionCompleted:
        """The end of the source text, as far as it was published."""


class Snapshots:
    """Dialect A: qwen3 and qwen3.5."""

    opens_with_speech = False
    shows_speaker = False

    def __init__(self, ids: TurnIds, *, spoken: bool) -> None:
        self._ids, self._spoken = ids, spoken
        self.source, self.target = AppendOnlyText(), AppendOnlyText()
        self._source_stash = self._target_stash = ""

    def heard(self, text: str, stash: str, language: str | None) -> ServerEvent | None:
        """``….input_audio_transcription.text``."""
        if not self.source.extend(text) and stash == self._source_stash:
            return None
        self._source_stash = stash
        return TranscriptionText(
            item_id=self._ids.source_item,
            text=text,
            stash=stash,
            language=language or UNSET,
            emotion=EMOTION,
        )

    def translated(self, text: str, stash: str) -> ServerEvent | None:
        """``response.audio_transcript.text`` or ``response.text.text``."""
        if not self.target.extend(text) and stash == self._target_stash:
            return None
        self._target_stash = stash
        event = TranscriptText if self._spoken else TextText
        return event(response_id=self._ids.response, item_id=self._ids.item, text=text, stash=stash)

    def completed(self, language: str | None) -> TranscriptionCompleted:
        """With language and emotion."""
        return TranscriptionCompleted(
            item_id=self._ids.source_item,
            transcript=self.source.text,
            language=language or UNSET,
            emotion=EMOTION,
        )


class Deltas:
    """Dialect B: qwen3.8. ``salt`` gives text of which the last 14 characters differ each time."""

    opens_with_speech = True
    shows_speaker = True

    def __init__(self, ids: TurnIds, *, spoken: bool, salt: Callable[[], str]) -> None:
        self._ids, self._spoken, self._salt = ids, spoken, salt
        self.source, self.target = AppendOnlyText(), AppendOnlyText()

    def heard(self, text: str, stash: str, language: str | None) -> ServerEvent | None:
        """``….input_audio_transcription.delta``."""
        delta = self.source.extend(text)
        if not delta:
            return None
        return TranscriptionDelta(
            item_id=self._ids.source_item,
            delta=delta,
            obfuscation=self._salt()[-OBFUSCATION_CHARS:],
        )

    def translated(self, text: str, stash: str) -> ServerEvent | None:
        """``response.audio_transcript.delta`` or ``response.text.delta``."""
        delta = self.target.extend(text)
        if not delta:
            return None
        event = TranscriptDelta if self._spoken else TextDelta
        return event(response_id=self._ids.response, item_id=self._ids.item, delta=delta)

    def completed(self, language: str | None) -> TranscriptionCompleted:
        """Neither language nor emotion, as recorded."""
        return TranscriptionCompleted(item_id=self._ids.source_item, transcript=self.source.text)
