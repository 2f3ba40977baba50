"""A strict client of live interpretation, for all three generations of models.

It is as strict as two real clients together: one insists on the handshake and the audio, the
other on text (what got text must be closed with the same text before its response is). Added are
the recorded order of a turn, and that committed text is never taken back.
``validate_interpretation`` is a pure function over a log (see ``rules``).
"""

from __future__ import annotations

from dragoman.testing.validators.audio_input import AudioInputValidator
from dragoman.testing.validators.interpretation_response import (
    DONE,
    OUT_RATE_HZ,
    TEXT_ONLY,
    WITH_AUDIO,
    InterpretedResponse,
    check_modalities,
)
from dragoman.testing.validators.rules import (
    Event,
    Log,
    Rule,
    equal,
    field,
    identifier,
    need,
)


class InterpretationValidator(AudioInputValidator):
    """One connection. ``transcripts`` and ``translations`` have the final texts, in order."""

    def __init__(self, model: str, *, errors: bool, failures: bool) -> None:
        self.is_newest = not model.startswith(("qwen3-", "qwen3.5-"))
        unknown = ".text" if self.is_newest else ".delta"
        rules: dict[str, Rule] = {
            kind: self.in_response
            for kind in (*WITH_AUDIO, *TEXT_ONLY)
            if not kind.endswith(unknown) or kind == "response.audio.delta"
        }
        rules |= {"response.created": self.response_created, DONE: self.response_done}
        super().__init__(
            model,
            rules,
            by_deltas=self.is_newest,
            lists_items=not model.startswith("qwen3-"),
            errors=errors,
            failures=failures,
        )
        self.response: InterpretedResponse | None = None
        self.response_ids: set[str] = set()
        self.translations: list[str] = []
        self.audio_bytes = 0

    def check_session(self, session: Event, at: str) -> None:
        """The fields that clients insist on."""
        if self.is_newest:
            equal(session, at, "audio.output.format.type", "pcm")
            equal(session, at, "audio.output.format.sample_rate", OUT_RATE_HZ)
            identifier(session, at, "audio.output.voice")
        else:
            need(session.get("output_audio_format") in ("pcm", "pcm24"), at,
                 f"'output_audio_format' is {session.get('output_audio_format')!r}")  # fmt: skip
            identifier(session, at, "voice")
        identifier(session, at, "translation.language")
        key = "output_modalities" if self.is_newest else "modalities"
        check_modalities(field(session, at, key, list), at)

    def speech_started(self, event: Event, at: str) -> None:
        """The newest generation also names the speaker."""
        super().speech_started(event, at)
        if self.is_newest:
            field(event, at, "speaker_id", int)

    def other_item_created(self, event: Event, at: str) -> None:
        """The item of a translation: inside its response, and behind its source."""
        response = self.open_response(at, "a translation item outside of a response")
        response.item_created(event, at)
        need(self.items[-1:] != [] and self.items[-1] in self.sources, at,
             "'previous_item_id' of a translation names its source item")  # fmt: skip

    # ---------------------------------------------------------------- one response at a time
    def open_response(self, at: str, otherwise: str) -> InterpretedResponse:
        """The open response; a violation where there is none."""
        need(self.response is not None, at, otherwise)
        assert self.response is not None
        return self.response

    def response_created(self, event: Event, at: str) -> None:
        """Opens a response, with a new id."""
        need(self.response is None, at, "a response opened inside another")
        self.response = InterpretedResponse(event, at, is_newest=self.is_newest)
        need(self.response.id not in self.response_ids, at, "the response id came before")
        self.response_ids.add(self.response.id)

    def in_response(self, event: Event, at: str) -> None:
        """Everything between."""
        self.open_response(at, "outside of a response").take(event, at)

    def response_done(self, event: Event, at: str) -> None:
        """Closes the response; by now every source that got text has its final text."""
        response = self.open_response(at, "outside of a response")
        response.close(event, at, failures_allowed=self.failures_allowed)
        for item_id in self.open_sources():
            need(item_id == self.turn, at, f"source item {item_id} got text and was not closed")
        self.translations.append(response.final_text)
        self.audio_bytes += response.audio_bytes
        self.response = None

    def unfinished(self) -> str:
        """An open response, an open turn, or text that was not closed."""
        return "a response" if self.response else super().unfinished()


def validate_interpretation(
    log: Log, *, model: str, errors: bool = False, failures: bool = False
) -> InterpretationValidator:
    """Check a whole log of a session with this model; raises ``Violation``.

    ``errors`` allows ``error`` events, ``failures`` responses and transcripts that failed.
    Returns the validator, with the texts it collected.
    """
    validator = InterpretationValidator(model, errors=errors, failures=failures)
    validator.run(log)
    return validator
