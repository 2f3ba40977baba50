"""A strict client of the synthesis API, re-made from its rules.

It insists on the recorded order of events, on ids that hang together, on an echo of what was
asked for, and it rejects every event type it does not know. ``validate_synthesis`` is a pure
function over a log (see ``rules``).
"""

from __future__ import annotations

import math
from typing import Any

from dragoman.testing.validators.rules import (
    STATUSES,
    Event,
    Log,
    Validator,
    audio_payload,
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

# How many bytes a delta is a multiple of: base64 without padding, and whole samples. In pcm this
# is true of the last delta, too; in the other formats the last one is what is left of the stream.
UNITS = {"pcm": 6, "wav": 6, "mp3": 3, "opus": 3}
SAMPLE_BYTES = {"pcm": 2, "wav": 2, "mp3": 1, "opus": 1}
WAV_HEAD_BYTES = 44

ECHOED = ("voice", "mode", "response_format", "sample_rate")
TOKENS_PER_S = 12.5


class SynthesisValidator(Validator):
    """One connection. ``responses`` collects ``(id, status, audio bytes)`` for the test."""

    reopens = True

    def __init__(self, model: str, *, errors: bool, known_voice: bool, failures: bool) -> None:
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
        self.failures_allowed = failures or errors
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
            self.open["status"] = event["item"]["status"]
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
        """Whole base64 groups, so that clients may concatenate the strings; at most a second of
        samples; all deltas of a response are one stream, which begins as its format does.
        """
        assert self.open is not None
        form = self.settings["response_format"]
        need(form in UNITS, at, f"nobody knows the format {form!r}")
        sizes, unit = self.open["bytes"], UNITS[form]
        if sizes:
            need(sizes[-1] % unit == 0, at, f"only the last delta may be no multiple of {unit}")
        raw = audio_payload(event, at, 6 if form == "pcm" else SAMPLE_BYTES[form])
        begins = begins_stream(raw, form)
        if not sizes:
            need(begins, at, f"this does not begin as {form} does")
        elif form in ("wav", "opus"):
            need(not begins, at, "a second stream inside of one response")
        if form in ("pcm", "wav"):
            a_second = 2 * self.settings["sample_rate"] + (WAV_HEAD_BYTES if form == "wav" else 0)
            need(len(raw) <= a_second, at, "a delta of more than a second")
        sizes.append(len(raw))

    def response_done(self, event: Event, at: str) -> None:
        """Closes the bracket with status, item and usage."""
        assert self.open is not None
        equal(event, at, "response.id", self.open["id"])
        equal(event, at, "response.object", "realtime.response")
        status = field(event, at, "response.status", str)
        need(status in STATUSES, at, f"unknown status {status!r}")
        need(status != "failed" or self.failures_allowed, at, "the response ended as 'failed'")
        need(status == self.open["status"], at,
             f"the item ended as {self.open['status']!r}, its response as {status!r}")  # fmt: skip
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
        form = self.settings["response_format"]
        if not self.model.startswith("qwen3-") or form not in ("pcm", "wav"):
            return
        need(field(usage, at, "characters", int) > 0, at, "usage: no characters")
        paid = usage["output_tokens_details"]["audio_tokens"]
        sound = total - (WAV_HEAD_BYTES if form == "wav" else 0)
        due = math.ceil(sound / 2 / self.settings["sample_rate"] * TOKENS_PER_S)
        need(abs(paid - due) <= 1, at, f"usage: {paid} audio tokens for audio worth {due}")

    def is_quiet(self) -> str:
        """An open response forbids ``session.finished``."""
        return "a response" if self.open else ""


def begins_stream(raw: bytes, form: str) -> bool:
    """Whether a file of this format may begin so."""
    match form:
        case "wav":
            return raw[:4] == b"RIFF" and raw[8:12] == b"WAVE"
        case "opus":
            return raw[:4] == b"OggS" and b"OpusHead" in raw[:64]
        case "mp3":
            return raw[:3] == b"ID3" or (raw[0] == 0xFF and len(raw) > 1 and raw[1] & 0xE0 == 0xE0)
    return True


def validate_synthesis(
    log: Log,
    *,
    model: str,
    errors: bool = False,
    known_voice: bool = True,
    failures: bool = False,
) -> SynthesisValidator:
    """Check a whole log; ``errors`` allows ``error`` events, ``failures`` responses that failed
    without one, ``known_voice=False`` another voice than the one asked for. Returns the validator
    with what it counted.
    """
    validator = SynthesisValidator(model, errors=errors, known_voice=known_voice, failures=failures)
    validator.run(log)
    return validator
