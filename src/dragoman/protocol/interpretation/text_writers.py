"""The two ways to write text on the wire: snapshots and deltas.

Scope: facts to text events of one turn. Both writers get the same stream: committed ``text`` that
only grows, and a tentative ``stash``. ``Snapshots`` publishes both, each time in full; ``Deltas``
publishes what was committed since the last time and never shows the stash.

A text that takes back what was published is a defect of an engine and must never reach a client:
the writer refuses it (``Rewritten``) and keeps what it has.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec
from msgspec import UNSET

from dragoman.protocol.audio_input.events import TranscriptionCompleted, TranscriptionText
from dragoman.protocol.core.append_only import AppendOnlyText
from dragoman.protocol.core.events import ServerEvent
from dragoman.protocol.interpretation.events import (
    TextDelta,
    TextText,
    TranscriptDelta,
    TranscriptionDelta,
    TranscriptText,
)

OBFUSCATION_CHARS = 14
EMOTION = ""
"""The documents allow the empty value; none of our engines detects emotions."""


class TurnIds(msgspec.Struct, frozen=True):
    """The ids of one turn."""

    source_item: str
    response: str
    item: str


class TextWriter(Protocol):
    """What a turn needs of its way to write text."""

    source: AppendOnlyText
    target: AppendOnlyText

    def recognised(self, text: str, stash: str, language: str | None) -> ServerEvent | None:
        """The event for a source text, or None if nothing changed for the client."""

    def translated(self, text: str, stash: str) -> ServerEvent | None:
        """The event for a target text, or None if nothing changed for the client."""

    def completed(self, language: str | None) -> TranscriptionCompleted:
        """The end of the source text, as far as it was published."""


class Snapshots:
    """``text`` and ``stash``, each time in full: qwen3 and qwen3.5."""

    def __init__(self, ids: TurnIds, spoken: bool, _salt: Callable[[], str]) -> None:
        self._ids, self._spoken = ids, spoken
        self.source, self.target = AppendOnlyText(), AppendOnlyText()
        self._source_stash = self._target_stash = ""

    def recognised(self, text: str, stash: str, language: str | None) -> ServerEvent | None:
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
    """What is new: qwen3.8. ``salt`` gives text whose last 14 characters differ each time."""

    def __init__(self, ids: TurnIds, spoken: bool, salt: Callable[[], str]) -> None:
        self._ids, self._spoken, self._salt = ids, spoken, salt
        self.source, self.target = AppendOnlyText(), AppendOnlyText()

    def recognised(self, text: str, stash: str, language: str | None) -> ServerEvent | None:
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
