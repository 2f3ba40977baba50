"""The interpretation session: speech and pictures in, one interpreted turn after the other out.

Scope: what is special about interpretation; the buffer and the job are ``audio_input.session``'s.
This class sorts the job's facts by turn. What a turn sends stands in ``turn_writer``, in which
order turns go out in ``turn_queue``. It does not know the engines behind the job.
"""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from dragoman.protocol.audio_input.events import AudioCommitted, ImageAppend
from dragoman.protocol.audio_input.session import EMPTY_COMMIT, SpeechSession
from dragoman.protocol.core.events import ClientEvent
from dragoman.protocol.core.fields import INVALID_VALUE
from dragoman.protocol.core.session import Phase, Rejected, SessionContext
from dragoman.protocol.interpretation.generation import Generation
from dragoman.protocol.interpretation.image_intake import ImageIntake
from dragoman.protocol.interpretation.session_object import describe
from dragoman.protocol.interpretation.session_update import merge
from dragoman.protocol.interpretation.settings import InterpretationSettings
from dragoman.protocol.interpretation.turn_queue import TurnQueue
from dragoman.protocol.interpretation.turn_writer import TurnWriter
from dragoman.speech import (
    EndTurn,
    Fact,
    Interpret,
    InterpretationOptions,
    SpeechStarted,
    SpeechStopped,
    TurnDone,
)

ENGINE_FAILED = "The interpretation engine failed."


