"""One synthesis response: its events in their legal order, and what it cost.

Scope: everything between ``response.created`` and ``response.done`` goes through a ``Response``,
and nothing past the table ``NEXT``; the documentation draws its diagram from it.

    created → item added → part added → delta … → audio done → part done → item done → done

The order is the recorded one; the documents give the ``done`` events in varying order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from dragoman.protocol.core.audio_packer import LONGEST_MS, AudioPacker
from dragoman.protocol.core.codec import wire_name
from dragoman.protocol.core.commands import Used
from dragoman.protocol.core.events import Ids, ServerEvent
from dragoman.protocol.core.legal_order import LegalOrder, OrderTable
from dragoman.protocol.core.token_estimate import TextMeter
from dragoman.protocol.realtime.events import (
    AudioDelta,
    AudioDone,
    InputTokens,
    Item,
    ItemOutput,
    OutputItemAdded,
    OutputItemDone,
    OutputTokens,
    Part,
    PartAdded,
    PartDone,
    ResponseBody,
    ResponseCreated,
    ResponseDone,
    Usage,
)
from dragoman.protocol.synthesis.family import SynthesisFamily, SynthesisSettings
from dragoman.speech import Status, Voiced

NEXT: OrderTable = {
    "": ("response.created",),
    "response.created": ("response.output_item.added",),
    "response.output_item.added": ("response.content_part.added",),
    "response.content_part.added": ("response.audio.delta", "response.audio.done"),
    "response.audio.delta": ("response.audio.delta", "response.audio.done"),
    "response.audio.done": ("response.content_part.done",),
    "response.content_part.done": ("response.output_item.done",),
    "response.output_item.done": ("response.done",),
    "response.done": (),
}
"""What may follow what."""

_PART = Part(type="audio", text="")


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
        self._send_out = send
        self._family = family
        self._voice = settings.voice
        self._rate_hz = settings.sample_rate
        self._packer = AudioPacker(settings.sample_rate, settings.response_format, LONGEST_MS)
        self._order = LegalOrder(NEXT)
        self._text = TextMeter()
        self._samples = 0
        self._before = before
        self.id = ids.new("resp")
        self.item_id = ids.new("item")

    def open(self) -> None:
        """The three opening events."""
        body = ResponseBody(id=self.id, status="in_progress", voice=self._voice)
        self._send(ResponseCreated(response=body))
        item = Item(id=self.item_id, status="in_progress")
        self._send(OutputItemAdded(response_id=self.id, item=item))
        self._send(PartAdded(response_id=self.id, item_id=self.item_id, part=_PART))

    def add_text(self, text: TextMeter) -> None:
        """So much text was spoken or passed over here."""
        self._text.add(text)

    def audio(self, voiced: Voiced) -> None:
        """Speech arrived: as many deltas as it fills."""
        whole = len(voiced.pcm) // 2 if voiced.samples is None else voiced.samples
        self._samples += whole
        self._deltas(self._packer.feed(voiced.pcm))

    def close(self, status: Status) -> None:
        """The rest of the speech, then the four closing events."""
        self._deltas(self._packer.flush())
        response, item = self.id, self.item_id
        self._send(AudioDone(response_id=response, item_id=item))
        self._send(PartDone(response_id=response, item_id=item, part=_PART))
        usage = self._usage()
        # The recording has the usage and no content, the documents the content; it gets both.
        done = Item(id=item, status=status, content=(_PART,), output=ItemOutput(usage=usage))
        self._send(OutputItemDone(response_id=response, item=done))
        spoken = Part(type="audio", transcript="")
        closed = ResponseBody(
            id=response,
            status=status,
            modalities=("text", "audio"),
            voice=self._voice,
            output=(Item(id=item, status=status, content=(spoken,)),),
            usage=usage,
        )
        self._send(ResponseDone(response=closed))

    def _deltas(self, deltas: list[bytes]) -> None:
        for delta in deltas:
            self._send(AudioDelta(response_id=self.id, item_id=self.item_id, delta=delta))

    def _send(self, event: ServerEvent) -> None:
        self._order.advance(wire_name(type(event)))
        self._send_out(event)

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

    @property
    def used(self) -> Used:
        """What this response consumed, apart from any tariff."""
        audio_out_ms = self._samples * 1000 // self._rate_hz
        return Used(characters=self._text.characters, audio_out_ms=audio_out_ms)

    def _usage(self) -> Usage:
        characters, text, speech = self.spent
        return Usage(
            characters=characters,
            total_tokens=text + speech,
            input_tokens=text,
            output_tokens=speech,
            input_tokens_details=InputTokens(text_tokens=text),
            output_tokens_details=OutputTokens(text_tokens=0, audio_tokens=speech),
        )
