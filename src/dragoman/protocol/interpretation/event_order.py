"""The legal order of the events of one interpreted turn.

Scope: tables and their check; ``turn_writer`` sends nothing past them, and the documentation draws
them. A turn has two sequences that run side by side: its source (the item, the transcript) and its
response (the translation).
"""

from __future__ import annotations

from collections.abc import Mapping

from dragoman.protocol.core.codec import wire_name
from dragoman.protocol.core.events import ServerEvent
from dragoman.protocol.core.legal_order import LegalOrder, OrderTable, OutOfOrder

_ITEM = "conversation.item.created"
_TRANSCRIPT = "conversation.item.input_audio_transcription"
_TRANSCRIPT_ENDS = (f"{_TRANSCRIPT}.completed", f"{_TRANSCRIPT}.failed")
_TEXT = (f"{_TRANSCRIPT}.text", f"{_TRANSCRIPT}.delta")
_STOPPED = "input_audio_buffer.speech_stopped"

SOURCE: OrderTable = {
    "": ("input_audio_buffer.speech_started", _ITEM),
    "input_audio_buffer.speech_started": (_ITEM,),
    _ITEM: (*_TEXT, _STOPPED, *_TRANSCRIPT_ENDS),
    **{text: (text, _STOPPED, *_TRANSCRIPT_ENDS) for text in _TEXT},
    _STOPPED: (*_TEXT, *_TRANSCRIPT_ENDS),
    **dict.fromkeys(_TRANSCRIPT_ENDS, ()),
}
"""The source: ``speech_*`` only where the server finds the turns. Text may come behind
``speech_stopped``, as recognition ends later than speech.
"""

_TRANSLATED = (
    "response.audio_transcript.text",
    "response.audio_transcript.delta",
    "response.text.text",
    "response.text.delta",
)
_AUDIO = "response.audio.delta"
_ENDS = ("response.audio_transcript.done", "response.text.done")

RESPONSE: OrderTable = {
    "": ("response.created",),
    "response.created": ("response.output_item.added",),
    "response.output_item.added": (_ITEM,),
    _ITEM: ("response.content_part.added",),
    "response.content_part.added": (*_TRANSLATED, _AUDIO, *_ENDS),
    **dict.fromkeys(_TRANSLATED, (*_TRANSLATED, _AUDIO, *_ENDS)),
    _AUDIO: (*_TRANSLATED, _AUDIO, *_ENDS),
    "response.audio_transcript.done": ("response.audio.done",),
    "response.audio.done": ("response.content_part.done",),
    "response.text.done": ("response.content_part.done",),
    "response.content_part.done": ("response.output_item.done",),
    "response.output_item.done": ("response.done",),
    "response.done": (),
}
"""The response."""

NEEDS: Mapping[str, tuple[str, ...]] = {
    "response.created": (_ITEM,),
    "response.done": _TRANSCRIPT_ENDS,
}
"""What must have come of the source before an event of the response: one of these. The transcript
ends only where it is switched on."""


class TurnOrder:
    """Where one turn stands in both tables. ``transcribes``: its source text is shown."""

    def __init__(self, *, transcribes: bool) -> None:
        self._source, self._response = LegalOrder(SOURCE), LegalOrder(RESPONSE)
        self._transcribes = transcribes

    def advance(self, event: ServerEvent) -> None:
        """The event is sent next. Raises ``OutOfOrder``."""
        name = wire_name(type(event))
        is_source = name in SOURCE
        if name == _ITEM:  # the second one is the translation's
            is_source = not self._source.has_seen(_ITEM)
        if is_source:
            self._source.advance(name)
            return
        needs = NEEDS.get(name, ())
        if needs == _TRANSCRIPT_ENDS and not self._transcribes:
            needs = ()
        if needs and not self._source.has_seen(*needs):
            raise OutOfOrder(f"{name} before {' or '.join(needs)}")
        self._response.advance(name)
