"""One turn on the wire: from its first event to ``response.done``.

Scope: facts of one turn to events; nothing is sent past the tables in ``event_order``. A writer
gets the facts of its turn, and only while it is the oldest turn. It keeps the settings it was
opened with. Whatever the engines report, and in whatever order, closing texts are what was
published: nothing appears there first, nothing is taken back.

The generation says whether the response opens with the turn or with the first word recognised (or
translated). A turn in which nothing was recognised completes empty; where the response did not open
with the turn it has none, unless the client ended the turn itself and so waits for one.
"""

from __future__ import annotations

from typing import Protocol

from msgspec import UNSET

from dragoman.protocol.audio_input.events import (
    FAILED,
    REFUSED,
    ItemCreated,
    TranscriptionError,
    TranscriptionFailed,
    VadSpeechStarted,
    VadSpeechStopped,
)
from dragoman.protocol.audio_input.item_chain import ItemChain
from dragoman.protocol.core.append_only import Rewritten
from dragoman.protocol.core.audio_packer import AudioPacker
from dragoman.protocol.core.commands import Used
from dragoman.protocol.core.events import Ids, ServerEvent
from dragoman.protocol.interpretation.event_order import TurnOrder
from dragoman.protocol.interpretation.events import TextDone, TranscriptDone
from dragoman.protocol.interpretation.generation import OUTPUT_RATE_HZ, Generation
from dragoman.protocol.interpretation.settings import InterpretationSettings
from dragoman.protocol.interpretation.text_writers import TurnIds
from dragoman.protocol.interpretation.usage import UsageMeter
from dragoman.protocol.realtime.events import (
    AudioDelta,
    AudioDone,
    Item,
    ItemStatus,
    OutputItemAdded,
    OutputItemDone,
    Part,
    PartAdded,
    PartDone,
    ResponseBody,
    ResponseCreated,
    ResponseDone,
    Usage,
)
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


class TurnOutlet(Protocol):
    """Where the events of a turn go; a session is one."""

    def send(self, event: ServerEvent) -> None:
        """Send the event to the client."""

    def note(self, name: str, detail: str = "") -> None:
        """Tell the operator."""

    def used(self, amount: Used) -> None:
        """Count what was consumed."""


