"""A strict client of realtime recognition.

It is as strict as several real clients together: one needs the item id on every event, one counts
a transcript for every commit, one takes an empty transcript for the end of a turn, and all of them
give up at an error. Added is the documented order of a turn. ``validate_recognition`` is a pure
function over a log (see ``rules``).
"""

from __future__ import annotations

from dragoman.testing.validators.audio_input import AudioInputValidator
from dragoman.testing.validators.rules import Event, Log, equal, field, identifier, need


class RecognitionValidator(AudioInputValidator):
    """One connection. ``transcripts`` has the final texts, in order."""

    def __init__(self, model: str, *, errors: bool, failures: bool) -> None:
        super().__init__(
            model, {}, by_deltas=False, lists_items=True, errors=errors, failures=failures
        )
        self.stopped: str | None = None
        self.announced: str | None = None
        self.found_items: list[str] = []
        self.committed_items: list[str] = []
        self.closed_items: list[str] = []

    def check_session(self, session: Event, at: str) -> None:
        """Text only, and nothing about voices or translation."""
        equal(session, at, "modalities", ["text"])
        need(session.get("input_audio_format") in ("pcm", "opus"), at, "an unknown input format")
        need(session.get("sample_rate") in (8_000, 16_000), at, "an unknown sample rate")
        identifier(session, at, "input_audio_transcription.model")
        field(session, at, "turn_detection", (dict, type(None)))
        for name in ("voice", "output_audio_format", "translation"):
            need(name not in session, at, f"'{name}' belongs to another API")

    def sent(self, event: Event) -> None:
        """Nothing switches the transcript off."""
        super().sent(event)
        self.source_text_on = None

    # ---------------------------------------------------------------- order of a turn
    def speech_stopped(self, event: Event, at: str) -> None:
        """``committed`` of the same turn follows."""
        super().speech_stopped(event, at)
        self.stopped = event["item_id"]

    def committed(self, event: Event, at: str) -> None:
        """Under server VAD behind ``speech_stopped``, else for a commit or the finish."""
        item_id = identifier(event, at, "item_id")
        if self.stopped is not None:
            need(item_id == self.stopped, at, f"committed of {item_id}, {self.stopped} stopped")
            self.found_items.append(item_id)
            self.stopped = None
        else:
            need(item_id not in self.sources, at, "committed twice")
            self.is_manual = True  # a turn found before the update is committed as it was found
            super().committed(event, at)
            self.committed_items.append(item_id)
        previous = event.get("previous_item_id")
        need(previous == (self.items[-1] if self.items else None), at, "a gap in the items")
        self.announced = item_id

    def item_created(self, event: Event, at: str) -> None:
        """Right behind its ``committed``."""
        super().item_created(event, at)
        equal(event, at, "item.id", self.announced)
        equal(event, at, "item.role", "user")
        equal(event, at, "item.status", "completed")
        self.announced = None

    def source_snapshot(self, event: Event, at: str) -> None:
        """With language and emotion."""
        super().source_snapshot(event, at)
        self.check_labels(event, at)

    def source_completed(self, event: Event, at: str) -> None:
        """Nothing in it may be taken for a snapshot or a bill."""
        super().source_completed(event, at)
        self.check_labels(event, at)
        need("text" not in event and "usage" not in event, at, "a field that clients misread")
        self.close_item(event, at)

    def source_failed(self, event: Event, at: str) -> None:
        """It ends its item, too."""
        super().source_failed(event, at)
        self.close_item(event, at)

    def check_labels(self, event: Event, at: str) -> None:
        """Always there."""
        identifier(event, at, "language")
        identifier(event, at, "emotion")

    def close_item(self, event: Event, at: str) -> None:
        """Each item ends once and behind its ``item.created``: those that the client committed in
        the order of its commits, those that the server found in the order of their ends.
        """
        self.closed_items.append(event["item_id"])
        need(event["item_id"] in self.items, at, "a transcript before its item")
        for items in (self.committed_items, self.found_items):
            closed = [item for item in self.closed_items if item in items]
            need(closed == items[: len(closed)], at, "transcripts are not in the order of the ends")

    def unfinished(self) -> str:
        """An open turn, or an item without its transcript."""
        missing = [item for item in self.items if item not in self.closed_items]
        return super().unfinished() or (f"items {missing}" if missing else "")


def validate_recognition(
    log: Log, *, model: str, errors: bool = False, failures: bool = False
) -> RecognitionValidator:
    """Check a whole log of a session with this model; raises ``Violation``.

    ``errors`` allows ``error`` events, ``failures`` transcripts that failed. Returns the
    validator, with the texts it collected.
    """
    validator = RecognitionValidator(model, errors=errors, failures=failures)
    validator.run(log)
    return validator
