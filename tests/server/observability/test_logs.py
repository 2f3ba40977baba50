"""The log as an operator or a log collector reads it: its formats and its bounds."""

from __future__ import annotations

import io
import json
import logging
import os
from collections.abc import Iterator
from typing import Any

import pytest

from dragoman.protocol.core.commands import Note
from dragoman.runtime.observer import FanOut, TermMissed, current_turn
from dragoman.server.observability import logs
from dragoman.server.observability.logs import BoundedLines, ConsoleLines, JsonLines, SessionLines
from dragoman.server.observability.metrics import Metrics
from dragoman.server.observability.session_log import SessionLog
from dragoman.server.observability.session_metrics import counted_session

LOG = logging.getLogger("dragoman.session")


class Output:
    """Lines that the handler has written."""

    def __init__(self, log_format: logging.Formatter) -> None:
        self.text = io.StringIO()
        self.handler = BoundedLines(self.text)
        self.handler.setFormatter(log_format)

    @property
    def lines(self) -> list[str]:
        return self.text.getvalue().splitlines()

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]


def _output(log_format: logging.Formatter, monkeypatch: pytest.MonkeyPatch) -> Iterator[Output]:
    output = Output(log_format)
    monkeypatch.setattr(LOG, "propagate", False)
    monkeypatch.setattr(LOG, "handlers", [output.handler])
    monkeypatch.setattr(LOG, "level", logging.INFO)
    LOG.manager._clear_cache()  # type: ignore[attr-defined]  # a level was set without setLevel
    token = logs.current_session.set(None)
    yield output
    logs.current_session.reset(token)


@pytest.fixture
def console(monkeypatch: pytest.MonkeyPatch) -> Iterator[Output]:
    yield from _output(ConsoleLines(), monkeypatch)


@pytest.fixture
def in_json(monkeypatch: pytest.MonkeyPatch) -> Iterator[Output]:
    yield from _output(JsonLines(), monkeypatch)


def begin_session(nonce: str = "N" * 15) -> SessionLines:
    lines = SessionLines(nonce)
    logs.current_session.set(lines)
    return lines


def test_a_console_line_is_one_line_with_its_session(console: Output) -> None:
    begin_session()
    LOG.info("model %(model)s", {"model": "a\nb\x1b[2J"})
    (line,) = console.lines
    assert line.endswith(rf"INFO dragoman.session session={'N' * 15} model a\x0ab\x1b[2J")


def test_a_json_line_has_the_values_of_its_message(in_json: Output) -> None:
    begin_session()
    LOG.warning("turn %(turn)d: %(failure)s", {"turn": 3, "failure": ValueError("x\ny")})
    (record,) = in_json.records
    assert record.pop("time").endswith("Z")
    assert record == {
        "level": "warning",
        "logger": "dragoman.session",
        "pid": os.getpid(),
        "session": "N" * 15,
        "message": "turn 3: x\ny",
        "turn": 3,
        "failure": "x\ny",
    }


def test_a_json_line_has_the_turn_that_its_task_works_for(in_json: Output) -> None:
    token = current_turn.set(7)
    LOG.info("glossary_miss")
    LOG.info("turn %(turn)d", {"turn": 3})
    current_turn.reset(token)
    LOG.info("between turns")
    assert [record.get("turn") for record in in_json.records] == [7, 3, None]


def test_values_cannot_take_the_place_of_what_every_line_has(in_json: Output) -> None:
    begin_session()
    LOG.info("%(session)s %(level)s", {"session": "mine", "level": 9})
    assert in_json.records[0]["session"] == "N" * 15
    assert in_json.records[0]["level"] == "info"


def test_a_bug_has_its_traceback_in_one_field(in_json: Output) -> None:
    try:
        raise RuntimeError("broken")
    except RuntimeError:
        LOG.exception("the session broke")
    (record,) = in_json.records
    assert record["message"] == "the session broke"
    assert record["traceback"].endswith("RuntimeError: broken")


@pytest.mark.parametrize("output", ["console", "in_json"])
def test_what_clients_send_cannot_break_a_line(output: str, request: pytest.FixtureRequest) -> None:
    written: Output = request.getfixturevalue(output)
    LOG.info("%(note)s: %(detail)r", {"note": "voice", "detail": "\ud800\x00" + "x" * 10_000})
    LOG.info("%(detail)s", {"detail": "\ud800\x00" + "x" * 10_000})
    assert len(written.lines) == 2
    assert max(map(len, written.lines)) < 10_000
    written.text.getvalue().encode()


def test_a_session_cannot_fill_the_log_but_everything_is_counted(in_json: Output) -> None:
    metrics, before = Metrics(), logs.left_out["session"]
    lines = begin_session()
    with counted_session(metrics, "tts") as counted:
        observer = FanOut(counted, SessionLog())
        for _ in range(5 * logs.SESSION_LINES):
            observer.on(Note("unknown_voice", "a\nb"))
            observer.on(TermMissed(4))
    assert len(in_json.lines) == logs.SESSION_LINES + 1
    assert "only counted" in in_json.records[-1]["message"]
    assert logs.left_out["session"] - before == lines.left_out == 9 * logs.SESSION_LINES
    page = metrics.page().decode()
    assert f'dragoman_notes_total{{name="unknown_voice"}} {5.0 * logs.SESSION_LINES}' in page


def test_a_bug_and_the_end_are_logged_whatever_came_before(in_json: Output) -> None:
    lines = begin_session()
    for _ in range(2 * logs.SESSION_LINES):
        LOG.info("again")
    LOG.error("our bug")
    lines.end()
    LOG.info("session ends")
    assert [record["message"] for record in in_json.records[-2:]] == ["our bug", "session ends"]


def test_many_sessions_cannot_fill_the_log(
    console: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = console.handler._filled_s
    monkeypatch.setattr(logs.time, "monotonic", lambda: now_s)
    before = logs.left_out["process"]
    most = int(logs.BURST_LINES - logs.KEPT_LINES)
    for number in range(most + 50):
        begin_session()
        LOG.info("session begins: %(number)d", {"number": number})
    assert len(console.lines) == most
    now_s += 1.0
    LOG.info("later")
    assert "50 lines could not be written" in console.lines[-2]
    assert console.lines[-1].endswith("later")
    assert logs.left_out["process"] - before == 50


def test_a_flood_does_not_hide_warnings(console: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs.time, "monotonic", lambda: console.handler._filled_s)
    for _ in range(int(logs.BURST_LINES)):
        logs.current_session.set(None)
        LOG.info("refused")
    LOG.warning("engines are lost")
    assert console.lines[-1].endswith("engines are lost")


def test_a_reader_that_stopped_holds_nobody_up() -> None:
    reading, writing = os.pipe()
    before, line = logs.left_out["reader"], "x" * 1_000
    with os.fdopen(writing, "w") as stream, os.fdopen(reading) as reader:
        handler = BoundedLines(stream)
        for _ in range(500):  # more than a pipe holds
            handler.emit(logging.LogRecord("dragoman", logging.INFO, "", 0, line, (), None))
        missing = logs.left_out["reader"] - before
        for _ in range(500 - missing):
            assert reader.readline() == f"{line}\n"
        handler.emit(logging.LogRecord("dragoman", logging.INFO, "", 0, "again", (), None))
        assert reader.readline() == f"{missing} lines could not be written\n"
        assert reader.readline() == "again\n"
    assert 400 < missing < 500
