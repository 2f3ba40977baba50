"""A strict client of speech synthesis.

It insists on the recorded order of events, on ids that belong together and on an echo of what was
asked for, and rejects every event type that it does not know. ``validate_synthesis`` is a pure
function over a log (see ``rules``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from dataclasses import field as made_by
from typing import Any

from dragoman.testing.validators.rules import (
    STATUSES,
    Event,
    Log,
    Rule,
    Validator,
    audio_payload,
    check_usage,
    equal,
    field,
    identifier,
    need,
)

ORDER = {
    "response.output_item.added": "response.created",
    "response.content_part.added": "response.output_item.added",
    "response.audio.delta": "response.content_part.added",
    "response.audio.done": "response.content_part.added",
    "response.content_part.done": "response.audio.done",
    "response.output_item.done": "response.content_part.done",
    "response.done": "response.output_item.done",
}
"""What must have come just before each event, deltas aside."""

# A delta is a multiple of so many bytes: base64 without padding, and whole samples. In pcm this
# also holds for the last delta; in the other formats the last one is the rest of the stream.
DELTA_UNIT_BYTES = {"pcm": 6, "wav": 6, "mp3": 3, "opus": 3}
SAMPLE_BYTES = {"pcm": 2, "wav": 2, "mp3": 1, "opus": 1}
WAV_HEAD_BYTES = 44

ECHOED = ("voice", "mode", "response_format", "sample_rate")
TOKENS_PER_S = 12.5


@dataclass
class SpokenResponse:
    """The open response; ``last`` is its last event, deltas aside."""

    id: str
    last: str = "response.created"
    item_id: str = ""
    item_status: str = ""
    delta_bytes: list[int] = made_by(default_factory=list)


class SynthesisValidator(Validator):
    """One connection. ``responses`` collects ``(id, status, audio bytes)`` for the test."""

    reopens = True

    def __init__(self, model: str, *, errors: bool, known_voice: bool, failures: bool) -> None:
        rules: dict[str, Rule] = {
            "session.updated": self.session_updated,
            "input_text_buffer.committed": self.committed,
            "input_text_buffer.cleared": self.cleared,
            "response.created": self.response_created,
        }
        super().__init__(rules | dict.fromkeys(ORDER, self.in_response), errors=errors)
        self.model = model
        self.known_voice = known_voice
        self.failures_allowed = failures or errors
        self.wanted: Event = {}
        self.settings: Event = {}
        self.updates = self.commits = self.clears = 0
        self.unspoken_commits = 0
        self.responses: list[tuple[str, str, int]] = []
        self.response: SpokenResponse | None = None

    # ---------------------------------------------------------------- what the client asked for
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
                self.unspoken_commits += 1  # what is left in the buffer is spoken without a commit

    # ---------------------------------------------------------------- session and buffer
    def created(self, event: Event, at: str) -> None:
        """The defaults are usable, and the model is the one in the query."""
        equal(event, at, "session.model", self.model)
        for key in ECHOED:
            field(event, at, f"session.{key}", (str, int))
        self.settings = event["session"]

    def session_updated(self, event: Event, at: str) -> None:
        """One for each update, with the same id; it repeats what was asked for."""
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
            echo = field(session, at, "language_type", str)
            need(echo.lower() == asked.lower(), at, f"'language_type' is echoed as {echo!r}")
        self.settings = session

    def committed(self, event: Event, at: str) -> None:
        """Only as the answer to an explicit commit."""
        need(self.commits > 0, at, "committed without a commit")
        self.commits -= 1
        self.unspoken_commits += 1
        field(event, at, "item_id", str)

    def cleared(self, event: Event, at: str) -> None:
        """Only as the answer to a clear."""
        need(self.clears > 0, at, "cleared without a clear")
        self.clears -= 1

    # ---------------------------------------------------------------- one response at a time
    def response_created(self, event: Event, at: str) -> None:
        """Opens a response; in commit mode only after ``committed`` or ``session.finish``."""
        need(self.response is None, at, "a response opened inside another")
        response_id = identifier(event, at, "response.id")
        need(response_id not in {r[0] for r in self.responses}, at, "the response id came before")
        equal(event, at, "response.object", "realtime.response")
        equal(event, at, "response.status", "in_progress")
        equal(event, at, "response.voice", self.settings["voice"])
        equal(event, at, "response.output", [])
        if self.settings["mode"] == "commit":
            need(
                self.unspoken_commits > 0, at, "in commit mode a response needs a commit before it"
            )
            self.unspoken_commits -= 1
        self.response = SpokenResponse(response_id)

    def in_response(self, event: Event, at: str) -> None:
        """Order and ids of everything from ``output_item.added`` to ``response.done``."""
        kind, response = event["type"], self.response
        need(response is not None, at, "outside of a response")
        assert response is not None
        need(response.last == ORDER[kind], at,
             f"it follows {response.last}, where {ORDER[kind]} belongs")  # fmt: skip
        if kind == "response.done":
            self.response_done(event, at, response)
            return
        equal(event, at, "response_id", response.id)
        equal(event, at, "output_index", 0)
        if kind == "response.output_item.added":
            response.item_id = identifier(event, at, "item.id")
            self.check_item(event["item"], at, "in_progress")
        elif kind == "response.output_item.done":
            equal(event, at, "item.id", response.item_id)
            self.check_item(event["item"], at, None)
            response.item_status = event["item"]["status"]
        else:
            equal(event, at, "item_id", response.item_id)
            equal(event, at, "content_index", 0)
        if kind.startswith("response.content_part."):
            equal(event, at, "part.type", "audio")
        if kind == "response.audio.delta":
            self.audio(event, at, response.delta_bytes)
        else:
            response.last = kind

    def check_item(self, item: Event, at: str, status: str | None) -> None:
        """The constant fields of an item."""
        for path, value in (
            ("object", "realtime.item"),
            ("type", "message"),
            ("role", "assistant"),
        ):
            equal(item, at, path, value)
        found = field(item, at, "status", str)
        need(found == status if status else found in STATUSES, at, f"item status {found!r}")

    def audio(self, event: Event, at: str, sizes: list[int]) -> None:
        """Whole base64 groups, so that clients may concatenate the strings; at most a second of
        samples; all deltas of a response are one stream, which begins as its format does.
        """
        form = self.settings["response_format"]
        need(form in DELTA_UNIT_BYTES, at, f"nobody knows the format {form!r}")
        unit = DELTA_UNIT_BYTES[form]
        if sizes:
            need(sizes[-1] % unit == 0, at, f"only the last delta may be no multiple of {unit}")
        raw = audio_payload(event, at, unit if form == "pcm" else SAMPLE_BYTES[form])
        begins = begins_stream(raw, form)
        if not sizes:
            need(begins, at, f"this does not begin as {form} does")
        elif form in ("wav", "opus"):
            need(not begins, at, "a second stream inside of one response")
        if form in ("pcm", "wav"):
            a_second = 2 * self.settings["sample_rate"] + (WAV_HEAD_BYTES if form == "wav" else 0)
            need(len(raw) <= a_second, at, "a delta of more than a second")
        sizes.append(len(raw))

    def response_done(self, event: Event, at: str, response: SpokenResponse) -> None:
        """Closes the response with status, item and usage."""
        equal(event, at, "response.id", response.id)
        equal(event, at, "response.object", "realtime.response")
        status = field(event, at, "response.status", str)
        need(status in STATUSES, at, f"unknown status {status!r}")
        need(status != "failed" or self.failures_allowed, at, "the response ended as 'failed'")
        need(status == response.item_status, at,
             f"the item ended as {response.item_status!r}, its response as {status!r}")  # fmt: skip
        output = field(event, at, "response.output", list)
        need(len(output) == 1, at, "a response has exactly one output item")
        equal(output[0], at, "id", response.item_id)
        self.check_item(output[0], at, status)
        content = field(output[0], at, "content", list)
        need(bool(content) and content[0].get("type") == "audio", at, "its content is not audio")
        field(content[0], at, "transcript", str)
        check_usage(event["response"].get("usage"), at)
        total = sum(response.delta_bytes)
        if status == "completed":
            need(total > 0, at, "a completed response without audio")
            self.check_tokens(event["response"]["usage"], total, at)
        self.responses.append((response.id, status, total))
        self.response = None

    def check_tokens(self, usage: dict[str, Any], total: int, at: str) -> None:
        """Audio costs 12.5 tokens a second, rounded up."""
        form = self.settings["response_format"]
        if not self.model.startswith("qwen3-") or form not in ("pcm", "wav"):
            return
        need(field(usage, at, "characters", int) > 0, at, "usage: no characters")
        paid = usage["output_tokens_details"]["audio_tokens"]
        sound = total - (WAV_HEAD_BYTES if form == "wav" else 0)
        due = math.ceil(sound / 2 / self.settings["sample_rate"] * TOKENS_PER_S)
        need(abs(paid - due) <= 1, at, f"usage: {paid} audio tokens for audio worth {due}")

    def unfinished(self) -> str:
        """An open response forbids ``session.finished``."""
        return "a response" if self.response else ""


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
    """Check a whole log of a session with this model; raises ``Violation``.

    ``errors`` allows ``error`` events, ``failures`` responses that failed without one,
    ``known_voice=False`` another voice than the one asked for. Returns the validator, with what
    it collected.
    """
    validator = SynthesisValidator(model, errors=errors, known_voice=known_voice, failures=failures)
    validator.run(log)
    return validator
