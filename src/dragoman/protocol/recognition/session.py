"""The recognition session: speech in, transcripts of turns out, and nothing else.

Scope: what is special about recognition; the buffer and the job are ``audio_input.session``'s, what
a turn sends stands in ``item_writer``.

* Clients end a session at any ``error``, so an error is for what they cannot be served with: a
  commit under server VAD ends the open turn, a commit without audio is an empty turn, unknown
  events are ignored. Strict sessions answer all of these with errors.
* A new turn is held back until the transcript before it is complete, at most a second: some
  clients take ``speech_started`` for the end of the turn before.
* While a turn waits for its transcript, its last snapshot is repeated every few seconds: some
  clients give up after ten seconds without a message.
"""

from __future__ import annotations

import math
from typing import Any

from dragoman.protocol.audio_input.session import EMPTY_COMMIT, SpeechSession
from dragoman.protocol.core.commands import Command
from dragoman.protocol.core.events import Malformed, ServerEvent
from dragoman.protocol.core.fields import INVALID_VALUE
from dragoman.protocol.core.session import Phase, Rejected, SessionContext
from dragoman.protocol.recognition.family import RecognitionFamily
from dragoman.protocol.recognition.item_writer import ItemWriter
from dragoman.protocol.recognition.options import RecognitionOptions
from dragoman.protocol.recognition.session_update import LANGUAGES, merge
from dragoman.protocol.recognition.settings import RecognitionSettings, describe, task
from dragoman.speech import (
    EndTurn,
    Fact,
    Interpret,
    InterpretationOptions,
    SpeechStarted,
    SpeechStopped,
    Status,
    TurnDone,
)

ENGINE_FAILED = "The recognition engine failed."
HOLD_S = 1.0
REPEAT_S = 5.0
STRICT_TURN_MS = 60_000


