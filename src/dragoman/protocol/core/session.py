"""The part of a session that all APIs share: lifecycle, outgoing commands, errors, time limits.

Scope: OPEN -> FINISHING -> FINISHED -> CLOSED lives here and nowhere else, and so do the rules for
what an error does to the connection. No event of an API is named here: how a client says "finish"
and how "finished" and errors are written are hooks. Subclasses implement the hooks; they reach the
client only through ``send``, ``command`` and ``reject``, and say when their work is done through
``is_idle``.

* A client's mistake raises ``Rejected`` inside ``on_event``: one error with the event's id, the
  connection lives, state is untouched (hooks validate before they change anything).
* Our own failure that ends the session: ``die`` (an error, then close 1011).
* Idle, age and linger are deadlines; ``now`` is an input, so no test ever sleeps.
"""

from __future__ import annotations

from enum import Enum
from typing import Annotated, ClassVar, TypeVar

import msgspec

from dragoman.protocol.core import commands
from dragoman.protocol.core.commands import Close, Command, Eviction, Note, Report, Send, Used
from dragoman.protocol.core.events import ClientEvent, Ids, Malformed, ServerEvent, culprit
from dragoman.protocol.core.principal import ANONYMOUS, Principal
from dragoman.speech import Coverage

T = TypeVar("T")


class Rejected(Exception):
    """The client asked for something it must not; becomes an ``error`` event.

    ``code``, ``message`` and ``param`` are written for the client, in the documented templates.
    """

    def __init__(self, code: str, message: str, param: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.param = code, message, param


class Failure(msgspec.Struct, frozen=True):
    """What an error tells the client. ``event_id`` names the client event at fault, if any;
    ``is_ours``: the client is not to blame and the connection ends.
    """

    code: str
    message: str
    param: str = ""
    event_id: str | None = None
    is_ours: bool = False


class Phase(Enum):
    """Where a session is in its life."""

    OPEN = "open"
    FINISHING = "finishing"  # the client finished (or the session is too old): flush what is open
    FINISHED = "finished"  # the client knows: wait for it to hang up
    CLOSED = "closed"


Seconds = Annotated[float, msgspec.Meta(ge=0, le=604_800)]
"""A time that an operator sets: at most a week."""
Size = Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)]
"""How much an operator allows: characters, bytes or things, at most 10^9."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a client can make a session hold, and for how long. Times in seconds, wall clock."""

    idle_s: Seconds = 300.0
    age_s: Seconds = 7200.0
    linger_s: Seconds = 15.0
    text_append_chars: Size = 200_000
    text_buffer_chars: Size = 1_000_000
    waiting_responses: Size = 256
    manual_audio_bytes: Size = 15 * 1024 * 1024
    image_bytes: Size = 500_000


class SessionContext(msgspec.Struct, frozen=True, kw_only=True):
    """What a session is made from besides its model family.

    ``model`` is the name the client asked for. ``strict`` gives the cloud's harsher documented
    behaviour. ``options`` holds one value for each API that has options of its own.
    """

    model: str
    ids: Ids
    limits: Limits = Limits()
    coverage: Coverage = Coverage()
    strict: bool = False
    principal: Principal = ANONYMOUS
    options: tuple[object, ...] = ()

    def option(self, kind: type[T]) -> T:
        """The options of this type; their defaults where none were given."""
        return next((given for given in self.options if isinstance(given, kind)), kind())


