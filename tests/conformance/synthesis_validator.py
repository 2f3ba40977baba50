"""A strict client of the synthesis API, re-made from its rules.

It insists on the recorded order of events, on ids that hang together, on an echo of what was
asked for, and it rejects every event type it does not know. ``validate_synthesis`` is a pure
function over a log (see ``rules``).
"""

from __future__ import annotations

import math
from typing import Any

from tests.conformance.rules import (
    STATUSES,
    Event,
    Log,
    Validator,
    audio_bytes,
    check_usage,
    equal,
    field,
    identifier,
    need,
)

BRACKET = {
    "response.created": None,
    "response.output_item.added": "response.created",
    "response.content_part.added": "response.output_item.added",
    "response.audio.delta": "response.content_part.added",
    "response.audio.done": "response.content_part.added",
    "response.content_part.done": "response.audio.done",
    "response.output_item.done": "response.content_part.done",
    "response.done": "response.output_item.done",
}
"""What must have come just before, deltas aside."""

ECHOED = ("voice", "mode", "response_format", "sample_rate")
TOKENS_PER_S = 12.5


class SynthesisValidator(Validator):
    """One connection. ``responses`` collects ``(id, status, audio bytes)`` for the test."""

    reopens = True

    def __init__(self, model: str, *, errors: bool, known_voice: bool) -> None:
        bracket = dict.fromkeys(BRACKET, self.in_bracket)
        super().__init__(
            {
                "session.updated": self.session_updated,
                "input_text_buffer.committed": self.committed,
                "input_text_buffer.cleared": self.cleared,
                **bracket,
                "response.created": self.response_created,
            },
            errors=errors,
        )
        self.model = model
        self.known_voice = known_voice
        self.wanted: Event = {}
        self.settings: Event = {}
        self.updates = self.commits = self.clears = 0
        self.credit = 0
        self.responses: list[tuple[str, str, int]] = []
        self.open: Event | None = None

    # ---------------------------------------------------------------- what the client asked
    def sent(self, event: Event) -> None:
        """Count what must be answered."""
        match event.get("type"):
            case "session.update":
                self.updates += 1
                self.wanted |= event.get("session", {})
            case "input_text_buffer.commit":
                self.commits += 1
            case "input_text_buffer.clear":
                self.clears += 1
            case "session.finish":
                self.credit += 1  # what was left in the buffer is spoken without a commit

    # ---------------------------------------------------------------- session and buffer
    def created(self, event: Event, at: str) -> None:
        """The defaults are usable at once, and the model is the one in the query."""
        equal(event, at, "session.model", self.model)
        for key in ECHOED:
            field(event, at, f"session.{key}", (str, int))
        self.settings = event["session"]

    def session_updated(self, event: Event, at: str) -> None:
        """One for each update, with the same id, echoing what was asked."""
        need(self.updates > 0, at, "session.updated that nobody asked for")
        self.updates -= 1
        session = field(event, at, "session", dict)
        equal(session, at, "id", self.session_id)
        equal(session, at, "object", "realtime.session")
        equal(session, at, "model", self.model)
        for key in ECHOED:
            value = field(session, at, key, (str, int))
            if self.wanted.get(key) is not None and (key != "voice" or self.known_voice):
                need(value == self.wanted[key], at, f"'{key}' is echoed as {value!r}")
        asked = self.wanted.get("language_type")
        if asked is not None:
            told = field(session, at, "language_type", str)
            need(told.lower() == asked.lower(), at, f"'language_type' is echoed as {told!r}")
        self.settings = session

    def committed(self, event: Event, at: str) -> None:
        """Only ever the answer to an explicit commit."""
        need(self.commits > 0, at, "committed without a commit")
        self.commits -= 1
        self.credit += 1
        field(event, at, "item_id", str)

    def cleared(self, event: Event, at: str) -> None:
        """Only ever the answer to a clear."""
        need(self.clears > 0, at, "cleared without a clear")
        self.clears -= 1

    # ---------------------------------------------------------------- one response at a time
    def response_created(self, event: Event, at: str) -> None:
        """Opens the bracket; in commit mode only after ``committed`` (or at the finish)."""
        need(self.open is None, at, "a response opened inside another")
        response_id = identifier(event, at, "response.id")
        need(response_id not in {r[0] for r in self.responses}, at, "the response id came before")
        equal(event, at, "response.object", "realtime.response")
        equal(event, at, "response.status", "in_progress")
        equal(event, at, "response.voice", self.settings["voice"])
        equal(event, at, "response.output", [])
        if self.settings["mode"] == "commit":
            need(self.credit > 0, at, "in commit mode a response needs a commit before it")
            self.credit -= 1
        self.open = {"id": response_id, "last": "response.created", "bytes": [], "item": ""}

    def in_bracket(self, event: Event, at: str) -> None:
        """Order and ids of everything from ``output_item.added`` to ``response.done``."""
        kind = event["type"]
        need(self.open is not None, at, "outside of a response")
        assert self.open is not None
        need(self.open["last"] == BRACKET[kind], at,
             f"it follows {self.open['last']}, where {BRACKET[kind]} belongs")  # fmt: skip
        if kind == "response.done":
            self.response_done(event, at)
            return
        equal(event, at, "response_id", self.open["id"])
        equal(event, at, "output_index", 0)
        if kind == "response.output_item.added":
            self.open["item"] = identifier(event, at, "item.id")
            self.check_item(event["item"], at, "in_progress")
        elif kind == "response.output_item.done":
            equal(event, at, "item.id", self.open["item"])
            self.check_item(event["item"], at, None)
        else:
            equal(event, at, "item_id", self.open["item"])
            equal(event, at, "content_index", 0)
        if kind.startswith("response.content_part."):
            equal(event, at, "part.type", "audio")
        if kind == "response.audio.delta":
            self.audio(event, at)
        else:
            self.open["last"] = kind

    def check_item(self, item: Event, at: str, status: str | None) -> None:
        """The constant fields of an item."""
        for path, value in (
            ("object", "realtime.item"),
            ("type", "message"),
            ("role", "assistant"),
        ):
            equal(item, at, path, value)
        told = field(item, at, "status", str)
        need(told == status if status else told in STATUSES, at, f"item status {told!r}")

    def audio(self, event: Event, at: str) -> None:
        """Whole base64 groups, so that clients may concatenate the strings; at most a second."""
        assert self.open is not None
        is_pcm = self.settings["response_format"] == "pcm"
        if not is_pcm and self.open["bytes"]:
            need(self.open["bytes"][-1] % 3 == 0, at, "only the last piece may need padding")
        size = audio_bytes(event, at, 6 if is_pcm else 1)
        if is_pcm:
            need(size <= 2 * self.settings["sample_rate"], at, "a delta of more than a second")
        self.open["bytes"].append(size)

    def response_done(self, event: Event, at: str) -> None:
        """Closes the bracket with status, item and usage."""
        assert self.open is not None
        equal(event, at, "response.id", self.open["id"])
        equal(event, at, "response.object", "realtime.response")
        status = field(event, at, "response.status", str)
        need(status in STATUSES, at, f"unknown status {status!r}")
        need(status == "completed" or status == "incomplete" or self.errors_allowed, at,
             f"the response ended as {status!r}")  # fmt: skip
        output = field(event, at, "response.output", list)
        need(len(output) == 1, at, "a response has exactly one output item")
        equal(output[0], at, "id", self.open["item"])
        self.check_item(output[0], at, status)
        content = field(output[0], at, "content", list)
        need(bool(content) and content[0].get("type") == "audio", at, "its content is not audio")
        field(content[0], at, "transcript", str)
        check_usage(event["response"].get("usage"), at)
        total = sum(self.open["bytes"])
        if status == "completed":
            need(total > 0, at, "a completed response without audio")
            self.check_tokens(event["response"]["usage"], total, at)
        self.responses.append((self.open["id"], status, total))
        self.open = None

    def check_tokens(self, usage: dict[str, Any], total: int, at: str) -> None:
        """Audio is paid by its length: 12.5 tokens a second, rounded up."""
        if not self.model.startswith("qwen3-") or self.settings["response_format"] != "pcm":
            return
        need(field(usage, at, "characters", int) > 0, at, "usage: no characters")
        paid = usage["output_tokens_details"]["audio_tokens"]
        due = math.ceil(total / 2 / self.settings["sample_rate"] * TOKENS_PER_S)
        need(abs(paid - due) <= 1, at, f"usage: {paid} audio tokens for audio worth {due}")

    def is_quiet(self) -> str:
        """An open response forbids ``session.finished``."""
        return "a response" if self.open else ""


def validate_synthesis(
    log: Log, *, model: str, errors: bool = False, known_voice: bool = True
) -> SynthesisValidator:
    """Check a whole log; ``errors`` allows ``error`` events, ``known_voice=False`` allows another
    voice than the one asked for. Returns the validator with what it counted.
    """
    validator = SynthesisValidator(model, errors=errors, known_voice=known_voice)
    validator.run(log)
    return validator
