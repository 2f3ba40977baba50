"""One recognised turn on the wire: from ``speech_started`` or ``committed`` to its transcript.

Scope: facts of one turn to events; nothing is sent past the tables in ``event_order``. Each turn is
one item and gets exactly one ``completed`` (or ``failed``), also when nothing was understood,
because clients count them.
"""

from __future__ import annotations

from typing import Protocol

from dragoman.protocol.audio_input.events import (
    FAILED,
    REFUSED,
    AudioCommitted,
    ItemCreated,
    TranscriptionCompleted,
    TranscriptionError,
    TranscriptionFailed,
    TranscriptionText,
    VadSpeechStarted,
    VadSpeechStopped,
)
from dragoman.protocol.audio_input.item_chain import ItemChain
from dragoman.protocol.core.append_only import AppendOnlyText, Rewritten
from dragoman.protocol.core.codec import wire_name
from dragoman.protocol.core.commands import Used
from dragoman.protocol.core.events import Ids, ServerEvent
from dragoman.protocol.core.legal_order import LegalOrder
from dragoman.protocol.realtime.events import Item, Part
from dragoman.protocol.recognition.event_order import NEEDS, NEXT
from dragoman.protocol.recognition.settings import RecognitionSettings
from dragoman.speech import Fact, Heard, SpeechStarted, SpeechStopped, Status, TurnDone

EMOTION = "neutral"
"""None of our engines detects emotions, and the field is documented as always there."""


class ItemOutlet(Protocol):
    """Where the events of an item go; a session is one."""

    def send(self, event: ServerEvent, supersedes: str = "") -> None:
        """Send the event to the client."""

    def note(self, name: str, detail: str = "") -> None:
        """Tell the operator."""

    def used(self, amount: Used) -> None:
        """Count what was consumed."""


class ItemWriter:
    """Writes the events of one turn. ``is_manual``: the client ended this turn by a commit.
    ``whole_stash``: snapshots show committed words in the stash, too.
    """

    def __init__(
        self,
        settings: RecognitionSettings,
        chain: ItemChain,
        ids: Ids,
        outlet: ItemOutlet,
        *,
        is_manual: bool,
        whole_stash: bool = False,
    ) -> None:
        self.item_id = ids.new("item")
        self._settings, self._chain, self._outlet = settings, chain, outlet
        self._is_manual, self._whole_stash = is_manual, whole_stash
        self._order = LegalOrder(NEXT, NEEDS)
        self._source = AppendOnlyText()
        self._stash = ""
        self._started_ms = 0
        self._is_stopped = self._is_final = self._is_closed = self._is_refused = False

    @property
    def awaits_end(self) -> bool:
        """Whether the speech has ended and the transcript is not complete."""
        return (self._is_stopped or self._is_manual) and not self._is_closed

    def commit(self) -> None:
        """The audio of the turn is there: ``committed``, then the item."""
        previous = self._chain.last_item
        self._send(AudioCommitted(previous_item_id=previous, item_id=self.item_id))
        content = (Part(type="input_audio", transcript=None),)
        item = Item(id=self.item_id, status="completed", role="user", content=content)
        self._send(ItemCreated(previous_item_id=previous, item=item))
        self._chain.last_item = self.item_id

    def write(self, fact: Fact) -> None:
        """Write a fact of this turn."""
        match fact:
            case SpeechStarted(at_ms=at_ms):
                self._start(at_ms)
            case Heard():
                self._recognise(fact)
            case SpeechStopped():
                self._is_refused = fact.refused
                self._stop(fact.at_ms)
            case TurnDone():
                self._finish(fact)
            case _:
                self._outlet.note("fact_dropped", type(fact).__name__)

    def repeat(self) -> None:
        """The last snapshot again: a sign of life for clients that wait for the transcript."""
        self._send_text()

    def _start(self, at_ms: int) -> None:
        self._started_ms = max(at_ms, self._chain.last_end_ms)
        if self._is_manual and not self._order.has_seen(wire_name(AudioCommitted)):
            self.commit()  # an engine cut what was one commit: the rest is a turn of its own
        if not self._is_manual:
            started = VadSpeechStarted(audio_start_ms=self._started_ms, item_id=self.item_id)
            self._send(started)

    def _recognise(self, fact: Heard) -> None:
        if self._is_final:
            self._outlet.note("text_after_final")
            return
        self._chain.language = fact.language or self._chain.language
        try:
            is_new = bool(self._source.extend(fact.text)) or fact.stash != self._stash
            self._stash = fact.stash
            if is_new:
                self._send_text()
        except Rewritten:
            self._outlet.note("text_rewritten")
        if fact.final:
            self._is_final = True
            self._complete()

    def _stop(self, at_ms: int) -> None:
        if self._is_stopped:
            return
        self._is_stopped = True
        end_ms = max(at_ms, self._started_ms)
        if not self._is_refused:
            self._outlet.used(Used(audio_in_ms=end_ms - self._started_ms))
        self._chain.last_end_ms = end_ms
        if not self._is_manual:
            self._send(VadSpeechStopped(audio_end_ms=end_ms, item_id=self.item_id))
            self.commit()
        self._complete()

    def _finish(self, fact: TurnDone) -> None:
        self._stop(self._started_ms + max(0, fact.audio_ms))
        if not self._source.text:
            self._outlet.note("empty_turn")
        self._close(fact.status)

    def _close(self, status: Status) -> None:
        if status == "failed" and not self._is_final and not self._is_closed:
            self._is_closed = True
            code, message = REFUSED if self._is_refused else FAILED
            error = TranscriptionError(code=code, message=message)
            self._send(TranscriptionFailed(item_id=self.item_id, error=error))
            return
        self._is_final = True
        self._complete()

    def _complete(self) -> None:
        """Once the speech has ended and its last word is known."""
        if self._is_closed or not self._is_final or not (self._is_stopped or self._is_manual):
            return
        self._is_closed = True
        self._send(
            TranscriptionCompleted(
                item_id=self.item_id,
                transcript=self._source.text,
                language=self._language,
                emotion=EMOTION,
            )
        )

    @property
    def _language(self) -> str:
        """The declared one as the client spelled it, else the one detected last."""
        return self._settings.language or self._chain.language

    def _send_text(self) -> None:
        text = self._source.text
        event = TranscriptionText(
            item_id=self.item_id,
            text="" if self._whole_stash else text,
            stash=text + self._stash if self._whole_stash else self._stash,
            language=self._language,
            emotion=EMOTION,
        )
        self._send(event, supersedes=self.item_id)

    def _send(self, event: ServerEvent, supersedes: str = "") -> None:
        self._order.advance(wire_name(type(event)))
        self._outlet.send(event, supersedes)
