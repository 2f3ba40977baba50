"""One turn on the wire: from its first event to ``response.done``.

Law of this file: the order inside a turn lives here and nowhere else. A ``TurnWriter`` is written
with the facts of its turn, and only while it is the oldest turn. It keeps the settings it was
opened with. Whatever the engines report, and in whatever order, what it sends keeps these rules:

* the source item comes first, the translation item right behind ``response.output_item.added``;
* text, stash and speech come only inside the open response, which closes once, with all of its
  closing events; ``….completed`` stands before ``response.done``;
* closing texts are what was published: nothing appears there first, nothing is taken back.

Dialect B opens the response with the turn, A with the first word heard (or translated). A turn
in which nothing was recognised completes empty; in A it has no response, unless the client ended
the turn itself and so waits for one.
"""

from __future__ import annotations

from typing import Protocol

import msgspec
from msgspec import UNSET

from dragoman.protocol.core.audio_packer import AudioPacker
from dragoman.protocol.core.common_events import AudioDelta, AudioDone
from dragoman.protocol.core.events import Ids, ServerEvent
from dragoman.protocol.interpretation import events as wire
from dragoman.protocol.interpretation.family import OUTPUT_RATE_HZ, Generation
from dragoman.protocol.interpretation.session_object import output_format
from dragoman.protocol.interpretation.settings import InterpretationSettings
from dragoman.protocol.interpretation.text_writers import (
    Deltas,
    Rewritten,
    Snapshots,
    TextWriter,
    TurnIds,
)
from dragoman.protocol.interpretation.usage import UsageMeter
from dragoman.speech import (
    Fact,
    Heard,
    SpeechStarted,
    SpeechStopped,
    Status,
    Translated,
    TurnDone,
    Voiced,
)


class ItemChain:
    """What the turns of a session share: where the chain of items and of media time stands."""

    def __init__(self, conversation_id: str) -> None:
        self.conversation_id = conversation_id
        self.last_item: str | msgspec.UnsetType = UNSET
        self.last_end_ms = 0


class Outlet(Protocol):
    """Where a segment's events go; a session is one."""

    def send(self, event: ServerEvent) -> None:
        """Send the event to the client."""

    def note(self, name: str, detail: str = "") -> None:
        """Tell the operator."""


