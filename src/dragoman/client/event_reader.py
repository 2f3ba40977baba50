"""Turns the server's JSON events into the client's typed events, alike for all generations.

Scope: pure; no socket, no clock. Events are read in order of arrival, whoever received them (our
client, or the official SDK in ``dragoman demo``). The protocol's own event types decode them, but
strings and numbers may be missing; what still does not fit becomes ``Other``, because a client must
survive servers of another version.

``qwen3`` and ``qwen3.5`` send snapshots: ``text`` replaces what was shown, ``stash`` is the
tentative tail. ``qwen3.8`` sends deltas. Deltas are summed up per item, so both come out as
snapshots. If a response ends without the final event of its text, the text in its ``response.done``
is the final one. At most 64 items are open at once.
"""

from __future__ import annotations

import functools
import operator
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from dragoman.client.connection import RawEvent, server_error
from dragoman.client.events import (
    Cleared,
    Committed,
    Event,
    Other,
    Problem,
    ResponseFinished,
    SessionChanged,
    SessionEnded,
    SourceSpeechStarted,
    SourceSpeechStopped,
    SourceText,
    SpeechAudio,
    TokenUsage,
    TranslatedText,
)
from dragoman.protocol.audio_input import events as audio_input
from dragoman.protocol.core.events import ServerEvent
from dragoman.protocol.interpretation import events as interpretation
from dragoman.protocol.realtime import events as realtime
from dragoman.protocol.synthesis import events as synthesis

_MAX_OPEN_ITEMS = 64


_ZERO: dict[Any, object] = {str: "", int: 0, bytes: b""}


def _tolerant(event: type[ServerEvent]) -> Any:
    """A subclass of an event whose required strings, numbers and bytes have defaults."""
    fields = [
        (field.name, field.type, _ZERO[field.type])
        for field in msgspec.structs.fields(event)
        if field.required and field.type in _ZERO
    ]
    tag = event.__struct_config__.tag
    return msgspec.defstruct(
        event.__name__, fields, bases=(event,), frozen=True, kw_only=True, tag=tag
    )


_EVENTS: set[type[ServerEvent]] = {*interpretation.SERVER_EVENTS, *synthesis.SERVER_EVENTS}
_SERVER_EVENTS: Any = functools.reduce(operator.or_, [_tolerant(event) for event in _EVENTS])


def _typed(raw: RawEvent) -> ServerEvent | None:
    """The protocol's form of an event; None for an unknown type or unexpected fields."""
    try:
        event: ServerEvent = msgspec.convert(raw, _SERVER_EVENTS)
    except (msgspec.ValidationError, UnicodeError):
        return None
    return event


class _OpenTexts:
    """The texts so far of items that are not final, by key; at most ``_MAX_OPEN_ITEMS``."""

    def __init__(self) -> None:
        self.texts: dict[Any, str] = {}

    def replace(self, key: Any, text: str) -> str:
        """A snapshot."""
        self.texts.pop(key, None)
        self.texts[key] = text
        if len(self.texts) > _MAX_OPEN_ITEMS:
            del self.texts[next(iter(self.texts))]
        return text

    def append(self, key: Any, delta: str) -> str:
        """A delta; returns the whole text."""
        return self.replace(key, self.texts.get(key, "") + delta)

    def finish(self, key: Any, text: str = "") -> str:
        """The final text; an empty one keeps what was known."""
        known = self.texts.pop(key, "")
        return text or known


