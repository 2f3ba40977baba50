"""JSON text frames to typed events and back, for any API.

Scope: the only place that knows JSON and base64; it knows no event by name, since an API's row
brings its events. ``decode`` never raises: a frame is an event or ``Malformed``. It runs on the
event loop, so a frame of more values than any client has a use for is refused before it is read:
16 MiB of ``[],[],…`` would stop every session for seconds. Two paths lead in. The fast one is
msgspec's typed decoder. What it refuses goes the tolerant way, by ``json``: that accepts the lone
surrogates of clients which cut an emoji in two, and it finds out what to say about a frame that is
really wrong.

Lone surrogates become U+FFFD everywhere but in the one field that the API names as streamed text,
whose other half may be in the next event (``client_text.HalfKeeper``); so nothing a client sends
can make an answer unencodable.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import msgspec
import pybase64

from dragoman.protocol.core.client_text import shown, whole_deep
from dragoman.protocol.core.events import ClientEvent, Malformed, ServerEvent, culprit

INVALID = "invalid_value"
_MOST_VALUES = 50_000
_SMALL_FRAME_CHARS = 64 * 1024  # cannot hold enough values to matter
_REFUSED = (msgspec.MsgspecError, UnicodeError, RecursionError, ValueError)

_AT = re.compile(r" - at `\$\.?(.*)`$")
_MISSING = re.compile(r"missing required field `(\w+)`")
_EXPECTED = re.compile(r"Expected `([^`]+)`")
_KINDS = {
    "str": "a string",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "object": "a JSON object",
    "array": "a JSON array",
    "null": "null",
}


Template = Callable[[Any, str], str]
"""An event and its id to a whole frame."""


class Unreadable(ValueError):
    """A frame that no server of this API sends."""


class Codec:
    """The codec of one API. ``streamed_text`` is the field of client events whose text may be cut
    inside a character; ``templates`` writes some server events faster than msgspec would;
    ``has_event_ids``: whether the server's events carry an ``event_id``.
    """

    def __init__(
        self,
        client_events: Sequence[type[ClientEvent]],
        server_events: Sequence[type[ServerEvent]],
        *,
        streamed_text: str = "",
        templates: Mapping[type[ServerEvent], Template] | None = None,
        has_event_ids: bool = True,
    ) -> None:
        self.client_events, self.server_events = tuple(client_events), tuple(server_events)
        self._streamed_text = streamed_text
        self._templates = templates or {}
        self._has_event_ids = has_event_ids
        self._union: Any = _union(self.client_events)
        self._types = frozenset(wire_name(event) for event in self.client_events)
        self._decoder: msgspec.json.Decoder[ClientEvent] = msgspec.json.Decoder(self._union)
        self._reader: msgspec.json.Decoder[ServerEvent] = msgspec.json.Decoder(
            _union(self.server_events)
        )
        self._encoder = msgspec.json.Encoder()

    def decode(self, frame: str | bytes) -> ClientEvent | Malformed:
        """A client's frame as an event, or what is wrong with it."""
        if not isinstance(frame, str):
            return Malformed(INVALID, "Binary frames are not supported, only JSON text frames.")
        if len(frame) > _SMALL_FRAME_CHARS and _values(frame) > _MOST_VALUES:
            return Malformed(INVALID, f"An event may hold at most {_MOST_VALUES} values.")
        try:
            return self._decoder.decode(frame)
        except _REFUSED:
            return self._decode_tolerantly(frame)

    def encode(self, event: ServerEvent, event_id: str) -> str:
        """The text frame of a server event, ``event_id`` first if the API has them."""
        template = self._templates.get(type(event))
        if template is not None:
            return template(event, event_id)
        frame = self._encoder.encode(event)
        if not self._has_event_ids:
            return frame.decode()
        return f'{{"event_id":"{event_id}",{frame[1:].decode()}'

    def read(self, frame: str | bytes) -> ServerEvent | None:
        """A server's frame as an event, for the client's side; None for a type of event
        that this API does not know. Raises ``Unreadable`` for anything else.
        """
        try:
            return self._reader.decode(frame)
        except _REFUSED as refusal:
            if not _has_other_type(frame, self.server_events):
                raise Unreadable(str(refusal)) from None
            return None

    def write(self, event: ClientEvent) -> str:
        """The frame of a client event, ``event_id`` first if it has one, for the client's side."""
        fields = msgspec.to_builtins(event)
        event_id = fields.pop("event_id")
        return json.dumps(fields if event_id is None else {"event_id": event_id, **fields})

    def _decode_tolerantly(self, frame: str) -> ClientEvent | Malformed:
        try:
            event = json.loads(frame, strict=False, parse_constant=_no_constant)
            if not isinstance(event, dict):
                return Malformed(INVALID, "An event must be a JSON object.")
            text = event.get(self._streamed_text)
            if isinstance(text, str):
                event[self._streamed_text] = ""
            event = whole_deep(event)
        except (ValueError, RecursionError):
            return Malformed(INVALID, "The frame is not valid JSON.")
        if isinstance(text, str):
            event[self._streamed_text] = text
        return self._typed(event)

    def _typed(self, event: dict[str, Any]) -> ClientEvent | Malformed:
        event_id = culprit(event.get("event_id"))
        kind = event.get("type")
        if kind is None:
            return Malformed(INVALID, "Missing required parameter: 'type'.", "type", event_id)
        if not isinstance(kind, str) or kind not in self._types:
            message, is_name = f"invalid event type '{shown(kind)}'", isinstance(kind, str)
            return Malformed(INVALID, message, "type", event_id, has_unknown_type=is_name)
        try:
            typed: ClientEvent = msgspec.convert(event, self._union)
        except _REFUSED as refusal:
            message, param = explain(str(refusal), event)
            return Malformed(INVALID, message, param, event_id)
        return typed