class BaseSession:
    """The life of any session; subclasses give it an API and work to do."""

    starts_over = False
    """Whether work may follow the finish on the same connection (``reopen``)."""
    evictions: ClassVar[dict[Eviction, tuple[str, str, int]]] = {
        "throttled": (
            "Throttling.RateQuota",
            "Requests rate limit exceeded, please try again later.",
            1007,
        ),
        "access denied": (
            "AccessDenied",
            "Access denied, please make sure your account is in good standing.",
            1007,
        ),
    }
    """What a client is told when the server ends its session: code, message, close code."""

    def __init__(self, context: SessionContext) -> None:
        self.context = context
        self.ids, self.limits, self.strict = context.ids, context.limits, context.strict
        self.phase = Phase.OPEN
        self._out: list[Command] = []
        self.now = 0.0  # of the step that is being taken
        self._opened_at = self._active_at = self._finished_at = 0.0
        self._expired = False

    # ------------------------------------------------------------ hooks of a subclass
    def on_open(self) -> None:
        """Greet the client."""
        raise NotImplementedError

    def on_event(self, event: ClientEvent) -> None:
        """Act on a client event that is not the finish; may raise ``Rejected``."""
        raise NotImplementedError

    def on_malformed(self, event: Malformed) -> None:
        """Answer a frame that is no event of the API."""
        self.reject(event.code, event.message, event.param, event.event_id)

    def on_report(self, report: Report) -> None:
        """Act on news of a job; stale jobs are the subclass's to recognise."""
        raise NotImplementedError

    def on_finish(self) -> None:
        """No more input comes: end the input of what runs, start what waits."""
        raise NotImplementedError

    def is_idle(self) -> bool:
        """Nothing runs and nothing waits."""
        raise NotImplementedError

    @property
    def waiting_bytes(self) -> int:
        """About how much of the client's input waits here, for a commit or for its turn."""
        return 0

    # ------------------------------------------------------------ hooks of an API
    def is_finish(self, event: ClientEvent) -> bool:
        """Whether the client says that it will send no more."""
        raise NotImplementedError

    def finished(self) -> ServerEvent:
        """The event that tells the client that nothing more comes."""
        raise NotImplementedError

    def error(self, failure: Failure) -> ServerEvent:
        """The event that tells the client of a failure."""
        raise NotImplementedError

    # ------------------------------------------------------------ commands.Session
    @property
    def closed(self) -> bool:
        """True after ``Close`` went out."""
        return self.phase is Phase.CLOSED

    def open(self, now: float) -> list[Command]:
        """The connection stands: greet."""
        self._opened_at = self._active_at = self.now = now
        self.on_open()
        return self._flush(now)

    def receive(self, event: ClientEvent | Malformed, now: float) -> list[Command]:
        """The client sent something."""
        if self.closed:
            return []
        self._active_at = self.now = now
        if isinstance(event, Malformed):
            self.on_malformed(event)
            return self._flush(now)
        try:
            if self.is_finish(event):
                self._finish()
            else:
                self.on_event(event)
        except Rejected as refusal:
            self.reject(refusal.code, refusal.message, refusal.param, culprit(event.event_id))
        return self._flush(now)

    def report(self, report: Report, now: float) -> list[Command]:
        """A job has news."""
        if self.closed:
            return []
        self.now = now
        self.on_report(report)
        return self._flush(now)

    def evict(self, reason: Eviction, now: float) -> list[Command]:
        """The server ends the session."""
        if self.closed:
            return []
        self.now = now
        self.die(*self.evictions[reason])
        return self._flush(now)

    def deadline(self) -> float | None:
        """The earliest of idle, age and linger."""
        if self.closed:
            return None
        if self.phase is Phase.FINISHED:
            return self._finished_at + self.limits.linger_s
        idle = self._active_at + self.limits.idle_s
        return min(idle, self._opened_at + self.limits.age_s) if self.phase is Phase.OPEN else idle

    def tick(self, now: float) -> list[Command]:
        """A deadline may have come."""
        if self.closed:
            return []
        self.now = now
        if self.phase is Phase.FINISHED:
            if now >= self._finished_at + self.limits.linger_s:
                self.close(1000)
        elif now >= self._active_at + self.limits.idle_s:
            self._time_out()
        elif now >= self._opened_at + self.limits.age_s and self.phase is Phase.OPEN:
            self._expire()  # a session that is finishing gets its normal answer
        return self._flush(now)

    # ------------------------------------------------------------ for subclasses
    def send(self, event: ServerEvent, supersedes: str = "") -> None:
        """Queue an event for the client; ``supersedes`` as in ``Send``."""
        self._out.append(Send(event, self.ids.new("event"), supersedes))

    def command(self, command: Command) -> None:
        """Queue any other command."""
        self._out.append(command)

    def note(self, name: str, detail: str = "") -> None:
        """Count and log something that is not sent to the client."""
        self._out.append(Note(name, detail))

    def used(self, amount: Used) -> None:
        """Count what the session consumed."""
        self._out.append(amount)

    def reject(self, code: str, message: str, param: str = "", event_id: str | None = None) -> None:
        """Answer a mistake of the client; the connection lives."""
        self.send(self.error(Failure(code, message, param, event_id)))

    def die(self, code: str, message: str, close_code: int = 1011) -> None:
        """End the session because of something on our side."""
        self.send(self.error(Failure(code, message, is_ours=True)))
        self.close(close_code, message)

    def close(self, code: int, reason: str = "") -> None:
        """Hang up after what is queued has gone out. Reasons are cut to what a frame holds."""
        self.phase = Phase.CLOSED
        self.command(Close(code, reason.encode()[:120].decode("utf-8", "ignore")))

    def reopen(self) -> None:
        """New work after the finish: the session starts over (synthesis clients do that)."""
        if self.phase in (Phase.FINISHING, Phase.FINISHED) and not self._expired:
            self.phase = Phase.OPEN

    # ------------------------------------------------------------ inside
    def _finish(self) -> None:
        if self.phase is Phase.FINISHED and self.starts_over:
            self.phase = Phase.FINISHING  # a repeated finish with nothing new is answered again
        elif self.phase is Phase.OPEN:
            self.phase = Phase.FINISHING
            self.on_finish()

    def _time_out(self) -> None:
        seconds = f"{self.limits.idle_s:g}"
        self.die(
            "response_idle_timeout",
            "Your session was closed because nothing was received or generated for "
            f"{seconds} seconds.",
            1007,
        )

    def _expire(self) -> None:
        self._expired = True
        self._finish()

    def _flush(self, now: float) -> list[Command]:
        if self.phase is Phase.FINISHING and self.is_idle():
            self._finish_up(now)
        out, self._out = self._out, []
        for command in out:
            if isinstance(command, Send):
                self._active_at = now
                break
        return out

    def _finish_up(self, now: float) -> None:
        if self._expired:
            minutes = f"{self.limits.age_s / 60:g}"
            self.die("session_expired", f"Your session hit its limit of {minutes} minutes.", 1007)
            return
        self.send(self.finished())
        self.phase = Phase.FINISHED
        self._finished_at = now


_: type[commands.Session] = BaseSession
