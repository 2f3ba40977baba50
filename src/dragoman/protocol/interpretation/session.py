"""The interpretation session: what a client says, and what the interpreter job reports.

Law of this file: one job interprets the whole session; this class feeds it and sorts its facts
by turn. What a turn sends stands in ``segment``, in which order turns speak in ``turns``. It
does not know the engines behind the job.

* The job starts with the first speech. An update while it runs is pushed into it and holds
  from the next turn on; each turn keeps the settings that held where it was found.
* Server VAD: speech goes straight into the job, which finds the turns. Manual mode: speech
  waits here until ``commit``, then goes in as one turn, whose item has its id at once
  (``committed``) although the job opens and numbers the turn later.
* ``session.finish`` ends the job's input; ``session.finished`` follows when the job has ended
  and every turn is told.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import msgspec

from dragoman.protocol.core.commands import Command, End, Ended, Failed, Output, Push, Report, Start
from dragoman.protocol.core.events import ClientEvent, Ids, Malformed
from dragoman.protocol.core.fields import Invalid
from dragoman.protocol.core.session import BaseSession, Limits, Phase, Rejected
from dragoman.protocol.interpretation import events as wire
from dragoman.protocol.interpretation.client_media import ImageIntake, SpeechIntake
from dragoman.protocol.interpretation.family import Generation
from dragoman.protocol.interpretation.settings import InterpretationSettings
from dragoman.protocol.interpretation.turn_queue import TurnQueue
from dragoman.protocol.interpretation.turn_writer import ItemChain, TurnWriter
from dragoman.speech import (
    Audio,
    Clear,
    Coverage,
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

    segment: TurnWriter
    start_ms: int


class InterpretationSession(BaseSession):
    """See the head of this file."""

    def __init__(
        self,
        family: Generation,
        model: str,
        ids: Ids,
        limits: Limits,
        coverage: Coverage,
        *,
        strict: bool = False,
        conduct: InterpretationOptions | None = None,
    ) -> None:
        super().__init__(ids, limits, strict=strict)
        self._conduct = conduct or InterpretationOptions()
        self.family, self.model, self.coverage = family, model, coverage
        self.settings = family.defaults()
        self._history: deque[tuple[int, InterpretationSettings]] = deque(
            [(0, self.settings)], _KEPT_SETTINGS
        )
        self._session_id = ids.new("sess")
        self._thread = ItemChain(ids.new("conv"))
        self._speech = SpeechIntake(limits.manual_audio_bytes)
        self._images = ImageIntake(family.tariff, limits.image_bytes, strict=strict)
        self._turns: TurnQueue[TurnWriter] = TurnQueue(limits.waiting_responses)
        self._numbered: dict[int, TurnWriter] = {}
        self._commits: deque[PendingCommit] = deque()
        self._jobs = 0
        self._job: int | None = None
        self._now = 0.0

    # ------------------------------------------------------------ hooks
    def receive(self, event: ClientEvent | Malformed, now: float) -> list[Command]:
        """The client sent something."""
        self._now = now
        return super().receive(event, now)

    def on_open(self) -> None:
        """``session.created``."""
        self.send(wire.SessionCreated(session=self._described(created=True)))

    def on_event(self, event: ClientEvent) -> None:
        """One client event; what comes after ``session.finish`` is too late."""
        if self.phase is not Phase.OPEN:
            self.note("event_after_finish", type(event).__name__)
            return
        match event:
            case wire.AudioAppend(audio=audio):
                self._append(audio)
            case wire.SessionUpdate(session=patch):
                self._update(patch)
            case wire.ImageAppend(image=image):
                self._show(image)
            case wire.AudioCommit():
                self._commit_asked()
            case wire.AudioClear():
                self._clear()
            case wire.ResponseCreate() if self.settings.manual and self._speech.waiting:
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
        """The job has ended and every turn was told."""
        return self._job is None and not self._turns

    def on_report(self, report: Report) -> None:
        """News of the job."""
        if report.job != self._job:
            return
        match report:
            case Output(item=item):
                if not isinstance(item, Said):
                    self._sort(item)
                self._tell()
            case Ended():
                self._ended()
            case Failed(reason=reason):
                self._failed(reason)

    # ------------------------------------------------------------ client events
    def _update(self, patch: dict[str, Any]) -> None:
        before = self.settings
        try:
            settings = self.family.merge(before, patch, self.coverage, strict=self.strict)
        except Invalid as wrong:
            raise Rejected(wrong.code, wrong.message, wrong.param) from None
        if settings.sample_rate != before.sample_rate and self._speech.has_come:
            raise Rejected(
                "invalid_value",
                "The input sample rate cannot change after audio was sent.",
                self.family.rate_param,
            )
        if settings.opus_in != before.opus_in and self._speech.has_come:
            raise Rejected(
                "invalid_value",
                "The input audio format cannot change after audio was sent.",
                self.family.format_param,
            )
        self.settings = settings
        if settings.voice_refused and settings.voice_refused != before.voice_refused:
            self.note("unknown_voice", settings.voice_refused)
        self.send(wire.SessionUpdated(session=self._described(created=False)))
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
        pieces = self._speech.accept(audio, self.settings, keep=self.settings.manual)
        if not self._speech.has_come:
            return
        if self._job is None:
            self._jobs += 1
            self._job = self._jobs
            self.command(Start(self._job, self._task(self.settings)))
        self._push_speech(pieces)

    def _task(self, settings: InterpretationSettings) -> Interpret:
        return self.family.task(settings, self._conduct)

    def _push_speech(self, pieces: list[Audio]) -> None:
        for audio in pieces:
            self._push(audio)
            self._speech.pushed(audio, self.settings.hearing_rate)

    def _waiting_speech(self) -> list[Audio]:
        return self._speech.take(self.settings.hearing_rate)

    def _push(self, item: Input) -> None:
        if self._job is not None:
            self.command(Push(self._job, item))

    def _show(self, image: str) -> None:
        if not self._speech.has_come:
            raise Rejected(
                "invalid_value", "An image can only be sent after audio was sent.", "image"
            )
        accepted = self._images.accept(image, self._speech.pushed_ms, self._now)
        if accepted is None:
            self.note("image_dropped")
        else:
            self._push(accepted)

    def _commit_asked(self) -> None:
        if self.settings.manual:
            self._commit()
        elif not self.family.commit_under_vad:
            raise Rejected(
                "invalid_value",
                "The audio buffer can only be committed in manual mode (turn_detection null).",
            )
        else:
            self._push(EndTurn())

    def _commit(self, *, beyond_limit: bool = False) -> None:
        if not self._speech.waiting:
            raise Rejected("invalid_value", EMPTY_COMMIT)
        if len(self._turns) + len(self._commits) >= self.limits.waiting_responses:
            if beyond_limit:  # the connection ends: nobody waits for this turn's answer
                self.note("turn_dropped")
                return
            raise Rejected("invalid_value", "Too many responses are waiting.")
        segment = self._segment(self.settings, is_manual=True)
        is_next = not self._turns and not self._commits
        self.send(
            wire.AudioCommitted(
                previous_item_id=self._thread.last_item if is_next else msgspec.UNSET,
                item_id=segment.ids.source_item,
            )
        )
        self._commits.append(PendingCommit(segment, self._speech.pushed_ms))
        self._push_speech(self._waiting_speech())
        self._push(EndTurn())

    def _clear(self) -> None:
        self._speech.clear()
        if not self.settings.manual:
            self._push(Clear())
        self.send(wire.AudioCleared())

    # ------------------------------------------------------------ facts
    def _sort(self, fact: Fact) -> None:
        """Put a fact to its turn."""
        if isinstance(fact, SpeechStarted):
            self._begin(fact)
            return
        segment = self._numbered.get(fact.turn)
        if segment is None or not self._turns.put(segment, fact):
            self.note("fact_dropped", type(fact).__name__)
        if isinstance(fact, TurnDone):
            self._numbered.pop(fact.turn, None)

    def _begin(self, fact: SpeechStarted) -> None:
        if fact.turn in self._numbered:
            self.note("fact_dropped", "SpeechStarted")
            return
        if self._commits and fact.at_ms + _ROUNDING_MS >= self._commits[0].start_ms:
            segment = self._commits.popleft().segment
        else:  # found by the server, or the rest of a long commit that was cut
            settings = self._settings_of(fact)
            segment = self._segment(settings, is_manual=settings.manual)
        if self._turns.open(segment):
            self._numbered[fact.turn] = segment
            self._turns.put(segment, fact)
        else:
            self.note("turn_dropped")

    def _settings_of(self, fact: SpeechStarted) -> InterpretationSettings:
        """What held where this turn was found: the job works on it with the same task. Speech
        that came before an update was listened to before it.
        """
        at_ms = fact.at_ms + 1 if fact.found_ms is None else fact.found_ms
        for since_ms, settings in reversed(self._history):
            if since_ms < at_ms:
                return settings
        return self._history[0][1]

    def _segment(self, settings: InterpretationSettings, *, is_manual: bool = False) -> TurnWriter:
        return TurnWriter(self.family, settings, self._thread, self.ids, self, is_manual=is_manual)

    def _tell(self) -> None:
        """Send what the oldest turns have to say."""
        for segment, fact in self._turns.release():
            if isinstance(fact, TurnDone):
                segment.meter.image_tokens = self._images.take_tokens()
            segment.write(fact)
            if isinstance(fact, TurnDone) and fact.status == "failed":
                self.note("turn_failed")
                if self.strict:
                    self.die("internal_error", ENGINE_FAILED)
                    return

    def _ended(self) -> None:
        """The job is over: turns it never reported complete with what they have."""
        is_expected = self.phase is not Phase.OPEN
        for commit in self._commits:
            self._turns.open(commit.segment)
            self._turns.put(commit.segment, SpeechStarted(0, commit.start_ms))
        for segment in self._turns:
            self._turns.put(segment, SpeechStopped(0, self._speech.pushed_ms))
            self._turns.put(segment, TurnDone(0, 0, "completed" if is_expected else "failed"))
        self._forget_job()
        self._tell()
        if not is_expected and not self.closed:
            self.die("internal_error", ENGINE_FAILED)

    def _failed(self, reason: str) -> None:
        """The session's work is over: close the turn that is being told, then hang up."""
        self.note("job_failed", reason)
        segment = self._turns.oldest
        if segment is not None:
            segment.write(SpeechStopped(0, self._speech.pushed_ms))
            segment.write(TurnDone(0, 0, "failed"))
        self._forget_job()
        self.die("internal_error", ENGINE_FAILED)

    def _forget_job(self) -> None:
        self._job = None
        self._numbered.clear()
        self._commits.clear()

    def _described(self, *, created: bool) -> dict[str, Any]:
        return self.family.describe(self.settings, self._session_id, self.model, created=created)
