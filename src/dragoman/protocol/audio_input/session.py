"""The part of a session that every API with speech input shares: one job, fed from the buffer.

Scope: what a client's buffer events mean, which settings a turn has, and the life of the one job
that works on the whole session. What is written of a turn and in which order is the API's.

* The job starts with the first speech. An update while it runs is pushed into it and holds from the
  next turn on; each turn keeps the settings that held where it was found.
* Server VAD: speech goes straight into the job, which finds the turns. Manual mode: speech waits
  here until ``commit``, then goes in as one turn, whose item has its id at once (``committed``)
  although the job opens and numbers the turn later.
* ``session.finish`` ends the job's input; ``session.finished`` follows when the job has ended and
  every turn is written.
"""

from __future__ import annotations

from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from dragoman.protocol.audio_input.events import (
    AudioAppend,
    AudioClear,
    AudioCleared,
    AudioCommit,
    ResponseCreate,
)
from dragoman.protocol.audio_input.item_chain import ItemChain
from dragoman.protocol.audio_input.speech_intake import SpeechIntake
from dragoman.protocol.core.commands import End, Ended, Failed, Output, Push, Report, Start
from dragoman.protocol.core.events import ClientEvent
from dragoman.protocol.core.fields import INVALID_VALUE, Invalid
from dragoman.protocol.core.session import Phase, Rejected, SessionContext
from dragoman.protocol.realtime.events import SessionCreated, SessionUpdate, SessionUpdated
from dragoman.protocol.realtime.session import RealtimeSession
from dragoman.speech import (
    Audio,
    Clear,
    EndTurn,
    Fact,
    Input,
    Interpret,
    Said,
    SpeechStarted,
)

EMPTY_COMMIT = "Error committing input audio buffer: buffer too small, or have no audio."
_KEPT_SETTINGS = 64
_ROUNDING_MS = 100
"""How much earlier than its first sample a turn may seem to begin: frames of a detector."""


class SpeechSettings(Protocol):
    """What the settings of any such API have."""

    @property
    def sample_rate(self) -> int:
        """The rate of the client's PCM, Hz."""

    @property
    def rate_in(self) -> int:
        """The rate of what is recognised, Hz."""

    @property
    def opus_in(self) -> bool:
        """Whether the client sends Opus."""

    @property
    def manual(self) -> bool:
        """Whether the client ends the turns."""


S = TypeVar("S", bound=SpeechSettings)
T = TypeVar("T")


class PendingCommit(NamedTuple, Generic[T]):
    """A manual turn the job has not numbered yet."""

    turn: T
    start_ms: int