def base64_bytes(text: str) -> bytes:
    """The bytes of base64 text: strict first; then, as real clients need it, also without its
    padding, broken into lines, or in the URL-safe alphabet. Raises ``ValueError``.
    """
    try:
        return pybase64.b64decode(text, validate=True)
    except ValueError:
        plain = "".join(text.split()).replace("-", "+").replace("_", "/").rstrip("=")
        if len(plain) % 4 == 1:
            raise ValueError("not base64") from None
        return pybase64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)


def explain(refusal: str, event: dict[str, Any]) -> tuple[str, str]:
    """A msgspec refusal in the client's words: message and path of the culprit.

    msgspec's texts are read, not passed on: a client should not see our type names.
    """
    at = _AT.search(refusal)
    path = at[1] if at else ""
    if missing := _MISSING.search(refusal):
        path = f"{path}.{missing[1]}" if path else missing[1]
        return f"Missing required parameter: '{path}'.", path
    expected = _EXPECTED.search(refusal)
    if expected is None:
        return f"Invalid value for '{path}'.", path
    kinds = " or ".join(_KINDS.get(kind, kind) for kind in expected[1].split(" | "))
    value: Any = event.get(path) if path in event else None
    if path in event:
        return f"Invalid value: '{shown(value)}'. Supported values are: {kinds}.", path
    return f"Invalid value for '{path}': it must be {kinds}.", path


def wire_name(event: type[msgspec.Struct]) -> str:
    """The ``type`` of an event on the wire."""
    return str(event.__struct_config__.tag)


def _has_other_type(frame: str | bytes, events: Sequence[type[ServerEvent]]) -> bool:
    try:
        kind = json.loads(frame)["type"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return False
    return isinstance(kind, str) and kind not in {wire_name(event) for event in events}


def _values(frame: str) -> int:
    """About how many values the JSON has; commas and brackets inside strings count too."""
    return frame.count(",") + frame.count("[") + frame.count("{")


def _union(events: Sequence[type[msgspec.Struct]]) -> Any:
    union: Any = events[0]
    for event in events[1:]:
        union = union | event
    return union


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
