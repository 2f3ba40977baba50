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
from dragoman.protocol.synthesis.family import Settings, TtsFamily
from dragoman.speech import Status, Voiced


class BracketError(Exception):
    """We tried to send an event of a response out of order."""


class Stage(Enum):
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


NEXT: Mapping[Stage, frozenset[Stage]] = {
    Stage.NEW: frozenset({Stage.CREATED}),
    Stage.CREATED: frozenset({Stage.ITEM}),
    Stage.ITEM: frozenset({Stage.PART}),
    Stage.PART: frozenset({Stage.AUDIO, Stage.AUDIO_DONE}),
    Stage.AUDIO: frozenset({Stage.AUDIO, Stage.AUDIO_DONE}),
    Stage.AUDIO_DONE: frozenset({Stage.PART_DONE}),
    Stage.PART_DONE: frozenset({Stage.ITEM_DONE}),
    Stage.ITEM_DONE: frozenset({Stage.DONE}),
    Stage.DONE: frozenset(),
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
        family: TtsFamily,
        settings: Settings,
        before: Spent = Spent(),  # noqa: B008 - immutable
    ) -> None:
        self._send = send
        self._family = family
        self._voice = settings.voice
        self._rate_hz = settings.sample_rate
        self._packer = AudioPacker(settings.sample_rate, settings.response_format, LONGEST_MS)
        self._stage = Stage.NEW
        self._text = TextMeter()
        self._samples = 0
        self._before = before
        self.id = ids.new("resp")
        self.item_id = ids.new("item")

    def open(self) -> None:
        """The three opening events."""
        self._say(
            Stage.CREATED,
            wire.ResponseCreated(response=wire.OpenResponse(id=self.id, voice=self._voice)),
        )
        item = wire.Item(id=self.item_id, status="in_progress")
        self._say(Stage.ITEM, wire.ItemAdded(response_id=self.id, item=item))
        self._say(Stage.PART, wire.PartAdded(response_id=self.id, item_id=self.item_id))

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
        self._say(Stage.AUDIO_DONE, AudioDone(response_id=response, item_id=item))
        self._say(Stage.PART_DONE, wire.PartDone(response_id=response, item_id=item))
        usage = self._usage()
        # The recording has the usage and no content, the documents the content; it gets both.
        done = wire.Item(
            id=item,
            status=status,
            content=(wire.AudioPart(),),
            output=wire.ItemOutput(usage=usage),
        )
        self._say(Stage.ITEM_DONE, wire.ItemDone(response_id=response, item=done))
        spoken = wire.AudioPart(text=UNSET, transcript="")
        closed = wire.ClosedResponse(
            id=response,
            status=status,
            voice=self._voice,
            output=(wire.Item(id=item, status=status, content=(spoken,)),),
            usage=usage,
        )
        self._say(Stage.DONE, wire.ResponseDone(response=closed))

    def _deltas(self, deltas: list[bytes]) -> None:
        for delta in deltas:
            event = AudioDelta(response_id=self.id, item_id=self.item_id, delta=delta)
            self._say(Stage.AUDIO, event)

    def _say(self, stage: Stage, event: ServerEvent) -> None:
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
