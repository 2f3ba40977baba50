"""The bracket of one synthesis response, so that its order cannot be got wrong.

Law of this file: everything between ``response.created`` and ``response.done`` goes through a
``Response``. The legal order is the table ``NEXT``; the documentation draws its diagram from it.
An event out of order is a bug of ours and raises ``BracketError`` before it is sent.

    created → item added → part added → delta … → audio done → part done → item done → done

The order is the recorded one; the documents give the ``done`` events in varying order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import NamedTuple

from msgspec import UNSET

from dragoman.protocol.core.audio_packer import LONGEST_MS, AudioPacker
from dragoman.protocol.core.common_events import AudioDelta, AudioDone
from dragoman.protocol.core.events import Ids, ServerEvent
from dragoman.protocol.core.token_estimate import TextMeter
from dragoman.protocol.synthesis import events as wire
from dragoman.protocol.synthesis.family import SynthesisFamily, SynthesisSettings
from dragoman.speech import Status, Voiced


class BracketError(Exception):
    """We tried to send an event of a response out of order."""


class ResponseStage(Enum):
    """The last thing a response said."""

    NEW = "nothing"
    CREATED = "response.created"
    ITEM = "response.output_item.added"
    PART = "response.content_part.added"
    AUDIO = "response.audio.delta"
    AUDIO_DONE = "response.audio.done"
    PART_DONE = "response.content_part.done"
    ITEM_DONE = "response.output_item.done"
    DONE = "response.done"


NEXT: Mapping[ResponseStage, frozenset[ResponseStage]] = {
    ResponseStage.NEW: frozenset({ResponseStage.CREATED}),
    ResponseStage.CREATED: frozenset({ResponseStage.ITEM}),
    ResponseStage.ITEM: frozenset({ResponseStage.PART}),
    ResponseStage.PART: frozenset({ResponseStage.AUDIO, ResponseStage.AUDIO_DONE}),
    ResponseStage.AUDIO: frozenset({ResponseStage.AUDIO, ResponseStage.AUDIO_DONE}),
    ResponseStage.AUDIO_DONE: frozenset({ResponseStage.PART_DONE}),
    ResponseStage.PART_DONE: frozenset({ResponseStage.ITEM_DONE}),
    ResponseStage.ITEM_DONE: frozenset({ResponseStage.DONE}),
    ResponseStage.DONE: frozenset(),
}
"""What may follow what."""


class Spent(NamedTuple):
    """What speech cost: billed characters, tokens of the text and of the audio."""

    characters: int = 0
    text_tokens: int = 0
    audio_tokens: int = 0


class Response:
    """One response. ``send`` queues an event for the client; its usage is its own cost and what
    was spent ``before``.
    """

    def __init__(
        self,
        send: Callable[[ServerEvent], None],
        ids: Ids,
        family: SynthesisFamily,
        settings: SynthesisSettings,
        before: Spent = Spent(),  # noqa: B008 - immutable
    ) -> None:
        self._send = send
        self._family = family
        self._voice = settings.voice
        self._rate_hz = settings.sample_rate
        self._packer = AudioPacker(settings.sample_rate, settings.response_format, LONGEST_MS)
        self._stage = ResponseStage.NEW
        self._text = TextMeter()
        self._samples = 0
        self._before = before
        self.id = ids.new("resp")
        self.item_id = ids.new("item")

    def open(self) -> None:
        """The three opening events."""
        self._say(
            ResponseStage.CREATED,
            wire.ResponseCreated(response=wire.CreatedResponse(id=self.id, voice=self._voice)),
        )
        item = wire.Item(id=self.item_id, status="in_progress")
        self._say(ResponseStage.ITEM, wire.ItemAdded(response_id=self.id, item=item))
        self._say(ResponseStage.PART, wire.PartAdded(response_id=self.id, item_id=self.item_id))

    def costs(self, text: TextMeter) -> None:
        """So much text was spoken or passed over here."""
        self._text.add(text)

    def audio(self, voiced: Voiced) -> None:
        """Speech arrived: as many deltas as it fills."""
        whole = len(voiced.pcm) // 2 if voiced.samples is None else voiced.samples
        self._samples += whole
        self._deltas(self._packer.feed(voiced.pcm))

    def close(self, status: Status) -> None:
        """The last crumbs of speech, then the four closing events."""
        self._deltas(self._packer.flush())
        response, item = self.id, self.item_id
        self._say(ResponseStage.AUDIO_DONE, AudioDone(response_id=response, item_id=item))
        self._say(ResponseStage.PART_DONE, wire.PartDone(response_id=response, item_id=item))
        usage = self._usage()
        # The recording has the usage and no content, the documents the content; it gets both.
        done = wire.Item(
            id=item,
            status=status,
            content=(wire.AudioPart(),),
            output=wire.ItemOutput(usage=usage),
        )
        self._say(ResponseStage.ITEM_DONE, wire.ItemDone(response_id=response, item=done))
        spoken = wire.AudioPart(text=UNSET, transcript="")
        closed = wire.DoneResponse(
            id=response,
            status=status,
            voice=self._voice,
            output=(wire.Item(id=item, status=status, content=(spoken,)),),
            usage=usage,
        )
        self._say(ResponseStage.DONE, wire.ResponseDone(response=closed))

    def _deltas(self, deltas: list[bytes]) -> None:
        for delta in deltas:
            event = AudioDelta(response_id=self.id, item_id=self.item_id, delta=delta)
            self._say(ResponseStage.AUDIO, event)

    def _say(self, stage: ResponseStage, event: ServerEvent) -> None:
        if stage not in NEXT[self._stage]:
            raise BracketError(f"{stage.value} after {self._stage.value}")
        self._stage = stage
        self._send(event)

    @property
    def spent(self) -> Spent:
        """What this response cost so far, and what was spent before it."""
        voiced = self._family.audio_tokens(self._samples, self._rate_hz)
        characters, text_tokens, audio_tokens = self._before
        return Spent(
            characters + self._text.characters,
            text_tokens + self._text.tokens,
            audio_tokens + voiced,
        )

    def _usage(self) -> wire.Usage:
        characters, heard, voiced = self.spent
        return wire.Usage(
            characters=characters,
            total_tokens=heard + voiced,
            input_tokens=heard,
            output_tokens=voiced,
            input_tokens_details=wire.InputDetails(text_tokens=heard),
            output_tokens_details=wire.OutputDetails(audio_tokens=voiced),
        )
