"""Rules of every API that takes audio: turns, the chain of items, and the source transcripts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dragoman.testing.validators.rules import (
    Event,
    Log,
    Rule,
    Validator,
    Violation,
    equal,
    field,
    identifier,
    need,
)

ASR = "conversation.item.input_audio_transcription."
MAX_TURN_MS = 30_000
PADDING_MS = 1_000
EMOTIONS = ("", "surprised", "neutral", "happy", "sad", "disgusted", "angry", "fearful")


class ShownText:
    """Text that a client has shown: it only grows, whether by snapshots or by deltas."""

    def __init__(self, *, by_deltas: bool) -> None:
        self.text = ""
        self._by_deltas = by_deltas

    def snapshot(self, event: Event, at: str) -> None:
        """The committed text so far, and a draft of what follows."""
        self._extend(field(event, at, "text", str), at)
        field(event, at, "stash", str)

    def delta(self, event: Event, at: str) -> None:
        """More text."""
        added = field(event, at, "delta", str)
        need(added != "", at, "an empty delta")
        self.text += added

    def close(self, event: Event, at: str, key: str) -> str:
        """The final text: what the deltas add up to, or an extension of the last snapshot."""
        final = field(event, at, key, str)
        if self._by_deltas:
            need(
                final == self.text, at, f"deltas gave {self.text!r}, the closing text is {final!r}"
            )
        self._extend(final, at)
        return self.text

    def _extend(self, text: str, at: str) -> None:
        need(text.startswith(self.text), at,
             f"committed text was taken back: {self.text!r} -> {text!r}")  # fmt: skip
        self.text = text


@dataclass
class SourceItem:
    """What is known of one source item."""

    shown: ShownText
    has_text: bool = False
    is_closed: bool = False


class AudioInputValidator(Validator):
    """One connection to an API with audio input. ``transcripts`` has the final texts, in order.

    ``by_deltas``: source text comes as deltas, not as snapshots. ``lists_items``: transcripts
    only name items that an earlier event announced.
    """

    def __init__(
        self,
        model: str,
        rules: Mapping[str, Rule],
        *,
        by_deltas: bool,
        lists_items: bool,
        errors: bool,
        failures: bool,
    ) -> None:
        text: dict[str, Rule] = (
            {ASR + "delta": self.source_delta}
            if by_deltas
            else {ASR + "text": self.source_snapshot}
        )
        shared: dict[str, Rule] = {
            "session.updated": self.session_updated,
            "input_audio_buffer.speech_started": self.speech_started,
            "input_audio_buffer.speech_stopped": self.speech_stopped,
            "input_audio_buffer.committed": self.committed,
            "input_audio_buffer.cleared": self.cleared,
            "conversation.item.created": self.item_created,
            ASR + "completed": self.source_completed,
            ASR + "failed": self.source_failed,
        }
        super().__init__({**shared, **text, **rules}, errors=errors)
        self.model = model
        self.by_deltas = by_deltas
        self.lists_items = lists_items
        self.failures_allowed = failures
        self.updates = self.commits = self.clears = 0
        self.expires = False
        self.is_manual = False
        self.updates_first: bool | None = None
        self.source_text_on: bool | None = None
        self.has_events = False
        self.items: list[str] = []
        self.sources: dict[str, SourceItem] = {}
        self.turn: str | None = None
        self.turn_start_ms = 0
        self.last_end_ms = 0
        self.transcripts: list[str] = []

    # ---------------------------------------------------------------- for subclasses
    def check_session(self, session: Event, at: str) -> None:
        """Check the fields of the session object that clients insist on."""

    def other_item_created(self, event: Event, at: str) -> None:
        """Check ``conversation.item.created`` of an item that is no source."""
        raise Violation(f"{at}: an item that is no source: {event['item']!r}")

    def run(self, log: Log) -> None:
        """Check every event in order; raises ``Violation`` at the first broken rule."""
        # A session that is too old commits what is buffered, as it does on session.finish. Its
        # error comes behind the events that this brings.
        self.expires = any(
            event["type"] == "error" and event["error"]["code"] == "session_expired"
            for _, event in log
        )
        super().run(log)

    # ---------------------------------------------------------------- what the client asked for
    def sent(self, event: Event) -> None:
        """Count what must be answered, and learn the mode."""
        match event.get("type"):
            case "session.update":
                self.updates += 1
                self._learn(event.get("session", {}))
                self.updates_first = self.updates_first is not False
            case "input_audio_buffer.append":
                self.updates_first = self.updates_first is True
            case "input_audio_buffer.commit" | "response.create":
                self.commits += 1
            case "input_audio_buffer.clear":
                self.clears += 1

    def _learn(self, session: Event) -> None:
        """Manual mode and the source transcript, as the client asked for them."""
        nested = (session.get("audio") or {}).get("input") or {}
        for place in (session, nested):
            if "turn_detection" in place:
                self.is_manual = place["turn_detection"] is None
        if "input_audio_transcription" in session and not self.by_deltas:
            asked = session["input_audio_transcription"]
            self.source_text_on = bool(asked) and asked.get("model", "unset") is not None

    # ---------------------------------------------------------------- session
    def created(self, event: Event, at: str) -> None:
        """Model and shape of the session."""
        equal(event, at, "session.model", self.model)
        self.check_session(event["session"], at)

    def received(self, kind: str, at: str) -> None:
        """A client that begins with an update gets ``session.updated`` before anything else."""
        if kind in ("session.created", "session.finished", "error"):
            return
        if self.updates_first and kind != "session.updated":
            need(self.has_events or bool(self.errors), at,
                 "the second frame must be session.updated")  # fmt: skip
        self.has_events = True

    def session_updated(self, event: Event, at: str) -> None:
        """One for each update, with the same id and model."""
        need(self.updates > 0, at, "session.updated that nobody asked for")
        self.updates -= 1
        equal(event, at, "session.id", self.session_id)
        equal(event, at, "session.model", self.model)
        self.check_session(event["session"], at)

    # ---------------------------------------------------------------- turns
    def speech_started(self, event: Event, at: str) -> None:
        """Turns do not overlap and run forward."""
        need(self.turn is None, at, "a turn opened inside another")
        item_id = identifier(event, at, "item_id")
        need(item_id not in self.sources, at, "the item id came before")
        start_ms = field(event, at, "audio_start_ms", int)
        need(start_ms >= self.last_end_ms, at, "the turn starts before the last one ended")
        self.turn, self.turn_start_ms = item_id, start_ms
        self.sources[item_id] = self._new_source()

    def speech_stopped(self, event: Event, at: str) -> None:
        """Ends the open turn, which has a maximal length."""
        equal(event, at, "item_id", self.turn)
        end_ms = field(event, at, "audio_end_ms", int)
        length_ms = end_ms - self.turn_start_ms
        need(0 <= length_ms <= MAX_TURN_MS + PADDING_MS, at, f"a turn of {length_ms} ms")
        self.turn, self.last_end_ms = None, end_ms

    def committed(self, event: Event, at: str) -> None:
        """Only in manual mode: after a commit, or when the session ends."""
        need(self.is_manual, at, "committed was never seen under server VAD")
        asked = self.commits > 0 or self.finish_asked or self.expires
        need(asked, at, "committed without a commit")
        self.commits = max(0, self.commits - 1)
        self.sources[identifier(event, at, "item_id")] = self._new_source()

    def cleared(self, event: Event, at: str) -> None:
        """Only as the answer to a clear."""
        need(self.clears > 0, at, "cleared without a clear")
        self.clears -= 1

    # ---------------------------------------------------------------- items
    def item_created(self, event: Event, at: str) -> None:
        """A chain: each item names the one before."""
        item_id = identifier(event, at, "item.id")
        need(item_id not in self.items, at, "the item id came before")
        equal(event, at, "item.object", "realtime.item")
        previous = event.get("previous_item_id")
        if self.items:
            rule = f"'previous_item_id' is {previous!r}, the last item was {self.items[-1]!r}"
            need(previous == self.items[-1], at, rule)
        else:
            need(previous is None, at, "the first item has nothing before it")
        if any(part.get("type") == "input_audio" for part in event["item"]["content"]):
            self.sources.setdefault(item_id, self._new_source())
        else:
            self.other_item_created(event, at)
        self.items.append(item_id)

    # ---------------------------------------------------------------- source transcripts
    def _new_source(self) -> SourceItem:
        return SourceItem(ShownText(by_deltas=self.by_deltas))

    def _source(self, event: Event, at: str) -> SourceItem:
        """The open item that a transcription event is about."""
        item_id = identifier(event, at, "item_id")
        equal(event, at, "content_index", 0)
        need(item_id in self.sources or not self.lists_items, at, "an unknown item")
        source = self.sources.setdefault(item_id, self._new_source())
        need(not source.is_closed, at, "text after the item was closed")
        need(self.source_text_on is not False, at, "source text that was switched off")
        if "emotion" in event:
            need(event["emotion"] in EMOTIONS, at, f"unknown emotion {event['emotion']!r}")
        return source

    def source_snapshot(self, event: Event, at: str) -> None:
        """Committed source text and a draft."""
        source = self._source(event, at)
        source.shown.snapshot(event, at)
        source.has_text = True

    def source_delta(self, event: Event, at: str) -> None:
        """More source text."""
        source = self._source(event, at)
        source.shown.delta(event, at)
        source.has_text = True

    def source_completed(self, event: Event, at: str) -> None:
        """The final text of an item; once."""
        source = self._source(event, at)
        self.transcripts.append(source.shown.close(event, at, "transcript"))
        source.is_closed = True

    def source_failed(self, event: Event, at: str) -> None:
        """An item without a final text."""
        source = self._source(event, at)
        field(event, at, "error", dict)
        need(self.failures_allowed, at, "a failed transcription is fatal to clients")
        source.is_closed = True

    def open_sources(self) -> list[str]:
        """The items that got text and no final text."""
        return [i for i, source in self.sources.items() if source.has_text and not source.is_closed]

    def unfinished(self) -> str:
        """An open turn, or text that was not closed."""
        if self.turn:
            return "a turn"
        return f"source items {self.open_sources()}" if self.open_sources() else ""