class SpeechSession(RealtimeSession, Generic[S, T]):
    """``S``: the API's settings; ``T``: what writes one of its turns."""

    def __init__(self, context: SessionContext, settings: S, conversation_id: str = "") -> None:
        super().__init__(context)
        self.settings = settings
        self.chain = ItemChain(conversation_id)
        self.speech = SpeechIntake(self.limits.manual_audio_bytes)
        # Lists, because an empty deque takes ten times as much: most sessions are idle.
        self.commits: list[PendingCommit[T]] = []
        self._history: list[tuple[int, S]] = [(0, settings)]
        self._jobs = 0
        self.job: int | None = None

    # ------------------------------------------------------------ hooks of an API
    def describe(self, *, created: bool) -> dict[str, Any]:
        """The ``session`` object."""
        raise NotImplementedError

    def merge(self, patch: dict[str, Any]) -> S:
        """The settings changed by an update; raises ``Invalid`` or ``Rejected``."""
        raise NotImplementedError

    def task(self, settings: S) -> Interpret:
        """What the job is to do."""
        raise NotImplementedError

    def new_turn(self, settings: S, *, is_manual: bool) -> T:
        """The writer of a new turn."""
        raise NotImplementedError

    def on_commit(self) -> None:
        """``input_audio_buffer.commit``; may raise ``Rejected``."""
        raise NotImplementedError

    def write_committed(self, turn: T) -> None:
        """The events that answer a commit at once."""
        raise NotImplementedError

    def on_fact(self, fact: Fact) -> None:
        """News of a turn."""
        raise NotImplementedError

    def on_job_ended(self) -> None:
        """The job is over: turns that it never reported end with what they have."""
        raise NotImplementedError

    def on_job_failed(self, reason: str) -> None:
        """The job died, and with it the work of the session."""
        raise NotImplementedError

    def on_other_event(self, event: ClientEvent) -> None:
        """An event that has no effect in every such API."""
        self.note("ignored_event", type(event).__name__)

    # ------------------------------------------------------------ hooks of the base
    @property
    def waiting_bytes(self) -> int:
        """See ``BaseSession``."""
        return self.speech.waiting_bytes

    def on_open(self) -> None:
        """``session.created``."""
        self.send(SessionCreated(session=self.describe(created=True)))

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
            case AudioCommit():
                self.on_commit()
            case AudioClear():
                self.on_clear()
            case ResponseCreate() if self.settings.manual and self.speech.waiting:
                self.on_commit()
            case _:
                self.on_other_event(event)

    def on_finish(self) -> None:
        """The job ends after what it has."""
        if self.job is not None:
            self.command(End(self.job))

    def on_report(self, report: Report) -> None:
        """News of the job."""
        if report.job != self.job:
            return
        match report:
            case Output(item=item):
                if not isinstance(item, Said):
                    self.on_fact(item)
            case Ended():
                self.on_job_ended()
            case Failed(reason=reason):
                self.on_job_failed(reason)

    # ------------------------------------------------------------ client events
    def _update(self, patch: dict[str, Any]) -> None:
        before = self.settings
        try:
            settings = self.merge(patch)
        except Invalid as wrong:
            raise Rejected(wrong.code, wrong.message, wrong.param) from None
        self.settings = settings
        self.send(SessionUpdated(session=self.describe(created=False)))
        self._remember(settings)
        if self.job is not None:
            self._reconfigure(before)

    def check_format(self, settings: S, rate_param: str, format_param: str) -> None:
        """Rate and format hold for the whole stream. Raises ``Rejected``."""
        before = self.settings
        if settings.sample_rate != before.sample_rate and self.speech.has_come:
            raise Rejected(
                INVALID_VALUE,
                "The input sample rate cannot change after audio was sent.",
                rate_param,
            )
        if settings.opus_in != before.opus_in and self.speech.has_come:
            raise Rejected(
                INVALID_VALUE,
                "The input audio format cannot change after audio was sent.",
                format_param,
            )

    def _remember(self, settings: S) -> None:
        at_ms = self.speech.pushed_ms
        if self._history[-1][0] == at_ms:
            self._history.pop()
        self._history.append((at_ms, settings))
        del self._history[:-_KEPT_SETTINGS]

    def _reconfigure(self, before: S) -> None:
        if self.settings.manual and not before.manual:
            self.push(EndTurn())  # the open turn gets no more speech: from now on it waits here
        task = self.task(self.settings)
        if task != self.task(before):
            self.push(task)
        if before.manual and not self.settings.manual:
            self._push_waiting()

    def _append(self, audio: str) -> None:
        settings = self.settings
        pieces = self.speech.accept(
            audio, settings.rate_in, opus=settings.opus_in, keep=settings.manual
        )
        if self.speech.has_come:
            self.start_job()
            self._push_speech(pieces)

    def on_clear(self) -> None:
        """Drop what waits; under VAD, what the job has not recognised yet."""
        self.speech.clear()
        if not self.settings.manual:
            self.push(Clear())
        self.send(AudioCleared())

    def commit(self) -> None:
        """What waits is one turn."""
        turn = self.new_turn(self.settings, is_manual=True)
        self.write_committed(turn)
        self.commits.append(PendingCommit(turn, self.speech.pushed_ms))
        self._push_waiting()
        self.push(EndTurn())

    # ------------------------------------------------------------ the job
    def start_job(self) -> None:
        """Start the job, unless it runs."""
        if self.job is None:
            self._jobs += 1
            self.job = self._jobs
            self.command(Start(self.job, self.task(self.settings)))

    def drop_job(self) -> None:
        """The job is over."""
        self.job = None
        self.commits.clear()

    def push(self, item: Input) -> None:
        """Push an input, if the job runs."""
        if self.job is not None:
            self.command(Push(self.job, item))

    def _push_waiting(self) -> None:
        self._push_speech(self.speech.take(self.settings.rate_in))

    def _push_speech(self, pieces: list[Audio]) -> None:
        for audio in pieces:
            self.push(audio)
            self.speech.count_pushed(audio, self.settings.rate_in)

    # ------------------------------------------------------------ turns
    def turn_of(self, fact: SpeechStarted) -> T:
        """The writer of a turn that the job opened: that of the oldest commit, or a new one."""
        if self.commits and fact.at_ms + _ROUNDING_MS >= self.commits[0].start_ms:
            return self.commits.pop(0).turn
        # Found by the server, or the rest of a long commit that was cut.
        settings = self._settings_of(fact)
        return self.new_turn(settings, is_manual=settings.manual)

    def _settings_of(self, fact: SpeechStarted) -> S:
        """What held where this turn was found: the job works on it with the same task. Speech
        that came before an update was recognised before it.
        """
        at_ms = fact.at_ms + 1 if fact.found_ms is None else fact.found_ms
        for since_ms, settings in reversed(self._history):
            if since_ms < at_ms:
                return settings
        return self._history[0][1]