class RecognitionSession(SpeechSession[RecognitionSettings, ItemWriter]):
    """One connection that recognises."""

    def __init__(self, _family: RecognitionFamily, context: SessionContext) -> None:
        self._session_id = context.ids.new("sess")
        super().__init__(context, RecognitionSettings())
        recognised = context.coverage.hears
        self.chain.language = next((code for code in LANGUAGES if code in recognised), LANGUAGES[0])
        self._options = context.option(InterpretationOptions)
        self._whole_stash = context.option(RecognitionOptions).snapshots == "whole"
        self._turns: dict[int, ItemWriter] = {}  # that the job opened, oldest first
        self._held: dict[int, list[Fact]] = {}  # of turns behind one that is not complete
        self._held_since = self._sent_at = self._progress_at = 0.0

    # ------------------------------------------------------------ settings
    def describe(self, *, created: bool) -> dict[str, Any]:
        """The whole configuration."""
        return describe(self.settings, self._session_id, self.context.model)

    def merge(self, patch: dict[str, Any]) -> RecognitionSettings:
        """A client's update."""
        settings = merge(self.settings, patch, self.context.coverage, strict=self.strict)
        self.check_format(settings, "session.sample_rate", "session.input_audio_format")
        return settings

    def task(self, settings: RecognitionSettings) -> Interpret:
        """Recognise under these settings."""
        return task(settings, self._options)

    # ------------------------------------------------------------ client events
    def on_malformed(self, event: Malformed) -> None:
        """An event that this API does not know is only a note, unless strict."""
        if event.has_unknown_type and not self.strict:
            self.note("ignored_event", event.message)
        else:
            super().on_malformed(event)

    def on_clear(self) -> None:
        """Not in the documents, but the SDKs have it."""
        if self.strict:
            raise Rejected(INVALID_VALUE, "invalid event type 'input_audio_buffer.clear'", "type")
        super().on_clear()

    def on_commit(self) -> None:
        """Manual mode: a turn, with audio or without. Under VAD the open turn ends here."""
        if not self.settings.manual:
            self._end_vad_turn()
            return
        if self.strict:
            self._check_strictly()
        if len(self._turns) + len(self.commits) >= self.limits.waiting_responses:
            raise Rejected(INVALID_VALUE, "Too many turns are waiting.")
        self.start_job()
        self.commit()

    def _end_vad_turn(self) -> None:
        if self.strict:
            raise Rejected(
                INVALID_VALUE,
                "The audio buffer can only be committed in manual mode (turn_detection null).",
            )
        self.note("commit_under_vad")
        self.push(EndTurn())

    def _check_strictly(self) -> None:
        if not self.speech.waiting:
            raise Rejected(INVALID_VALUE, EMPTY_COMMIT)
        if self.speech.waiting_ms(self.settings.rate_in) > STRICT_TURN_MS:
            self.speech.clear()
            raise Rejected(
                INVALID_VALUE,
                f"A turn may have at most {STRICT_TURN_MS // 1000} s of audio; it was dropped.",
            )

    def on_finish(self) -> None:
        """Waiting speech is a turn, too."""
        if self.settings.manual and self.speech.waiting:
            self.commit()
        super().on_finish()

    def new_turn(self, settings: RecognitionSettings, *, is_manual: bool) -> ItemWriter:
        """A turn with an item of its own."""
        return ItemWriter(
            settings,
            self.chain,
            self.ids,
            self,
            is_manual=is_manual,
            whole_stash=self._whole_stash,
        )

    def write_committed(self, turn: ItemWriter) -> None:
        """``committed`` and the item at once."""
        self._progress_at = self.now
        turn.commit()

    # ------------------------------------------------------------ facts
    def is_idle(self) -> bool:
        """The job has ended and every turn is written."""
        return self.job is None and not self._turns

    def on_fact(self, fact: Fact) -> None:
        """Write it, or hold it until the turn before is complete."""
        self._progress_at = self.now
        if isinstance(fact, SpeechStarted):
            self._open_turn(fact)
        if fact.turn in self._held:
            self._held[fact.turn].append(fact)
        elif fact.turn in self._turns:
            self._write(fact)
        else:
            self.note("fact_dropped", type(fact).__name__)

    def _open_turn(self, fact: SpeechStarted) -> None:
        if fact.turn in self._turns or len(self._turns) >= self.limits.waiting_responses:
            return
        if self._turns:
            self._held_since = self._held_since if self._held else self.now
            self._held[fact.turn] = []
        self._turns[fact.turn] = self.turn_of(fact)

    def _write(self, fact: Fact) -> None:
        self._turns[fact.turn].write(fact)
        if not isinstance(fact, TurnDone):
            return
        del self._turns[fact.turn]
        if fact.status == "failed":
            self.note("turn_failed")
            if self.strict:
                self.die("internal_error", ENGINE_FAILED)
                return
        if self._held and next(iter(self._held)) == next(iter(self._turns)):
            self._release()

    def _release(self) -> None:
        """The oldest turn that was held goes out."""
        turn = next(iter(self._held))
        facts = self._held.pop(turn)
        self._held_since = self.now
        for fact in facts:
            if not self.closed:
                self._write(fact)

    def on_job_ended(self) -> None:
        """Turns that the job never reported complete with what they have."""
        is_expected = self.phase is not Phase.OPEN
        self._end_turns("completed" if is_expected else "failed")
        if not is_expected and not self.closed:
            self.die("internal_error", ENGINE_FAILED)

    def on_job_failed(self, reason: str) -> None:
        """The session's work is over: every open turn fails, then it hangs up."""
        self.note("job_failed", reason)
        self._end_turns("failed")
        self.die("internal_error", ENGINE_FAILED)

    def _end_turns(self, status: Status) -> None:
        while self._held:
            self._release()
        open_turns = [*self._turns.values(), *(commit.turn for commit in self.commits)]
        self._turns.clear()
        self.drop_job()
        for turn in open_turns:
            turn.write(SpeechStopped(0, self.speech.pushed_ms))
            turn.write(TurnDone(0, 0, status))

    # ------------------------------------------------------------ time
    def send(self, event: ServerEvent, supersedes: str = "") -> None:
        """As in the base."""
        self._sent_at = self.now
        super().send(event, supersedes)

    def deadline(self) -> float | None:
        """As in the base; also when a turn was held long enough or a snapshot is to be repeated."""
        ends = super().deadline()
        if ends is None or self.phase is Phase.FINISHED:
            return ends
        if self._may_overlap():
            ends = min(ends, self._held_since + HOLD_S)
        if self._waiting_turn() is not None:
            ends = min(ends, self._repeat_due())
        return ends

    def _repeat_due(self) -> float:
        """When a snapshot is to be repeated; never for an engine that is stuck, or the session
        would never be idle.
        """
        due = self._sent_at + REPEAT_S
        return due if due < self._progress_at + self.limits.idle_s else math.inf

    def tick(self, now: float) -> list[Command]:
        """As in the base; also what is due of the above."""
        self.now = now
        if not self.closed and self._may_overlap() and now >= self._held_since + HOLD_S:
            self._release()
        if not self.closed and now >= self._repeat_due():
            waiting = self._waiting_turn()
            if waiting is not None:
                waiting.repeat()
        return super().tick(now)

    def _may_overlap(self) -> bool:
        """Whether a turn is held back and all before it only wait for their transcripts."""
        if not self._held:
            return False
        first = next(iter(self._held))
        return all(turn.awaits_end for number, turn in self._turns.items() if number < first)

    def _waiting_turn(self) -> ItemWriter | None:
        """The oldest turn whose speech has ended and whose transcript is not complete."""
        for turn in self._turns.values():
            if turn.awaits_end:
                return turn
        return self.commits[0].turn if self.commits else None
