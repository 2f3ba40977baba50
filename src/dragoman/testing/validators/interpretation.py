"""Two strict clients of the interpretation API in one, re-made from their rules.

One is strict about the handshake and the audio, the other about text: every item that got text
must be closed with the same text before its response is, ids are linked, counts are integers.
Added are the recorded order of one segment and the law of both dialects: what was shown as
committed is never taken back. ``validate_translation`` is a pure function over a log.
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field as fresh
from typing import Any

from dragoman.testing.validators.rules import (
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

ASR = "conversation.item.input_audio_transcription."
MAX_SEGMENT_MS = 30_000
PADDING_MS = 1_000
OUT_RATE_HZ = 24_000
OUT_TOKENS_PER_S = 12.5
EMOTIONS = ("", "surprised", "neutral", "happy", "sad", "disgusted", "angry", "fearful")

SHARED = (
    "session.updated", "input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped",
    "input_audio_buffer.committed", "input_audio_buffer.cleared", "conversation.item.created",
    ASR + "completed", ASR + "failed", "response.created", "response.output_item.added",
    "response.content_part.added", "response.text.done", "response.audio_transcript.done",
    "response.audio.delta", "response.audio.done", "response.content_part.done",
    "response.output_item.done", "response.done",
)  # fmt: skip
SNAPSHOTS = (ASR + "text", "response.text.text", "response.audio_transcript.text")
DELTAS = (ASR + "delta", "response.text.delta", "response.audio_transcript.delta")


@dataclass
class Source:
    """A source item: its text so far, and whether its last word came."""

    text: str = ""
    shown: bool = False
    closed: bool = False
    turn_open: bool = False


@dataclass
class Response:
    """The one open response."""

    id: str
    modalities: list[str]
    stage: str = "response.created"
    item: str = ""
    linked: bool = False
    text: str = ""
    told: str | None = None
    audio: int = 0
    sources: list[str] = fresh(default_factory=list)

    @property
    def with_audio(self) -> bool:
        return "audio" in self.modalities


class TranslationValidator(Validator):
    """One connection. ``transcripts`` and ``translations`` collect the closed texts in order."""

    def __init__(self, model: str, *, errors: bool, failures: bool) -> None:
        self.newest = not model.startswith(("qwen3-", "qwen3.5-"))
        texts = DELTAS if self.newest else SNAPSHOTS
        handlers = dict.fromkeys(SHARED + texts, self.dispatch)
        super().__init__(handlers, errors=errors)
        self.model = model
        self.failures_allowed = failures
        self.updates = self.commits = self.clears = 0
        self.expires = False
        self.manual = False
        self.updated_before_audio: bool | None = None
        self.source_on: bool | None = None
        self.modalities = {"text", "audio"}
        self.first_is_update = False
        self.frames = 0
        self.items: list[str] = []
        self.sources: dict[str, Source] = {}
        self.turn: str | None = None
        self.turn_start_ms = 0
        self.last_end_ms = 0
        self.response: Response | None = None
        self.response_ids: set[str] = set()
        self.transcripts: list[str] = []
        self.translations: list[str] = []
        self.audio_total = 0

    # ---------------------------------------------------------------- what the client asked
    def sent(self, event: Event) -> None:
        """Count what must be answered, and learn the mode."""
        match event.get("type"):
            case "session.update":
                self.updates += 1
                self.learn(event.get("session", {}))
                if self.updated_before_audio is None:
                    self.first_is_update = self.updated_before_audio = True
            case "input_audio_buffer.append":
                if self.updated_before_audio is None:
                    self.updated_before_audio = False
            case "input_audio_buffer.commit" | "response.create":
                self.commits += 1
            case "input_audio_buffer.clear":
                self.clears += 1

    def learn(self, session: Event) -> None:
        """Manual mode and the source transcript, as the client asked for them."""
        nested = (session.get("audio") or {}).get("input") or {}
        for place in (session, nested):
            if "turn_detection" in place:
                self.manual = place["turn_detection"] is None
        if "input_audio_transcription" in session and not self.newest:
            asked = session["input_audio_transcription"]
            self.source_on = bool(asked) and asked.get("model", "unset") is not None

    # ---------------------------------------------------------------- session
    def created(self, event: Event, at: str) -> None:
        """Model and shape of the first event."""
        equal(event, at, "session.model", self.model)
        self.check_session(event["session"], at)

    def check_session(self, session: Event, at: str) -> None:
        """The fields that clients insist on."""
        if self.newest:
            equal(session, at, "audio.output.format.type", "pcm")
            equal(session, at, "audio.output.format.sample_rate", OUT_RATE_HZ)
            identifier(session, at, "audio.output.voice")
            told = field(session, at, "output_modalities", list)
        else:
            told = field(session, at, "modalities", list)
            need(session.get("output_audio_format") in ("pcm", "pcm24"), at,
                 f"'output_audio_format' is {session.get('output_audio_format')!r}")  # fmt: skip
            identifier(session, at, "voice")
        identifier(session, at, "translation.language")
        need(set(told) in ({"text"}, {"text", "audio"}), at, f"modalities {told!r}")
        self.modalities = set(told)

    def dispatch(self, event: Event, at: str) -> None:
        """Session events, source events, response events."""
        kind = event["type"]
        self.frames += 1
        if kind == "session.updated":
            need(self.updates > 0, at, "session.updated that nobody asked for")
            self.updates -= 1
            equal(event, at, "session.id", self.session_id)
            equal(event, at, "session.model", self.model)
            self.check_session(event["session"], at)
            return
        if self.first_is_update:
            need(self.frames > 1 or bool(self.errors), at,
                 "the second frame must be session.updated")  # fmt: skip
        if kind.startswith("input_audio_buffer."):
            self.buffer(kind.removeprefix("input_audio_buffer."), event, at)
        elif kind == "conversation.item.created":
            self.item_created(event, at)
        elif kind.startswith(ASR):
            self.transcription(kind.removeprefix(ASR), event, at)
        elif kind == "response.created":
            self.response_created(event, at)
        else:
            self.in_response(kind, event, at)

    # ---------------------------------------------------------------- turns and items
    def buffer(self, kind: str, event: Event, at: str) -> None:
        """Turns alternate, run forward, and are at most 30 s long."""
        if kind == "cleared":
            need(self.clears > 0, at, "cleared without a clear")
            self.clears -= 1
        elif kind == "committed":
            need(self.manual, at, "committed was never seen under server VAD")
            asked = self.commits > 0 or self.finish_asked or self.expires
            need(asked, at, "committed without a commit")
            self.commits = max(0, self.commits - 1)
            self.sources[identifier(event, at, "item_id")] = Source()
        elif kind == "speech_started":
            need(self.turn is None, at, "a turn opened inside another")
            item_id = identifier(event, at, "item_id")
            need(item_id not in self.sources, at, "the item id came before")
            start = field(event, at, "audio_start_ms", int)
            need(start >= self.last_end_ms, at, "the turn starts before the last one ended")
            if self.newest:
                field(event, at, "speaker_id", int)
            self.turn, self.turn_start_ms = item_id, start
            self.sources[item_id] = Source(turn_open=True)
        else:
            equal(event, at, "item_id", self.turn)
            assert self.turn is not None
            end = field(event, at, "audio_end_ms", int)
            length = end - self.turn_start_ms
            need(0 <= length <= MAX_SEGMENT_MS + PADDING_MS, at, f"a turn of {length} ms")
            self.sources[self.turn].turn_open = False
            self.turn, self.last_end_ms = None, end

    def item_created(self, event: Event, at: str) -> None:
        """A chain: each item points at the one before; the translation at its source."""
        item_id = identifier(event, at, "item.id")
        need(item_id not in self.items, at, "the item id came before")
        equal(event, at, "item.object", "realtime.item")
        previous = event.get("previous_item_id")
        if self.items:
            need(
                previous == self.items[-1],
                at,
                f"'previous_item_id' is {previous!r}, the last item was {self.items[-1]!r}",
            )
        else:
            need(previous is None, at, "the first item has nothing before it")
        is_source = any(part.get("type") == "input_audio" for part in event["item"]["content"])
        if is_source:
            self.sources.setdefault(item_id, Source())
        else:
            need(self.response is not None, at, "a translation item outside of a response")
            assert self.response is not None
            need(self.response.stage == "response.output_item.added", at,
                 "a translation item belongs right behind response.output_item.added")  # fmt: skip
            equal(event, at, "item.id", self.response.item)
            need(self.items[-1:] != [] and self.items[-1] in self.sources, at,
                 "'previous_item_id' of a translation names its source item")  # fmt: skip
            self.response.linked = True
        self.items.append(item_id)

    def transcription(self, kind: str, event: Event, at: str) -> None:
        """Source text of one item only grows, and closes once, with what was shown."""
        item_id = identifier(event, at, "item_id")
        equal(event, at, "content_index", 0)
        need(item_id in self.sources or self.model.startswith("qwen3-"), at, "an unknown item")
        source = self.sources.setdefault(item_id, Source())
        need(not source.closed, at, "text after the item was closed")
        need(self.source_on is not False, at, "source text that was switched off")
        if "emotion" in event:
            need(event["emotion"] in EMOTIONS, at, f"unknown emotion {event['emotion']!r}")
        if kind == "text":
            source.text = self.grown(source.text, field(event, at, "text", str), at)
            field(event, at, "stash", str)
            source.shown = True
        elif kind == "delta":
            delta = field(event, at, "delta", str)
            need(delta != "", at, "an empty delta")
            source.text += delta
            source.shown = True
        elif kind == "completed":
            source.closed = True
            self.transcripts.append(
                self.closed(source.text, field(event, at, "transcript", str), at)
            )
        else:
            field(event, at, "error", dict)
            need(self.failures_allowed, at, "a failed transcription is fatal to clients")
            source.closed = True

    def grown(self, before: str, now: str, at: str) -> str:
        """A snapshot extends the one before."""
        need(now.startswith(before), at, f"committed text was taken back: {before!r} -> {now!r}")
        return now

    def closed(self, before: str, last: str, at: str) -> str:
        """The closing text: equal to the deltas, or an extension of the last snapshot."""
        if self.newest:
            need(last == before, at, f"deltas gave {before!r}, the closing text is {last!r}")
        return self.grown(before, last, at)

    # ---------------------------------------------------------------- one response at a time
    def response_created(self, event: Event, at: str) -> None:
        """Opens the bracket."""
        need(self.response is None, at, "a response opened inside another")
        response_id = identifier(event, at, "response.id")
        need(response_id not in self.response_ids, at, "the response id came before")
        equal(event, at, "response.object", "realtime.response")
        equal(event, at, "response.status", "in_progress")
        equal(event, at, "response.output", [])
        modalities = field(event, at, "response.modalities", list)
        need(set(modalities) in ({"text"}, {"text", "audio"}), at, f"modalities {modalities!r}")
        self.response_ids.add(response_id)
        self.response = Response(response_id, modalities)

    def in_response(self, kind: str, event: Event, at: str) -> None:
        """Order, ids and content from ``output_item.added`` to ``response.done``."""
        response = self.response
        need(response is not None, at, "outside of a response")
        assert response is not None
        if kind == "response.done":
            self.response_done(event, at, response)
            return
        equal(event, at, "response_id", response.id)
        equal(event, at, "output_index", 0)
        if "output_item" in kind:
            self.output_item(kind, event, at, response)
        else:
            equal(event, at, "item_id", response.item)
            equal(event, at, "content_index", 0)
            self.part(kind.removeprefix("response."), event, at, response)

    def follows(self, response: Response, at: str, *stages: str) -> None:
        """The last step of the bracket is one of these."""
        need(response.stage in stages, at, f"it follows {response.stage}")

    def output_item(self, kind: str, event: Event, at: str, response: Response) -> None:
        """The item opens right behind the response and closes right before its end."""
        if kind == "response.output_item.added":
            self.follows(response, at, "response.created")
            response.item = identifier(event, at, "item.id")
            equal(event, at, "item.status", "in_progress")
        else:
            self.follows(response, at, "content_part.done")
            equal(event, at, "item.id", response.item)
            need(event["item"].get("status") in STATUSES, at, "item status")
            self.same_text(event["item"].get("content"), "text", at, response)
        response.stage = kind

    def part(self, kind: str, event: Event, at: str, response: Response) -> None:
        """The part: text and speech inside, then the closing texts in their order."""
        prefix = "audio_transcript" if response.with_audio else "text"
        open_stage, text_stage = "content_part.added", f"{prefix}.done"
        if kind == "content_part.added":
            self.follows(response, at, "response.output_item.added")
            need(response.linked or not self.newest, at, "the translation item was not created")
            equal(event, at, "part.type", "audio" if response.with_audio else "text")
            response.stage = kind
        elif kind == text_stage:
            self.follows(response, at, open_stage)
            key = "transcript" if response.with_audio else "text"
            response.told = self.closed(response.text, field(event, at, key, str), at)
            response.stage = kind
        elif kind in (f"{prefix}.text", f"{prefix}.delta"):
            self.follows(response, at, open_stage)
            self.target_text(kind, event, at, response)
        elif kind == "audio.delta" and response.with_audio:
            self.follows(response, at, open_stage, text_stage)
            response.audio += audio_bytes(event, at, 2)
        elif kind == "audio.done" and response.with_audio:
            self.follows(response, at, text_stage)
            response.stage = kind
        elif kind == "content_part.done":
            self.follows(response, at, "audio.done" if response.with_audio else text_stage)
            self.same_text([event.get("part")], "text", at, response)
            response.stage = kind
        else:
            need(False, at, f"not an event of a response with modalities {response.modalities}")

    def target_text(self, kind: str, event: Event, at: str, response: Response) -> None:
        """Target text only grows."""
        if kind.endswith(".text"):
            response.text = self.grown(response.text, field(event, at, "text", str), at)
            field(event, at, "stash", str)
        else:
            delta = field(event, at, "delta", str)
            need(delta != "", at, "an empty delta")
            response.text += delta

    def same_text(self, content: Any, key: str, at: str, response: Response) -> None:
        """A closing event carries the text that ``…done`` told."""
        need(isinstance(content, list) and len(content) == 1, at, "there must be one part")
        need(isinstance(content[0], dict) and content[0].get(key) == response.told, at,
             f"the part says {content[0]!r}, the text was {response.told!r}")  # fmt: skip

    def response_done(self, event: Event, at: str, response: Response) -> None:
        """Closes the bracket; everything that got text must be closed by now."""
        self.follows(response, at, "response.output_item.done")
        equal(event, at, "response.id", response.id)
        status = field(event, at, "response.status", str)
        need(status == "completed" or (self.failures_allowed and status in STATUSES), at,
             f"the response ended as {status!r}")  # fmt: skip
        output = field(event, at, "response.output", list)
        need(len(output) == 1, at, "a response has exactly one output item")
        equal(output[0], at, "id", response.item)
        key = "transcript" if response.with_audio else "text"
        self.same_text(output[0].get("content"), key, at, response)
        for item_id, source in self.sources.items():
            is_done = source.closed or not source.shown or item_id == self.turn
            need(is_done, at, f"source item {item_id} got text and was not closed")
        check_usage(event["response"].get("usage"), at)
        self.check_tokens(event["response"]["usage"], response, at)
        self.translations.append(response.told or "")
        self.audio_total += response.audio
        self.response = None

    def check_tokens(self, usage: Event, response: Response, at: str) -> None:
        """Speech out is paid by its length; text-only responses pay for none."""
        paid = usage["output_tokens_details"].get("audio_tokens", 0)
        due = round(response.audio / 2 / OUT_RATE_HZ * OUT_TOKENS_PER_S)
        need(abs(paid - due) <= 1, at, f"usage: {paid} audio tokens for speech worth {due}")

    def is_quiet(self) -> str:
        """What forbids ``session.finished``."""
        if self.response:
            return "a response"
        if self.turn:
            return "a turn"
        waiting = [
            item for item, source in self.sources.items() if source.shown and not source.closed
        ]
        return f"source items {waiting}" if waiting else ""


def validate_translation(
    log: Log, *, model: str, errors: bool = False, failures: bool = False
) -> TranslationValidator:
    """Check a whole log; ``errors`` allows ``error`` events, ``failures`` responses that did not
    complete. Returns the validator with the texts it collected.
    """
    validator = TranslationValidator(model, errors=errors, failures=failures)
    # The end of a session's time commits what waits, as its end on request does.
    validator.expires = any(
        event["type"] == "error" and event["error"]["code"] == "session_expired"
        for _, event in log
        if isinstance(event, dict)
    )
    validator.run(log)
    return validator
