"""The interpretation session: what a client says, and what the interpreter job reports.

Scope: one job interprets the whole session; this class feeds it and sorts its facts by turn. What a
turn sends stands in ``turn_writer``, in which order turns speak in ``turn_queue``. It does not know
the engines behind the job.

* The job starts with the first speech. An update while it runs is pushed into it and holds
  from the next turn on; each turn keeps the settings that held where it was found.
* Server VAD: speech goes straight into the job, which finds the turns. Manual mode: speech
  waits here until ``commit``, then goes in as one turn, whose item has its id at once
  (``committed``) although the job opens and numbers the turn later.
* ``session.finish`` ends the job's input; ``session.finished`` follows when the job has ended
  and every turn is written.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import msgspec

from dragoman.protocol.audio_input.events import (
    AudioAppend,
    AudioClear,
    AudioCleared,
    AudioCommit,
    AudioCommitted,
    ImageAppend,
    ResponseCreate,
)
from dragoman.protocol.audio_input.item_chain import ItemChain
from dragoman.protocol.audio_input.speech_intake import SpeechIntake
from dragoman.protocol.core.commands import End, Ended, Failed, Output, Push, Report, Start
from dragoman.protocol.core.events import ClientEvent
from dragoman.protocol.core.fields import INVALID_VALUE, Invalid
from dragoman.protocol.core.session import Phase, Rejected, SessionContext
from dragoman.protocol.interpretation.generation import Generation
from dragoman.protocol.interpretation.image_intake import ImageIntake
from dragoman.protocol.interpretation.session_object import describe
from dragoman.protocol.interpretation.session_update import merge
from dragoman.protocol.interpretation.settings import InterpretationSettings
from dragoman.protocol.interpretation.turn_queue import TurnQueue
from dragoman.protocol.interpretation.turn_writer import TurnWriter
from dragoman.protocol.realtime.events import SessionCreated, SessionUpdate, SessionUpdated
from dragoman.protocol.realtime.session import RealtimeSession
from dragoman.speech import (
    Audio,
    Clear,
    EndTurn,
    Fact,
    Input,
    Interpret,
    InterpretationOptions,
    Said,
    SpeechStarted,
    SpeechStopped,
    TurnDone,
)

ENGINE_FAILED = "The interpretation engine failed."
EMPTY_COMMIT = "Error committing input audio buffer: buffer too small, or have no audio."
_KEPT_SETTINGS = 64
_ROUNDING_MS = 100
"""How much earlier than its first sample a turn may seem to begin (frames of a detector)."""


class PendingCommit(msgspec.Struct, frozen=True):
    """A manual turn the job has not numbered yet."""

    turn: TurnWriter
    start_ms: int


class InterpretationSession(RealtimeSession):
    """Speech and pictures in, one interpreted turn after the other out."""

    def __init__(self, family: Generation, context: SessionContext) -> None:
        super().__init__(context)
        self.family = family
        self.settings = family.defaults()
        self._options = context.option(InterpretationOptions)
        self._history: deque[tuple[int, InterpretationSettings]] = deque(
            [(0, self.settings)], _KEPT_SETTINGS
        )
        self._session_id = self.ids.new("sess")
        self._chain = ItemChain(self.ids.new("conv"))
        self._speech = SpeechIntake(self.limits.manual_audio_bytes)
        self._images = ImageIntake(family.tariff, self.limits.image_bytes, strict=self.strict)
        self._turns: TurnQueue[TurnWriter] = TurnQueue(self.limits.waiting_responses)
        self._numbered: dict[int, TurnWriter] = {}
        self._commits: deque[PendingCommit] = deque()
        self._jobs = 0
        self._job: int | None = None

    # ------------------------------------------------------------ hooks
    def on_open(self) -> None:
        """``session.created``."""
        self.send(SessionCreated(session=self._described(created=True)))

    def on_event(self, event: ClientEvent) -> None:
        """One client event; what comes after ``session.finish`` is too late."""
        if self.phase is not Phase.OPEN:
            self.note("event_after_finish", type(event).__name__)
            return
        match event:
            case AudioAppend(audio=audio):
                self._append(audio)
            case SessionUpdate(session=patch):
                self._update(patch)
            case ImageAppend(image=image):
                self._append_image(image)
            case AudioCommit():
                self._commit_or_refuse()
            case AudioClear():
                self._clear()
            case ResponseCreate() if self.settings.manual and self._speech.waiting:
                self._commit()
            case _:
                self.note("ignored_event", type(event).__name__)

    def on_finish(self) -> None:
        """Waiting speech is committed; the job ends after what it has."""
        if self.settings.manual and self._speech.waiting:
            self._commit(beyond_limit=True)
        if self._job is not None:
            self.command(End(self._job))

    def is_idle(self) -> bool:
        """The job has ended and every turn is written."""
        return self._job is None and not self._turns

    def on_report(self, report: Report) -> None:
        """News of the job."""
        if report.job != self._job:
            return
        match report:
            case Output(item=item):
                if not isinstance(item, Said):
                    self._queue_fact(item)
                self._write_released()
            case Ended():
                self._ended()
            case Failed(reason=reason):
                self._failed(reason)

    # ------------------------------------------------------------ client events
    def _update(self, patch: dict[str, Any]) -> None:
        before = self.settings
        try:
            settings = merge(self.family, before, patch, self.context.coverage, strict=self.strict)
        except Invalid as wrong:
            raise Rejected(wrong.code, wrong.message, wrong.param) from None
        if settings.sample_rate != before.sample_rate and self._speech.has_come:
            raise Rejected(
                INVALID_VALUE,
                "The input sample rate cannot change after audio was sent.",
                self.family.update_paths.rate_in,
            )
        if settings.opus_in != before.opus_in and self._speech.has_come:
            raise Rejected(
                INVALID_VALUE,
                "The input audio format cannot change after audio was sent.",
                self.family.update_paths.format_in,
            )
        self.settings = settings
        if settings.voice_refused and settings.voice_refused != before.voice_refused:
            self.note("unknown_voice", settings.voice_refused)
        self.send(SessionUpdated(session=self._described(created=False)))
        self._remember(settings)
        if self._job is not None:
            self._reconfigure(before)

    def _remember(self, settings: InterpretationSettings) -> None:
        at_ms = self._speech.pushed_ms
        if self._history[-1][0] == at_ms:
            self._history.pop()
        self._history.append((at_ms, settings))

    def _reconfigure(self, before: InterpretationSettings) -> None:
        if self.settings.manual and not before.manual:
            self._push(EndTurn())  # the open turn gets no more speech: from now on it waits here
        task = self._task(self.settings)
        if task != self._task(before):
            self._push(task)
        if before.manual and not self.settings.manual:
            self._push_speech(self._waiting_speech())

    def _append(self, audio: str) -> None:
        settings = self.settings
        pieces = self._speech.accept(
            audio, settings.rate_in, opus=settings.opus_in, keep=settings.manual
        )
        if not self._speech.has_come:
            return
        if self._job is None:
            self._jobs += 1
            self._job = self._jobs
            self.command(Start(self._job, self._task(self.settings)))
        self._push_speech(pieces)

    def _task(self, settings: InterpretationSettings) -> Interpret:
        return self.family.task(settings, self._options)

    def _push_speech(self, pieces: list[Audio]) -> None:
        for audio in pieces:
            self._push(audio)
            self._speech.count_pushed(audio, self.settings.rate_in)

    def _waiting_speech(self) -> list[Audio]:
        return self._speech.take(self.settings.rate_in)

    def _push(self, item: Input) -> None:
        if self._job is not None:
            self.command(Push(self._job, item))

    def _append_image(self, image: str) -> None:
        if not self._speech.has_come:
            raise Rejected(
                INVALID_VALUE, "An image can only be sent after audio was sent.", "image"
            )
        accepted = self._images.accept(image, self._speech.pushed_ms, self.now)
        if accepted is None:
            self.note("image_dropped")
        else:
            self._push(accepted)

    def _commit_or_refuse(self) -> None:
        if self.settings.manual:
            self._commit()
        elif not self.family.commit_under_vad:
            raise Rejected(
                INVALID_VALUE,
                "The audio buffer can only be committed in manual mode (turn_detection null).",
            )
        else:
            self._push(EndTurn())

    def _commit(self, *, beyond_limit: bool = False) -> None:
        if not self._speech.waiting:
            raise Rejected(INVALID_VALUE, EMPTY_COMMIT)
        if len(self._turns) + len(self._commits) >= self.limits.waiting_responses:
            if beyond_limit:  # the connection ends: nobody waits for this turn's answer
                self.note("turn_dropped")
                return
            raise Rejected(INVALID_VALUE, "Too many responses are waiting.")
        turn = self._new_turn(self.settings, is_manual=True)
        is_next = not self._turns and not self._commits
        self.send(
            AudioCommitted(
                previous_item_id=self._chain.last_item if is_next else msgspec.UNSET,
                item_id=turn.ids.source_item,
            )
        )
        self._commits.append(PendingCommit(turn, self._speech.pushed_ms))
        self._push_speech(self._waiting_speech())
        self._push(EndTurn())

    def _clear(self) -> None:
        self._speech.clear()
        if not self.settings.manual:
            self._push(Clear())
        self.send(AudioCleared())

    # ------------------------------------------------------------ facts
    def _queue_fact(self, fact: Fact) -> None:
        """Add a fact to its turn."""
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
        if self._commits and fact.at_ms + _ROUNDING_MS >= self._commits[0].start_ms:
            turn = self._commits.popleft().turn
        else:  # found by the server, or the rest of a long commit that was cut
            settings = self._settings_of(fact)
            turn = self._new_turn(settings, is_manual=settings.manual)
        if self._turns.open(turn):
            self._numbered[fact.turn] = turn
            self._turns.put(turn, fact)
        else:
            self.note("turn_dropped")

    def _settings_of(self, fact: SpeechStarted) -> InterpretationSettings:
        """What held where this turn was found: the job works on it with the same task. Speech
        that came before an update was recognised before it.
        """
        at_ms = fact.at_ms + 1 if fact.found_ms is None else fact.found_ms
        for since_ms, settings in reversed(self._history):
            if since_ms < at_ms:
                return settings
        return self._history[0][1]

    def _new_turn(self, settings: InterpretationSettings, *, is_manual: bool = False) -> TurnWriter:
        return TurnWriter(
            self.family,
            settings,
            self._chain,
            self.ids,
            self,
            is_manual=is_manual,
        )

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

    def _ended(self) -> None:
        """The job is over: turns it never reported complete with what they have."""
        is_expected = self.phase is not Phase.OPEN
        for commit in self._commits:
            self._turns.open(commit.turn)
            self._turns.put(commit.turn, SpeechStarted(0, commit.start_ms))
        for turn in self._turns:
            self._turns.put(turn, SpeechStopped(0, self._speech.pushed_ms))
            self._turns.put(turn, TurnDone(0, 0, "completed" if is_expected else "failed"))
        self._forget_job()
        self._write_released()
        if not is_expected and not self.closed:
            self.die("internal_error", ENGINE_FAILED)

    def _failed(self, reason: str) -> None:
        """The session's work is over: close the turn that is being told, then hang up."""
        self.note("job_failed", reason)
        turn = self._turns.oldest
        if turn is not None:
            turn.write(SpeechStopped(0, self._speech.pushed_ms))
            turn.write(TurnDone(0, 0, "failed"))
        self._forget_job()
        self.die("internal_error", ENGINE_FAILED)

    def _forget_job(self) -> None:
        self._job = None
        self._numbered.clear()
        self._commits.clear()

    def _described(self, *, created: bool) -> dict[str, Any]:
        return describe(
            self.family, self.settings, self._session_id, self.context.model, created=created
        )