class TurnWriter:
    """Writes the events of one turn. ``is_manual``: the client ended this turn by a commit."""

    def __init__(
        self,
        family: Generation,
        settings: InterpretationSettings,
        chain: ItemChain,
        ids: Ids,
        outlet: TurnOutlet,
        *,
        is_manual: bool = False,
    ) -> None:
        self._family, self._settings, self._chain = family, settings, chain
        self._outlet, self._note = outlet, outlet.note
        self.is_manual = is_manual
        self.ids = TurnIds(ids.new("item"), ids.new("resp"), ids.new("item"))
        self.meter = UsageMeter(family.tariff)
        self._texts = family.writer(self.ids, settings.speaks, lambda: ids.new("salt"))
        self._order = TurnOrder(transcribes=settings.transcribes)
        self._packer = AudioPacker(OUTPUT_RATE_HZ)
        self._language = settings.source
        self._started_ms = 0
        self._stopped = self._source_final = self._source_closed = self._responding = False
        self._has_words = self._refused = False

    def _send(self, event: ServerEvent) -> None:
        self._order.advance(event)
        self._outlet.send(event)

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
                self._recognise(fact)
            case Translated():
                self._translate(fact)
            case Voiced(pcm=pcm):
                self._speak(pcm)
            case SpeechStopped():
                self._refused = fact.refused
                self._stop(fact.at_ms)
            case TurnDone():
                self._finish(fact)

    # ------------------------------------------------------------ the turn and its source
    def _start(self, fact: SpeechStarted) -> None:
        self._started_ms = max(fact.at_ms, self._chain.last_end_ms)
        source_item = self.ids.source_item
        if not self.is_manual:
            self._send(
                VadSpeechStarted(
                    audio_start_ms=self._started_ms,
                    item_id=source_item,
                    speaker_id=fact.speaker if self._family.shows_speaker else UNSET,
                )
            )
        self._create_item(source_item, (Part(type="input_audio"),))
        if self._family.opens_response_with_turn:
            self._respond()

    def _recognise(self, fact: Heard) -> None:
        if self._source_final:
            self._note("text_after_final")
            return
        self._language = fact.language or self._language
        self._has_words = self._has_words or bool(fact.text or fact.stash)
        try:
            event = self._texts.recognised(fact.text, fact.stash, self._language)
            if event is not None and self._settings.transcribes:
                self._send(event)
        finally:
            if self._has_words:
                self._respond()
            if fact.final:
                self._source_final = True
                self._complete_source()

    def _stop(self, at_ms: int) -> None:
        if self._stopped:
            return
        self._stopped = True
        end_ms = max(at_ms, self._started_ms)
        if not self._refused:
            self.meter.add_speech_in(end_ms - self._started_ms)
        self._chain.last_end_ms = end_ms
        if not self.is_manual:
            self._send(VadSpeechStopped(audio_end_ms=end_ms, item_id=self.ids.source_item))
        self._complete_source()

    def _complete_source(self) -> None:
        """Once the speech has ended and its last word is known."""
        ready = self._source_final and (self._stopped or self.is_manual)
        if not ready or self._source_closed:
            return
        self._source_closed = True
        if self._settings.transcribes:
            self._send(self._texts.completed(self._language))

    # ------------------------------------------------------------ the response
    def _respond(self) -> None:
        if self._responding:
            return
        self._responding = True
        item = self.ids.item
        self._send(ResponseCreated(response=self._body("in_progress")))
        self._send(
            OutputItemAdded(response_id=self.ids.response, item=Item(id=item, status="in_progress"))
        )
        self._create_item(item, ())
        self._send(PartAdded(response_id=self.ids.response, item_id=item, part=self._part("")))

    def _translate(self, fact: Translated) -> None:
        if not fact.text and not fact.stash and not self._responding:
            return
        self._respond()
        if self._skips(text=True):
            return
        event = self._texts.translated(fact.text, fact.stash)
        if event is not None:
            self._send(event)

    def _speak(self, pcm: bytes) -> None:
        if not pcm or not self._settings.speaks or self._skips(text=False):
            return
        self._respond()
        self.meter.add_speech_out(len(pcm))
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
        if self.is_manual or self._has_words or fact.status != "completed":
            self._respond()
        if not self._texts.source.text:
            self._note("empty_turn")
        if self._responding:
            self._close_response(fact.status)
        self._outlet.used(self.meter.used)

    def _close_source(self, status: Status) -> None:
        if self._source_closed:
            return
        failed = status == "failed" and not self._source_final
        failed = failed and self._family.has_transcription_failed
        if not failed:
            self._source_final = True
            self._complete_source()
            return
        self._source_closed = True
        if self._settings.transcribes:
            code, message = REFUSED if self._refused else FAILED
            error = TranscriptionError(type="server_error", code=code, message=message)
            self._send(TranscriptionFailed(item_id=self.ids.source_item, error=error))

    def _close_response(self, status: Status) -> None:
        response, item, text = self.ids.response, self.ids.item, self._texts.target.text
        if self._settings.speaks:
            self._send_audio(self._packer.flush())
            self._send(TranscriptDone(response_id=response, item_id=item, transcript=text))
            self._send(AudioDone(response_id=response, item_id=item))
        else:
            self._send(TextDone(response_id=response, item_id=item, text=text))
        part = self._part(text)
        self._send(PartDone(response_id=response, item_id=item, part=part))
        ended = Item(id=item, status=status, content=(part,))
        self._send(OutputItemDone(response_id=response, item=ended))
        self._send(ResponseDone(response=self._body(status)))

    # ------------------------------------------------------------ shapes
    def _create_item(self, item: str, content: tuple[Part, ...]) -> None:
        created = Item(id=item, status="in_progress", content=content)
        self._send(ItemCreated(previous_item_id=self._chain.last_item, item=created))
        self._chain.last_item = item

    def _part(self, text: str) -> Part:
        return Part(type="audio" if self._settings.speaks else "text", text=text)

    def _body(self, status: ItemStatus) -> ResponseBody:
        is_open = status == "in_progress"
        is_bare = is_open and self._family.bare_response_created
        return ResponseBody(
            id=self.ids.response,
            conversation_id="" if is_bare else self._chain.conversation_id,
            status=status,
            modalities=self._settings.modalities,
            voice=UNSET if is_bare else self._settings.voice,
            output_audio_format=self._family.pcm_out_name,
            output=() if is_open else (self._output_item(status),),
            usage=UNSET if is_open else self._usage(),
        )

    def _output_item(self, status: ItemStatus) -> Item:
        text = self._texts.target.text
        part = Part(type="text", text=text)
        if self._settings.speaks:
            part = Part(type="audio", transcript=text)
        return Item(id=self.ids.item, status=status, content=(part,))

    def _usage(self) -> Usage:
        return self.meter.usage(
            self._texts.source.text, self._texts.target.text, speaks=self._settings.speaks
        )