class InterpretationSession(SpeechSession[InterpretationSettings, TurnWriter]):
    """One connection that interprets."""

    def __init__(self, family: Generation, context: SessionContext) -> None:
        self.family = family
        self._session_id = context.ids.new("sess")
        super().__init__(context, family.defaults(), context.ids.new("conv"))
        self._options = context.option(InterpretationOptions)
        self._images = ImageIntake(family.tariff, self.limits.image_bytes, strict=self.strict)
        self._turns: TurnQueue[TurnWriter] = TurnQueue(self.limits.waiting_responses)
        self._numbered: dict[int, TurnWriter] = {}

    # ------------------------------------------------------------ settings
    def describe(self, *, created: bool) -> dict[str, Any]:
        """As the generation shows it."""
        return describe(
            self.family, self.settings, self._session_id, self.context.model, created=created
        )

    def merge(self, patch: dict[str, Any]) -> InterpretationSettings:
        """As the generation reads it."""
        before = self.settings
        settings = merge(self.family, before, patch, self.context.coverage, strict=self.strict)
        paths = self.family.update_paths
        self.check_format(settings, paths.rate_in, paths.format_in)
        if settings.voice_refused and settings.voice_refused != before.voice_refused:
            self.note("unknown_voice", settings.voice_refused)
        return settings

    def task(self, settings: InterpretationSettings) -> Interpret:
        """Interpret under these settings."""
        return self.family.task(settings, self._options)

    # ------------------------------------------------------------ client events
    def on_other_event(self, event: ClientEvent) -> None:
        """A picture, or what has no effect."""
        if isinstance(event, ImageAppend):
            self._append_image(event.image)
        else:
            super().on_other_event(event)

    def _append_image(self, image: str) -> None:
        if not self.speech.has_come:
            raise Rejected(
                INVALID_VALUE, "An image can only be sent after audio was sent.", "image"
            )
        accepted = self._images.accept(image, self.speech.pushed_ms, self.now)
        if accepted is None:
            self.note("image_dropped")
        else:
            self.push(accepted)

    def on_commit(self) -> None:
        """Manual mode: a turn, with audio. Under VAD only some generations allow it."""
        if self.settings.manual:
            self._commit()
        elif not self.family.commit_under_vad:
            raise Rejected(
                INVALID_VALUE,
                "The audio buffer can only be committed in manual mode (turn_detection null).",
            )
        else:
            self.push(EndTurn())

    def on_finish(self) -> None:
        """Waiting speech is committed first; beyond the limit of turns it is dropped."""
        if self.settings.manual and self.speech.waiting:
            if self._is_full():  # the connection ends: no client waits for this turn's answer
                self.note("turn_dropped")
            else:
                self.commit()
        super().on_finish()

    def _commit(self) -> None:
        if not self.speech.waiting:
            raise Rejected(INVALID_VALUE, EMPTY_COMMIT)
        if self._is_full():
            raise Rejected(INVALID_VALUE, "Too many responses are waiting.")
        self.commit()

    def _is_full(self) -> bool:
        return len(self._turns) + len(self.commits) >= self.limits.waiting_responses

    def new_turn(self, settings: InterpretationSettings, *, is_manual: bool) -> TurnWriter:
        """A turn with ids of its own."""
        return TurnWriter(self.family, settings, self.chain, self.ids, self, is_manual=is_manual)

    def write_committed(self, turn: TurnWriter) -> None:
        """The item before it is only known when no other turn is open."""
        is_next = not self._turns and not self.commits
        previous = self.chain.last_item if is_next else UNSET
        self.send(AudioCommitted(previous_item_id=previous, item_id=turn.ids.source_item))

    # ------------------------------------------------------------ facts
    def is_idle(self) -> bool:
        """The job has ended and every turn is written."""
        return self.job is None and not self._turns

    def on_fact(self, fact: Fact) -> None:
        """Queue it with its turn; write what may go out now."""
        self._queue_fact(fact)
        self._write_released()

    def _queue_fact(self, fact: Fact) -> None:
        if isinstance(fact, SpeechStarted):
            self._open_turn(fact)
            return
        turn = self._numbered.get(fact.turn)
        if turn is None or not self._turns.put(turn, fact):
            self.note("fact_dropped", type(fact).__name__)
        if isinstance(fact, TurnDone):
            self._numbered.pop(fact.turn, None)

    def _open_turn(self, fact: SpeechStarted) -> None:
        if fact.turn in self._numbered:
            self.note("fact_dropped", "SpeechStarted")
            return
        turn = self.turn_of(fact)
        if self._turns.open(turn):
            self._numbered[fact.turn] = turn
            self._turns.put(turn, fact)
        else:
            self.note("turn_dropped")

    def _write_released(self) -> None:
        """Write the facts that the queue releases: those of the oldest turns."""
        for turn, fact in self._turns.release():
            if isinstance(fact, TurnDone):
                turn.meter.image_tokens = self._images.take_tokens()
            turn.write(fact)
            if isinstance(fact, TurnDone) and fact.status == "failed":
                self.note("turn_failed")
                if self.strict:
                    self.die("internal_error", ENGINE_FAILED)
                    return

    def on_job_ended(self) -> None:
        """Turns that the job never reported complete with what they have."""
        is_expected = self.phase is not Phase.OPEN
        for commit in self.commits:
            self._turns.open(commit.turn)
            self._turns.put(commit.turn, SpeechStarted(0, commit.start_ms))
        for turn in self._turns:
            self._turns.put(turn, SpeechStopped(0, self.speech.pushed_ms))
            self._turns.put(turn, TurnDone(0, 0, "completed" if is_expected else "failed"))
        self.drop_job()
        self._write_released()
        if not is_expected and not self.closed:
            self.die("internal_error", ENGINE_FAILED)

    def on_job_failed(self, reason: str) -> None:
        """The session's work is over: close the oldest turn, then hang up."""
        self.note("job_failed", reason)
        turn = self._turns.oldest
        if turn is not None:
            turn.write(SpeechStopped(0, self.speech.pushed_ms))
            turn.write(TurnDone(0, 0, "failed"))
        self.drop_job()
        self.die("internal_error", ENGINE_FAILED)

    def drop_job(self) -> None:
        """The job is over, and so are its numbers."""
        super().drop_job()
        self._numbered.clear()
