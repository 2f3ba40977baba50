"""Every row of ``docs/errors.md`` is what a client gets, and every case has its row."""

from __future__ import annotations

from typing import Any

import pytest

from dragoman.protocol.core.commands import Command, Ended, Failed, Note, Output, Send, Used
from dragoman.protocol.core.events import Ids, nonce_from
from dragoman.protocol.realtime.events import Error
from dragoman.protocol.registry import SYNTHESIS, lookup, make_session
from tests.docs.error_cases import CASES, COVERAGE, TTS, Case, Wait, append, audio
from tests.docs.errors_page import Row, rows
from tests.docs.play_case import CULPRIT, NOTHING, framed, play


def test_every_case_has_one_row():
    assert [row.case for row in rows()] == list(CASES)


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.case)
def test_row(row: Row):
    case = CASES[row.case]
    seen = play(case)
    told = Row(row.case, seen.kind, seen.code, seen.message, seen.param, seen.fate)
    assert told == row
    assert seen.errors_before == 0
    assert seen.errors == (0 if row.kind == NOTHING else 1)
    if row.kind == "invalid_request_error" and case.steps and isinstance(case.steps[-1], dict):
        assert seen.named == CULPRIT
    if row.kind == "server_error":
        assert row.fate.startswith("closed 10")


REFUSED = [
    row.case
    for row in rows()
    if row.fate == "open"
    and row.kind != NOTHING
    and "dropped" not in row.message
    and not isinstance(CASES[row.case].steps[-1], Failed)
]


@pytest.mark.parametrize("name", REFUSED)
def test_nothing_accepted_earlier_is_lost(name: str):
    """A session that refused the last step goes on exactly like one that never saw it."""
    case = CASES[name]
    assert goes_on(case, case.steps[:-1]) == goes_on(case, case.steps)


def goes_on(case: Case, steps: Any) -> list[tuple[str, Any]]:
    """What happens after these steps when the client just carries on and finishes."""
    served = lookup(case.model)
    codec = served.api.codec
    session = make_session(served, Ids(nonce_from(1)), case.limits, COVERAGE, strict=case.strict)
    session.open(0.0)
    more = append("Bye.") if served.api is SYNTHESIS else audio()
    commands: list[Command] = []
    for step in (*steps, more, {"type": "session.finish"}):
        if isinstance(step, Wait):
            session.tick(step.seconds)
        elif isinstance(step, Output | Ended | Failed):
            commands += session.report(step, 0.0)
        else:
            commands += session.receive(codec.decode(framed(step, "e")), 0.0)
    return [described(command) for command in commands if not is_aside(command)]


def is_aside(command: Command) -> bool:
    """Errors and notes are not what the session does."""
    return isinstance(command, Note | Used) or (
        isinstance(command, Send) and isinstance(command.event, Error)
    )


def described(command: Command) -> tuple[str, Any]:
    """A command without the ids that count how many there were before."""
    if isinstance(command, Send):
        return "Send", type(command.event).__name__
    return type(command).__name__, command


def test_the_probe_sees_work():
    """The comparison above is of something: text leads to a job."""
    names = [name for name, _ in goes_on(Case(TTS, ()), ())]
    assert "Start" in names
    assert "Push" in names
