"""What happens in a session, told to whoever watches: metrics, the log, traces, the recorder.

Scope: the events, the Protocol and the fan-out. ``on`` is called on the event loop, ``EventSent``
for every event to a client, so an observer must be quick and must not raise. Only
``WordsRecognised`` has text of people in it; all but the hypothesis recorder leave it alone.

Engine hosts serve all sessions and know none. They find the observer of the session that asked, and
the turn it asked for, in context variables, which its tasks inherit.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from typing import Literal, Protocol

import msgspec

from dragoman.engines.base import Role
from dragoman.protocol.core.commands import Note, Used
from dragoman.speech import Word


# ---------------------------------------------------------------- the driver
class EventSent(msgspec.Struct, frozen=True, gc=False):
    """An event went into the client's outbox."""

    event_type: str
    event_id: str = ""


class JobFailed(msgspec.Struct, frozen=True):
    """A job died; ``reason`` is the class of the exception."""

    reason: str


# ---------------------------------------------------------------- the cascade
class TurnOpened(msgspec.Struct, frozen=True):
    """A turn's speech began at this media time."""

    turn: int
    at_ms: int


class WordsRecognised(msgspec.Struct, frozen=True):
    """The words of a turn as they are now. ``source`` is the declared language, else what the
    recogniser says.
    """

    turn: int
    committed: Sequence[Word]
    tail: Sequence[Word]
    source: str | None
    target: str
    paused: bool
    final: bool


class TurnClosed(msgspec.Struct, frozen=True):
    """A turn's speech ended. ``words_refused``: a hypothesis stayed below the confidence gate;
    ``refused``: the whole turn was refused, because too many people speak.
    """

    turn: int
    at_ms: int
    words_refused: bool
    refused: bool = False


class WordsCommitted(msgspec.Struct, frozen=True):
    """Words of a turn became final, ``lag_s`` after the last of them was over: media time, so it is
    the lag of a client that sends in real time.
    """

    turn: int
    lag_s: float


class TranslationCommitted(msgspec.Struct, frozen=True):
    """Translated text of a turn became final, ``lag_s`` after its oldest source word had."""

    turn: int
    lag_s: float


class TurnEnded(msgspec.Struct, frozen=True):
    """A turn is done in all stages: nothing more is published or spoken of it."""

    turn: int


class TermMissed(msgspec.Struct, frozen=True):
    """A committed translation lacks a term of the glossary, which has so many letters."""

    letters: int


class PictureHandled(msgspec.Struct, frozen=True):
    """What became of a picture: read, the same as before, unreadable, or replaced by a newer one
    before it was looked at.
    """

    outcome: Literal["read", "same", "failed", "skipped"]


class SpeechPlayed(msgspec.Struct, frozen=True):
    """A chunk of translated speech began to come. A listener who plays in real time hears it
    ``lag_s`` after its text was committed (at ``at_s``), ``rate`` times as fast as usual.
    """

    lag_s: float
    rate: float
    at_s: float


class SpeechSkipped(msgspec.Struct, frozen=True):
    """A chunk of translated speech was skipped to catch up; it would have lasted ``seconds``."""

    seconds: float


# ---------------------------------------------------------------- engines
class EngineTimed(msgspec.Struct, frozen=True):
    """An engine answered a call for this session: after ``queued_s`` of waiting it took ``took_s``,
    together with ``batch - 1`` other calls. For speech: until its first sound. ``turn`` is 0 where
    the call was not for one.
    """

    engine: str
    role: Role
    turn: int
    queued_s: float
    took_s: float
    batch: int = 1


class FailedOver(msgspec.Struct, frozen=True):
    """A call failed at this engine and is made again at another one."""

    engine: str
    role: Role


Event = (
    EventSent | Note | Used | JobFailed | TurnOpened | WordsRecognised | TurnClosed | TurnEnded
    | WordsCommitted | TranslationCommitted | TermMissed | PictureHandled | SpeechPlayed
    | SpeechSkipped | EngineTimed | FailedOver
)  # fmt: skip
"""``Note`` and ``Used`` are the session's own (``protocol.core.commands``)."""


class Observer(Protocol):
    """Is told what happens."""

    def on(self, event: Event) -> None:
        """Something happened."""


class FanOut:
    """Tells several observers, in their order; without any it is the observer that does nothing."""

    def __init__(self, *observers: Observer) -> None:
        self._observers = observers

    def on(self, event: Event) -> None:
        """See ``Observer``."""
        for observer in self._observers:
            observer.on(event)


session_observer: ContextVar[Observer | None] = ContextVar("session_observer", default=None)
"""Who is told what engines do for the session of this task; None outside of sessions."""
current_turn: ContextVar[int] = ContextVar("current_turn", default=0)
"""The turn that this task works for."""
