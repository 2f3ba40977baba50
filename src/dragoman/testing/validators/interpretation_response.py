"""The rules of one response of interpretation, from ``response.created`` to ``response.done``."""

from __future__ import annotations

from typing import Any

from dragoman.testing.validators.audio_input import ShownText
from dragoman.testing.validators.rules import (
    STATUSES,
    Event,
    audio_payload,
    check_usage,
    equal,
    field,
    identifier,
    need,
)

OUT_RATE_HZ = 24_000
OUT_TOKENS_PER_S = 12.5

# What may come before each event; texts and audio deltas do not count as steps.
CREATED, ADDED = "response.created", "response.output_item.added"
PART_ADDED, PART_DONE = "response.content_part.added", "response.content_part.done"
ITEM_DONE, DONE = "response.output_item.done", "response.done"
AUDIO_DELTA, AUDIO_DONE = "response.audio.delta", "response.audio.done"
SPOKEN = "response.audio_transcript."
WRITTEN = "response.text."
WITH_AUDIO: dict[str, tuple[str, ...]] = {
    ADDED: (CREATED,),
    PART_ADDED: (ADDED,),
    SPOKEN + "text": (PART_ADDED,),
    SPOKEN + "delta": (PART_ADDED,),
    AUDIO_DELTA: (PART_ADDED, SPOKEN + "done"),
    SPOKEN + "done": (PART_ADDED,),
    AUDIO_DONE: (SPOKEN + "done",),
    PART_DONE: (AUDIO_DONE,),
    ITEM_DONE: (PART_DONE,),
    DONE: (ITEM_DONE,),
}
TEXT_ONLY: dict[str, tuple[str, ...]] = {
    ADDED: (CREATED,),
    PART_ADDED: (ADDED,),
    WRITTEN + "text": (PART_ADDED,),
    WRITTEN + "delta": (PART_ADDED,),
    WRITTEN + "done": (PART_ADDED,),
    PART_DONE: (WRITTEN + "done",),
    ITEM_DONE: (PART_DONE,),
    DONE: (ITEM_DONE,),
}


def check_modalities(modalities: list[str], at: str) -> None:
    """Text, with or without audio."""
    need(set(modalities) in ({"text"}, {"text", "audio"}), at, f"modalities {modalities!r}")


class InterpretedResponse:
    """The open response: order, ids and content of its events.

    In the newest generation texts are deltas, and the item of the translation is announced.
    """

    def __init__(self, event: Event, at: str, *, is_newest: bool) -> None:
        self.id = identifier(event, at, "response.id")
        equal(event, at, "response.object", "realtime.response")
        equal(event, at, "response.status", "in_progress")
        equal(event, at, "response.output", [])
        self.modalities = field(event, at, "response.modalities", list)
        check_modalities(self.modalities, at)
        self.with_audio = "audio" in self.modalities
        self.item_id = ""
        self.audio_bytes = 0
        self.final_text = ""
        self._needs_item = is_newest
        self._order = WITH_AUDIO if self.with_audio else TEXT_ONLY
        self._last = CREATED
        self._shown = ShownText(by_deltas=is_newest)

    def item_created(self, event: Event, at: str) -> None:
        """The item of the translation comes right behind ``response.output_item.added``."""
        need(self._last == ADDED, at,
             "a translation item belongs right behind response.output_item.added")  # fmt: skip
        equal(event, at, "item.id", self.item_id)
        self._needs_item = False

    def take(self, event: Event, at: str) -> None:
        """The next event, up to ``response.output_item.done``."""
        kind = event["type"]
        self._step(kind, at)
        equal(event, at, "response_id", self.id)
        equal(event, at, "output_index", 0)
        match kind:
            case "response.output_item.added":
                self.item_id = identifier(event, at, "item.id")
                equal(event, at, "item.status", "in_progress")
                return
            case "response.output_item.done":
                equal(event, at, "item.id", self.item_id)
                need(event["item"].get("status") in STATUSES, at, "item status")
                self._same_text(event["item"].get("content"), "text", at)
                return
        equal(event, at, "item_id", self.item_id)
        equal(event, at, "content_index", 0)
        self._part(kind, event, at)

    def _step(self, kind: str, at: str) -> None:
        need(kind in self._order, at,
             f"not an event of a response with modalities {self.modalities}")  # fmt: skip
        need(self._last in self._order[kind], at, f"it follows {self._last}")
        if not kind.endswith((".text", ".delta")):
            self._last = kind

    def _part(self, kind: str, event: Event, at: str) -> None:
        match kind.removeprefix("response."):
            case "content_part.added":
                need(not self._needs_item, at, "the translation item was not created")
                equal(event, at, "part.type", "audio" if self.with_audio else "text")
            case "audio_transcript.text" | "text.text":
                self._shown.snapshot(event, at)
            case "audio_transcript.delta" | "text.delta":
                self._shown.delta(event, at)
            case "audio.delta":
                self.audio_bytes += len(audio_payload(event, at, 2))
            case "audio_transcript.done":
                self.final_text = self._shown.close(event, at, "transcript")
            case "text.done":
                self.final_text = self._shown.close(event, at, "text")
            case "content_part.done":
                self._same_text([event.get("part")], "text", at)

    def close(self, event: Event, at: str, *, failures_allowed: bool) -> None:
        """``response.done``: status, output and usage."""
        self._step(DONE, at)
        equal(event, at, "response.id", self.id)
        status = field(event, at, "response.status", str)
        need(status == "completed" or (failures_allowed and status in STATUSES), at,
             f"the response ended as {status!r}")  # fmt: skip
        output = field(event, at, "response.output", list)
        need(len(output) == 1, at, "a response has exactly one output item")
        equal(output[0], at, "id", self.item_id)
        key = "transcript" if self.with_audio else "text"
        self._same_text(output[0].get("content"), key, at)
        check_usage(event["response"].get("usage"), at)
        paid = event["response"]["usage"]["output_tokens_details"].get("audio_tokens", 0)
        due = round(self.audio_bytes / 2 / OUT_RATE_HZ * OUT_TOKENS_PER_S)
        need(abs(paid - due) <= 1, at, f"usage: {paid} audio tokens for speech worth {due}")

    def _same_text(self, content: Any, key: str, at: str) -> None:
        """A closing event carries the final text of the response."""
        need(isinstance(content, list) and len(content) == 1, at, "there must be one part")
        need(isinstance(content[0], dict) and content[0].get(key) == self.final_text, at,
             f"the part says {content[0]!r}, the text was {self.final_text!r}")  # fmt: skip
