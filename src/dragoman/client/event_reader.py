"""From the wire's objects to typed events: the place where the two dialects become one.

Law of this file: pure; no socket, no clock. It is fed raw events in the order of their arrival,
whoever received them (our client, or the official SDK's callback in ``dragoman demo``).

How it works. The older generations send snapshots (``text`` replaces what was shown, ``stash`` is
the tentative tail), the newest sends pieces (``delta``). Pieces are summed up per item, so what
comes out is a snapshot in both cases. A response that ends without the ``.done`` of its text is
closed here, with the text of its ``response.done``. Memory is bounded: at most 64 open items.
"""

from __future__ import annotations

import binascii
from typing import Any

import pybase64

from dragoman.client.connection import Raw, server_error
from dragoman.client.events import (
    Audio,
    Cleared,
    Committed,
    Event,
    Other,
    Problem,
    SessionChanged,
    SessionFinished,
    SourceText,
    SpeechStarted,
    SpeechStopped,
    SpokenData,
    TargetText,
    TurnDone,
    Usage,
)

_OPEN_ITEMS = 64
_ASR = "conversation.item.input_audio_transcription."


def word(raw: Raw, key: str) -> str:
    """A string field, "" if it is missing or of another type."""
    value = raw.get(key)
    return value if isinstance(value, str) else ""


def count(raw: Raw, key: str) -> int:
    """A whole-number field, 0 if it is missing or of another type."""
    value = raw.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def table(raw: Raw, key: str) -> Raw:
    """An object field, empty if it is missing or of another type."""
    value = raw.get(key)
    return value if isinstance(value, dict) else {}


def _bytes_of(text: str) -> bytes:
    try:
        return pybase64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _problem(raw: Raw, *, can_be_fatal: bool) -> Problem:
    error = server_error(raw)
    return Problem(
        type=error.type,
        code=error.code,
        message=error.message,
        param=error.param,
        fatal=can_be_fatal and error.fatal,
        raw=raw,
    )


def _common(raw: Raw) -> Event | None:
    """Events that both APIs have."""
    match raw.get("type"):
        case "session.created" | "session.updated":
            return SessionChanged(session=table(raw, "session"), raw=raw)
        case "session.finished":
            return SessionFinished(raw=raw)
        case "error":
            return _problem(raw, can_be_fatal=True)
        case "input_audio_buffer.committed" | "input_text_buffer.committed":
            return Committed(raw=raw)
        case "input_audio_buffer.cleared" | "input_text_buffer.cleared":
            return Cleared(raw=raw)
        case "response.done":
            return _turn_done(raw)
    return None


def _turn_done(raw: Raw) -> TurnDone:
    response = table(raw, "response")
    counts = table(response, "usage")
    usage = Usage(**{name: count(counts, name) for name in Usage.__struct_fields__})
    return TurnDone(
        response_id=word(response, "id"),
        status=word(response, "status"),
        usage=usage if counts else None,
        raw=raw,
    )


def read_speech(raw: Raw) -> Event:
    """The typed form of one event of the synthesis API."""
    if raw.get("type") == "response.audio.delta":
        data = _bytes_of(word(raw, "delta"))
        return SpokenData(data=data, response_id=word(raw, "response_id"), raw=raw)
    return _common(raw) or Other(type=word(raw, "type"), raw=raw)


class SessionReading:
    """Reads one interpretation session. ``feed`` each raw event once, in order."""

    def __init__(self) -> None:
        self._heard: dict[str, str] = {}
        self._said: dict[tuple[str, str], str] = {}

    def feed(self, raw: Raw) -> list[Event]:
        """The typed events that one raw event amounts to; one, seldom two."""
        kind = word(raw, "type")
        if kind.startswith(_ASR):
            return self._source(raw, kind.removeprefix(_ASR))
        if kind.startswith(("response.audio_transcript.", "response.text.")):
            return [self._target(raw, kind.rsplit(".", 1)[1])]
        if kind == "response.done":
            return self._end_of_turn(raw)
        return [_common(raw) or _sound(raw, kind) or Other(type=kind, raw=raw)]

    def _source(self, raw: Raw, what: str) -> list[Event]:
        item = word(raw, "item_id")
        text, stash, final = self._heard.pop(item, ""), "", False
        match what:
            case "text":
                text, stash = word(raw, "text"), word(raw, "stash")
            case "delta":
                text += word(raw, "delta")
            case "completed":
                text, final = word(raw, "transcript") or text, True
            case "failed":
                final = True
            case _:
                return [Other(type=word(raw, "type"), raw=raw)]
        if not final:
            _keep(self._heard, item, text)
        heard = SourceText(
            item_id=item,
            text=text,
            stash=stash,
            final=final,
            language=word(raw, "language"),
            raw=raw,
        )
        return [heard, _problem(raw, can_be_fatal=False)] if what == "failed" else [heard]

    def _target(self, raw: Raw, what: str) -> Event:
        response, item = word(raw, "response_id"), word(raw, "item_id")
        key = (response, item)
        text, stash, final = self._said.pop(key, ""), "", False
        match what:
            case "text":
                text, stash = word(raw, "text"), word(raw, "stash")
            case "delta":
                text += word(raw, "delta")
            case "done":
                text, final = word(raw, "transcript") or word(raw, "text") or text, True
            case _:
                return Other(type=word(raw, "type"), raw=raw)
        if not final:
            _keep(self._said, key, text)
        return TargetText(
            response_id=response, item_id=item, text=text, stash=stash, final=final, raw=raw
        )

    def _end_of_turn(self, raw: Raw) -> list[Event]:
        done = _turn_done(raw)
        events: list[Event] = []
        for key in [k for k in self._said if k[0] == done.response_id]:
            text = _text_in(table(raw, "response"), key[1]) or self._said[key]
            del self._said[key]
            events.append(
                TargetText(
                    response_id=done.response_id, item_id=key[1], text=text, final=True, raw=raw
                )
            )
        return [*events, done]


def _keep(texts: dict[Any, str], key: Any, text: str) -> None:
    texts[key] = text
    if len(texts) > _OPEN_ITEMS:
        del texts[next(iter(texts))]


def _text_in(response: Raw, item_id: str) -> str:
    """The text of an item inside ``response.output`` (``transcript`` with audio, else ``text``)."""
    output = response.get("output")
    for item in output if isinstance(output, list) else []:
        if isinstance(item, dict) and item.get("id") == item_id:
            parts = item.get("content")
            for part in parts if isinstance(parts, list) else []:
                if isinstance(part, dict) and (word(part, "transcript") or word(part, "text")):
                    return word(part, "transcript") or word(part, "text")
    return ""


def _sound(raw: Raw, kind: str) -> Event | None:
    item = word(raw, "item_id")
    match kind:
        case "response.audio.delta":
            pcm = _bytes_of(word(raw, "delta"))
            return Audio(pcm=pcm, response_id=word(raw, "response_id"), raw=raw)
        case "input_audio_buffer.speech_started":
            start = count(raw, "audio_start_ms")
            return SpeechStarted(audio_start_ms=start, item_id=item, raw=raw)
        case "input_audio_buffer.speech_stopped":
            end = count(raw, "audio_end_ms")
            return SpeechStopped(audio_end_ms=end, item_id=item, raw=raw)
    return None