class TurnWriter:
    """See the head of this file. ``is_manual``: the client ended this turn by a commit."""

    def __init__(
        self,
        family: Generation,
        settings: InterpretationSettings,
        thread: ItemChain,
        ids: Ids,
        outlet: Outlet,
        *,
        is_manual: bool = False,
    ) -> None:
        self._family, self._settings, self._thread = family, settings, thread
        self._send, self._note = outlet.send, outlet.note
        self.is_manual = is_manual
        self.ids = TurnIds(ids.new("item"), ids.new("resp"), ids.new("item"))
        self.meter = UsageMeter(family.tariff)
        self._dialect: TextWriter = (
            Deltas(self.ids, spoken=settings.speaks, salt=lambda: ids.new("salt"))
            if family.dialect == "deltas"
            else Snapshots(self.ids, spoken=settings.speaks)
        )
        self._packer = AudioPacker(OUTPUT_RATE_HZ)
        self._language = settings.source
        self._started_ms = 0
        self._stopped = self._source_final = self._source_closed = self._responding = False
        self._heard_words = False

    def write(self, fact: Fact) -> None:
        """Tell the client a fact of this turn."""
        try:
            self._write(fact)
        except Rewritten:
            self._note("text_rewritten")

    def _write(self, fact: Fact) -> None:
        match fact:
            case SpeechStarted():
                self._start(fact)
            case Heard():
                self._hear(fact)
            case Translated():
                self._translate(fact)
            case Voiced(pcm=pcm):
                self._voice(pcm)
            case SpeechStopped(at_ms=at_ms):
                self._stop(at_ms)
            case TurnDone():
                self._finish(fact)

    # ------------------------------------------------------------ the turn and its source
    def _start(self, fact: SpeechStarted) -> None:
        self._started_ms = max(fact.at_ms, self._thread.last_end_ms)
        source_item = self.ids.source_item
        if not self.is_manual:
            self._send(
                wire.SpeechStarted(
                    audio_start_ms=self._started_ms,
                    item_id=source_item,
                    speaker_id=fact.speaker if self._dialect.shows_speaker else UNSET,
                )
            )
        self._create_item(source_item, (wire.Part(type="input_audio"),))
        if self._dialect.opens_with_speech:
            self._respond()

    def _hear(self, fact: Heard) -> None:
        if self._source_final:
            self._note("text_after_final")
            return
        self._language = fact.language or self._language
        self._heard_words = self._heard_words or bool(fact.text or fact.stash)
        try:
            event = self._dialect.heard(fact.text, fact.stash, self._language)
            if event is not None and self._settings.transcribes:
                self._send(event)
        finally:
            if self._heard_words:
                self._respond()
            if fact.final:
                self._source_final = True
                self._complete_source()

    def _stop(self, at_ms: int) -> None:
        if self._stopped:
            return
        self._stopped = True
        end_ms = max(at_ms, self._started_ms)
        self.meter.hear(end_ms - self._started_ms)
        self._thread.last_end_ms = end_ms
        if not self.is_manual:
            self._send(wire.SpeechStopped(audio_end_ms=end_ms, item_id=self.ids.source_item))
        self._complete_source()

    def _complete_source(self) -> None:
        """Once the speech has ended and its last word is known."""
        ready = self._source_final and (self._stopped or self.is_manual)
        if not ready or self._source_closed:
            return
        self._source_closed = True
        if self._settings.transcribes:
            self._send(self._dialect.completed(self._language))

    # ------------------------------------------------------------ the response
    def _respond(self) -> None:
        if self._responding:
            return
        self._responding = True
        item = self.ids.item
        self._send(wire.ResponseCreated(response=self._body("in_progress")))
        self._send(
            wire.OutputItemAdded(
                response_id=self.ids.response, item=wire.Item(id=item, status="in_progress")
            )
        )
        self._create_item(item, ())
        self._send(wire.PartAdded(response_id=self.ids.response, item_id=item, part=self._part("")))

    def _translate(self, fact: Translated) -> None:
        if not fact.text and not fact.stash and not self._responding:
            return
        self._respond()
        if self._skips(text=True):
            return
        event = self._dialect.translated(fact.text, fact.stash)
        if event is not None:
            self._send(event)

    def _voice(self, pcm: bytes) -> None:
        if not pcm or not self._settings.speaks or self._skips(text=False):
            return
        self._respond()
        self.meter.say(len(pcm))
        self._send_audio(self._packer.feed(pcm))

    def _skips(self, *, text: bool) -> bool:
        settings = self._settings
        wanted = settings.skip_text if text else settings.skip_audio
        return wanted and self._language == settings.target

    def _send_audio(self, deltas: list[bytes]) -> None:
        for delta in deltas:
            self._send(
                AudioDelta(response_id=self.ids.response, item_id=self.ids.item, delta=delta)
            )

    # ------------------------------------------------------------ the end
    def _finish(self, fact: TurnDone) -> None:
        if not self._stopped:
            self._stop(self._started_ms + max(0, fact.audio_ms))
        self._close_source(fact.status)
        if self.is_manual or self._heard_words or fact.status != "completed":
            self._respond()
        if not self._dialect.source.text:
            self._note("empty_turn")
        if self._responding:
            self._close_response(fact.status)

    def _close_source(self, status: Status) -> None:
        if self._source_closed:
            return
        # The documents of qwen3 have no event for a failed transcript.
        failed = status == "failed" and not self._source_final and not self._family.short_session
        if not failed:
            self._source_final = True
            self._complete_source()
            return
        self._source_closed = True
        if self._settings.transcribes:
            error = wire.TranscriptionError(
                type="server_error", code="internal_error", message="Recognition failed."
            )
            self._send(wire.TranscriptionFailed(item_id=self.ids.source_item, error=error))

    def _close_response(self, status: Status) -> None:
        response, item, text = self.ids.response, self.ids.item, self._dialect.target.text
        if self._settings.speaks:
            self._send_audio(self._packer.flush())
            self._send(wire.TranscriptDone(response_id=response, item_id=item, transcript=text))
            self._send(AudioDone(response_id=response, item_id=item))
        else:
            self._send(wire.TextDone(response_id=response, item_id=item, text=text))
        part = self._part(text)
        self._send(wire.PartDone(response_id=response, item_id=item, part=part))
        ended = wire.Item(id=item, status=status, content=(part,))
        self._send(wire.OutputItemDone(response_id=response, item=ended))
        self._send(wire.ResponseDone(response=self._body(status)))

    # ------------------------------------------------------------ shapes
    def _create_item(self, item: str, content: tuple[wire.Part, ...]) -> None:
        created = wire.Item(id=item, status="in_progress", content=content)
        self._send(wire.ItemCreated(previous_item_id=self._thread.last_item, item=created))
        self._thread.last_item = item

    def _part(self, text: str) -> wire.Part:
        return wire.Part(type="audio" if self._settings.speaks else "text", text=text)

    def _body(self, status: wire.ItemStatus) -> wire.ResponseBody:
        is_open = status == "in_progress"
        recorded_bare = is_open and self._family.dialect == "deltas"
        return wire.ResponseBody(
            id=self.ids.response,
            conversation_id="" if recorded_bare else self._thread.conversation_id,
            status=status,
            modalities=self._settings.modalities,
            voice=UNSET if recorded_bare else self._settings.voice,
            output_audio_format=output_format(self._family),
            output=() if is_open else (self._output_item(status),),
            usage=UNSET if is_open else self._usage(),
        )

    def _output_item(self, status: wire.ItemStatus) -> wire.Item:
        text = self._dialect.target.text
        part = wire.Part(type="text", text=text)
        if self._settings.speaks:
            part = wire.Part(type="audio", transcript=text)
        return wire.Item(id=self.ids.item, status=status, content=(part,))

    def _usage(self) -> wire.Usage:
        return self.meter.usage(
            self._dialect.source.text, self._dialect.target.text, speaks=self._settings.speaks
        )
