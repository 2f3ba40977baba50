"""What all validators share: the log, the shape of a violation, rules about audio, ids and usage.

A log is a list of ``(direction, event)`` in the order in which a client saw it: ``">"`` for what
it sent, ``"<"`` for what it received. A client logs an event before it sends it, so that a reply
never stands before its cause. Scope of this package: nothing in it imports the protocol of this
project, because a judge that shares tables with the accused cannot find an error in them.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from typing import Any

Event = dict[str, Any]
Log = list[tuple[str, Event]]
Rule = Callable[[Event, str], None]
"""Checks one server event; the second argument names its place in the log."""

MAX_FRAME_BYTES = 128_000
MAX_DELTA_BYTES = 48_000
MAX_ID_CHARS = 128
STATUSES = ("completed", "failed", "incomplete")
ERROR_TYPES = ("invalid_request_error", "server_error")


class Violation(AssertionError):
    """A log breaks a rule; the message names the place, the event and the rule."""


def need(is_kept: bool, at: str, rule: str) -> None:
    """Raise ``Violation`` unless the rule is kept."""
    if not is_kept:
        raise Violation(f"{at}: {rule}")


def field(event: Event, at: str, path: str, kind: type | tuple[type, ...]) -> Any:
    """The value at a dotted path; it must exist and be of this kind (a bool is not an int)."""
    value: Any = event
    for key in path.split("."):
        need(isinstance(value, dict) and key in value, at, f"'{path}' is missing")
        value = value[key]
    is_bool = isinstance(value, bool) and bool not in (kind if isinstance(kind, tuple) else (kind,))
    need(isinstance(value, kind) and not is_bool, at, f"'{path}' has the wrong type: {value!r}")
    return value


def identifier(event: Event, at: str, path: str) -> str:
    """A string that is neither empty nor too long."""
    value = str(field(event, at, path, str))
    need(0 < len(value) <= MAX_ID_CHARS, at, f"'{path}' is empty or too long")
    return value


def equal(event: Event, at: str, path: str, wanted: Any) -> None:
    """The value at ``path`` is ``wanted``."""
    value = field(event, at, path, object)
    need(value == wanted, at, f"'{path}' is {value!r} where {wanted!r} belongs")


def audio_payload(event: Event, at: str, multiple: int) -> bytes:
    """The audio of a delta: canonical base64, not empty, a multiple of so many bytes."""
    text = field(event, at, "delta", str)
    need(text != "", at, "an audio delta is empty")
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Violation(f"{at}: an audio delta is not valid base64") from None
    need(base64.b64encode(raw).decode() == text, at, "base64 of an audio delta is not canonical")
    need(len(raw) % multiple == 0, at, f"audio bytes are not a multiple of {multiple}: {len(raw)}")
    need(len(raw) <= MAX_DELTA_BYTES, at, f"audio delta of {len(raw)} bytes")
    return raw


def check_usage(usage: Any, at: str) -> None:
    """Counts are JSON integers, and they add up."""
    need(isinstance(usage, dict), at, "'usage' is missing")
    total, spent, made = (
        field(usage, at, key, int) for key in ("total_tokens", "input_tokens", "output_tokens")
    )
    need(total == spent + made, at, "usage: total is not input + output")
    for key, whole in (("input_tokens_details", spent), ("output_tokens_details", made)):
        details = field(usage, at, key, dict)
        for name in details:
            need(field(details, at, name, int) >= 0, at, f"usage: '{key}.{name}' is negative")
        need(sum(details.values()) == whole, at, f"usage: '{key}' does not add up")


class Validator:
    """The rules of every session of every API; a subclass adds those of its own.

    ``rules`` has the rule of each event type that a client knows; any other type is a violation.
    """

    reopens = False
    """Whether new work after ``session.finish`` begins the session again."""

    def __init__(self, rules: Mapping[str, Rule], *, errors: bool) -> None:
        self.rules: dict[str, Rule] = {
            **rules,
            "session.created": self.session_created,
            "session.finished": self.session_finished,
            "error": self.error,
        }
        self.errors_allowed = errors
        self.errors: list[Event] = []
        self.session_id: str | None = None
        self.finish_asked = False
        self.is_finished = False
        self.has_failed = False
        self.sent_ids: set[str] = set()
        self._event_ids: set[str] = set()

    # ---------------------------------------------------------------- for subclasses
    def sent(self, event: Event) -> None:
        """The client sent this: note what must be answered."""

    def created(self, event: Event, at: str) -> None:
        """Check the session object of ``session.created``."""

    def received(self, kind: str, at: str) -> None:
        """A server event of this type comes; called before its rule."""

    def unfinished(self) -> str:
        """What is still open and forbids ``session.finished``; empty when nothing is."""
        return ""

    # ---------------------------------------------------------------- the log
    def run(self, log: Log) -> None:
        """Check every event in order; raises ``Violation`` at the first broken rule."""
        for number, (direction, event) in enumerate(log):
            if direction == ">":
                self._client(event)
            else:
                self._server(event, f"#{number} {event.get('type')}")
        need(self.session_id is not None, "end", "there was no session.created")
        need(not self.finish_asked or self.is_finished or self.has_failed, "end",
             "session.finish was not answered by session.finished")  # fmt: skip

    def _client(self, event: Event) -> None:
        if isinstance(event.get("event_id"), str):
            self.sent_ids.add(event["event_id"])
        if event.get("type") == "session.finish":
            self.finish_asked = True
        elif self.reopens:
            self.is_finished = False
            self.finish_asked = False
        self.sent(event)

    def _server(self, event: Event, at: str) -> None:
        need(not self.has_failed, at, "an event after a server_error")
        need(not self.is_finished, at, "an event after session.finished")
        kind = field(event, at, "type", str)
        event_id = identifier(event, at, "event_id")
        need(event_id not in self._event_ids, at, f"event_id {event_id} came before")
        self._event_ids.add(event_id)
        need("code" not in event, at, "'code' at the top of an event means an error to clients")
        size = len(json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode())
        need(size <= MAX_FRAME_BYTES, at, f"a frame of {size} bytes")
        need(kind in self.rules, at, "a client of this model does not know this event type")
        need(self.session_id is not None or kind == "session.created", at,
             "an event before session.created")  # fmt: skip
        self.received(kind, at)
        self.rules[kind](event, at)

    # ---------------------------------------------------------------- shared events
    def session_created(self, event: Event, at: str) -> None:
        """First, once, with an id."""
        need(self.session_id is None, at, "session.created came twice")
        self.session_id = identifier(event, at, "session.id")
        equal(event, at, "session.object", "realtime.session")
        self.created(event, at)

    def session_finished(self, event: Event, at: str) -> None:
        """Last, after ``session.finish``, with nothing open."""
        need(self.finish_asked, at, "session.finished that nobody asked for")
        need(self.unfinished() == "", at, f"session.finished while open: {self.unfinished()}")
        self.is_finished = True

    def error(self, event: Event, at: str) -> None:
        """Five fields; ``server_error`` ends the connection."""
        kind = field(event, at, "error.type", str)
        need(kind in ERROR_TYPES, at, f"unknown error type {kind!r}")
        for path in ("error.code", "error.message", "error.param"):
            field(event, at, path, str)
        need(event["error"]["message"] != "", at, "an error without a message")
        cause = event["error"].get("event_id")
        need(cause is None or cause in self.sent_ids or not self.sent_ids, at,
             f"the error names an event that was never sent: {cause!r}")  # fmt: skip
        self.errors.append(event["error"])
        self.has_failed = kind == "server_error"
        need(self.errors_allowed, at, f"an error: {event['error']['message']}")