class EventReader:
    """Reads the events of one session of either API."""

    def __init__(self) -> None:
        self._source = _OpenTexts()
        self._target = _OpenTexts()

    def feed(self, raw: RawEvent) -> list[Event]:
        """The typed events of one JSON event: one, rarely two."""
        if raw.get("type") == "error":
            return [_problem(raw, fatal=server_error(raw).fatal)]
        event = _typed(raw)
        return (
            self._source_text(event, raw) or self._target_text(event, raw) or [_other(event, raw)]
        )

    def _source_text(self, event: ServerEvent | None, raw: RawEvent) -> list[Event]:
        match event:
            case audio_input.TranscriptionText(item_id=item):
                text = self._source.replace(item, event.text)
                return [_source(item, text, raw, stash=event.stash, language=event.language)]
            case interpretation.TranscriptionDelta(item_id=item):
                return [_source(item, self._source.append(item, event.delta), raw)]
            case audio_input.TranscriptionCompleted(item_id=item):
                text = self._source.finish(item, event.transcript)
                return [_source(item, text, raw, final=True, language=event.language)]
            case audio_input.TranscriptionFailed(item_id=item):
                text = self._source.finish(item)
                return [_source(item, text, raw, final=True), _problem(raw, fatal=False)]
        return []

    def _target_text(self, event: ServerEvent | None, raw: RawEvent) -> list[Event]:
        if isinstance(event, realtime.ResponseDone):
            return [*self._unfinished(event.response, raw), _finished(event.response, raw)]
        if not isinstance(event, realtime.InPart):
            return []
        key = (event.response_id, event.item_id)
        match event:
            case interpretation.TranscriptText() | interpretation.TextText():
                text = self._target.replace(key, event.text)
                return [_translated(key, text, raw, stash=event.stash)]
            case interpretation.TranscriptDelta() | interpretation.TextDelta():
                return [_translated(key, self._target.append(key, event.delta), raw)]
            case (
                interpretation.TranscriptDone(transcript=text) | interpretation.TextDone(text=text)
            ):
                return [_translated(key, self._target.finish(key, text), raw, final=True)]
        return []

    def _unfinished(self, response: realtime.ResponseBody, raw: RawEvent) -> list[Event]:
        """The texts of a response whose final event never came."""
        events: list[Event] = []
        for key in [key for key in self._target.texts if key[0] == response.id]:
            text = self._target.finish(key, _output_text(response, key[1]))
            events.append(_translated(key, text, raw, final=True))
        return events


def _other(event: ServerEvent | None, raw: RawEvent) -> Event:
    match event:
        case realtime.SessionCreated() | realtime.SessionUpdated():
            return SessionChanged(session=event.session, raw=raw)
        case realtime.SessionFinished():
            return SessionEnded(raw=raw)
        case audio_input.AudioCommitted() | synthesis.TextCommitted():
            return Committed(raw=raw)
        case audio_input.AudioCleared() | synthesis.TextCleared():
            return Cleared(raw=raw)
        case realtime.AudioDelta(delta=data, response_id=response):
            return SpeechAudio(data=data, response_id=response, raw=raw)
        case audio_input.VadSpeechStarted(audio_start_ms=start, item_id=item):
            return SourceSpeechStarted(audio_start_ms=start, item_id=item, raw=raw)
        case audio_input.VadSpeechStopped(audio_end_ms=end, item_id=item):
            return SourceSpeechStopped(audio_end_ms=end, item_id=item, raw=raw)
    return Other(type=str(raw.get("type", "")), raw=raw)


def _source(
    item: str,
    text: str,
    raw: RawEvent,
    *,
    stash: str = "",
    final: bool = False,
    language: str | UnsetType = "",
) -> SourceText:
    known = "" if language is UNSET else language
    return SourceText(item_id=item, text=text, stash=stash, final=final, language=known, raw=raw)


def _translated(
    key: tuple[str, str], text: str, raw: RawEvent, *, stash: str = "", final: bool = False
) -> TranslatedText:
    return TranslatedText(
        response_id=key[0], item_id=key[1], text=text, stash=stash, final=final, raw=raw
    )


def _problem(raw: RawEvent, *, fatal: bool) -> Problem:
    error = server_error(raw)
    return Problem(
        type=error.type,
        code=error.code,
        message=error.message,
        param=error.param,
        fatal=fatal,
        raw=raw,
    )


def _finished(response: realtime.ResponseBody, raw: RawEvent) -> ResponseFinished:
    is_counted = response.usage is not UNSET
    usage = msgspec.convert(msgspec.to_builtins(response.usage), TokenUsage) if is_counted else None
    return ResponseFinished(response_id=response.id, status=response.status, usage=usage, raw=raw)


def _output_text(response: realtime.ResponseBody, item_id: str) -> str:
    """The text of an item in ``response.output`` (``transcript`` of audio, else ``text``)."""
    parts = [part for item in response.output if item.id == item_id for part in item.content]
    texts = [part.transcript or part.text for part in parts]
    return next((str(text) for text in texts if text), "")
