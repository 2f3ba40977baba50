"""Play a case against the codec and the pure session, and tell what a client would see."""

from __future__ import annotations

import json
from dataclasses import dataclass

import msgspec

from dragoman.protocol.core.commands import Close, Command, Ended, Failed, Output, Send
from dragoman.protocol.core.events import Ids, nonce_from
from dragoman.protocol.realtime.events import Error
from dragoman.protocol.registry import lookup, make_session
from tests.docs.error_cases import COVERAGE, Case, Evict, Step, Wait

NOTHING = "–"
CULPRIT = "culprit_1"
SETUP = "setup"


@dataclass
class Seen:
    """What the last step of a case brought; ``named`` is the event id the error names."""

    kind: str = NOTHING
    code: str = NOTHING
    message: str = NOTHING
    param: str = NOTHING
    fate: str = "open"
    named: str | None = None
    errors: int = 0
    errors_before: int = 0


def play(case: Case) -> Seen:
    """Play all steps; an error before the last one is counted apart."""
    served = lookup(case.model)
    codec = served.api.codec
    session = make_session(served, Ids(nonce_from(1)), case.limits, COVERAGE, strict=case.strict)
    now = 0.0
    commands = session.open(now)
    before: list[Command] = []
    for number, step in enumerate(case.steps, 1):
        before += commands
        last = number == len(case.steps)
        if isinstance(step, Wait):
            now += step.seconds
            commands = session.tick(now)
        elif isinstance(step, Evict):
            commands = session.evict(step.reason, now)
        elif isinstance(step, Output | Ended | Failed):
            commands = session.report(step, now)
        else:
            frame = framed(step, CULPRIT if last else SETUP)
            commands = session.receive(codec.decode(frame), now)
    return judged(commands, before)


def framed(step: Step, event_id: str) -> str | bytes:
    """The frame of a client event; raw frames are what they are."""
    if isinstance(step, dict):
        return json.dumps({"event_id": event_id} | step)
    assert isinstance(step, str | bytes)
    return step


def judged(commands: list[Command], before: list[Command]) -> Seen:
    """The error and the close among the commands of the last step."""
    seen = Seen(errors_before=sum(1 for c in before if is_error(c)))
    for command in commands:
        if isinstance(command, Send) and isinstance(command.event, Error):
            error = command.event.error
            seen.errors += 1
            seen.kind, seen.code, seen.message = error.type, error.code, error.message
            seen.param = error.param or NOTHING
            seen.named = None if error.event_id is msgspec.UNSET else error.event_id
        elif isinstance(command, Close):
            seen.fate = f"closed {command.code}"
    return seen


def is_error(command: Command) -> bool:
    """Whether it sends an error."""
    return isinstance(command, Send) and isinstance(command.event, Error)
