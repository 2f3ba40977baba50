"""What happens in a session, told to whoever watches: metrics, the log, the hypothesis recorder.

Scope: the events, the Protocol and the fan-out. ``on`` is called on the event loop, ``EventSent``
for every event to a client, so an observer must be quick and must not raise. Only
``WordsRecognised`` has text of people in it; log and metrics leave it alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

from dragoman.protocol.core.commands import Note, Used
from dragoman.speech import Word


# ---------------------------------------------------------------- the driver
class EventSent(msgspec.Struct, frozen=True, gc=False):
    """An event went into the client's outbox."""

    event_type: str


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


Event = (
    EventSent | Note | Used | JobFailed | TurnOpened | WordsRecognised | TurnClosed
    | TermMissed | PictureHandled | SpeechPlayed | SpeechSkipped
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
