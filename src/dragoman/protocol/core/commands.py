"""The border between a protocol session and the world: eight commands, three reports.

Scope: nothing else crosses the border. A session is a synchronous step function: it
takes an event, a report or the time, changes its state and returns what is to be done, in
order. It never waits, never reads a clock, never draws a random number. The driver
(``runtime.driver.driver``) carries the commands out and does all the waiting.
"""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

from dragoman import speech
from dragoman.protocol.core.events import ClientEvent, Malformed, ServerEvent


# ---------------------------------------------------------------- commands
class Send(msgspec.Struct, frozen=True):
    """Send this event to the client, after those sent before it. ``supersedes`` is a key: while the
    client does not read, the event may take the place of an unsent one with the same key, because
    it says all that the older one said.
    """

    event: ServerEvent
    event_id: str
    supersedes: str = ""


class Start(msgspec.Struct, frozen=True):
    """Start a job. Its number is never used again in this session."""

    job: int
    task: speech.Task


class Push(msgspec.Struct, frozen=True):
    """Give an input to a running job; for a job that is no longer running: no effect."""

    job: int
    item: speech.Input


class End(msgspec.Struct, frozen=True):
    """No more input comes: the job finishes what it has, then reports ``Ended``."""

    job: int


class Abort(msgspec.Struct, frozen=True):
    """Stop the job now. Reports of it that are still under way are dropped by the session."""

    job: int


class Close(msgspec.Struct, frozen=True):
    """Send what is queued, then close the WebSocket with this code and reason."""

    code: int
    reason: str = ""


class Note(msgspec.Struct, frozen=True):
    """A line for the operator's log and a metric of this name; never shown to the client."""

    name: str
    detail: str = ""


class Used(msgspec.Struct, frozen=True, kw_only=True):
    """What the session consumed since the last ``Used``, for accounts and quotas: speech that came
    in and went out (media time), and billed characters of text that was spoken.
    """

    audio_in_ms: int = 0
    audio_out_ms: int = 0
    characters: int = 0


Command = Send | Start | Push | End | Abort | Close | Note | Used


# ---------------------------------------------------------------- reports
class Output(msgspec.Struct, frozen=True):
    """A job made a result."""

    job: int
    item: speech.Result


class Ended(msgspec.Struct, frozen=True):
    """A job finished by itself; nothing more comes from it."""

    job: int


class Failed(msgspec.Struct, frozen=True):
    """A job died. ``reason`` is for the log only and never reaches a client.

    ``refusal``: the text cannot be spoken here and this sentence, written for the client, says
    why and how to mend it; empty for any other failure.
    """

    job: int
    reason: str
    refusal: str = ""


Report = Output | Ended | Failed

Eviction = Literal["throttled", "access denied"]
"""Why the server ends a session that did nothing wrong on the wire: its key used up what it may
use, or is not valid any more."""


class Session(Protocol):
    """What the driver needs of a session. ``now`` is seconds on a monotonic clock."""

    @property
    def closed(self) -> bool:
        """True after the session returned ``Close``."""

    def open(self, now: float) -> list[Command]:
        """The connection stands; greet the client."""

    def receive(self, event: ClientEvent | Malformed, now: float) -> list[Command]:
        """The client sent something."""

    def report(self, report: Report, now: float) -> list[Command]:
        """A job has news."""

    def evict(self, reason: Eviction, now: float) -> list[Command]:
        """The server ends the session."""

    def deadline(self) -> float | None:
        """When ``tick`` wants to be called next, or None."""

    def tick(self, now: float) -> list[Command]:
        """The deadline has come (calling early is harmless)."""
