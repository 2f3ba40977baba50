"""The operator's log on standard error: lines for people or JSON, each with its session.

Scope: set-up, format and bounds. No secret ever reaches a log: headers and query strings are never
logged, so the web server's own loggers stay at ``warning`` even when ours say ``debug`` (theirs
would print the ``Authorization`` header).

A line for people is ``TIME LEVEL LOGGER [session=NONCE] message``. The nonce is the middle of every
id that the session uses on the wire (``sess_NONCE…``, ``resp_NONCE…``), so that a client's log and
this one can be laid side by side. In JSON, the values of a message are fields of the line, too:
``LOG.info("turn %(turn)d is late", {"turn": 3})`` has a field ``turn``.

Bounds: a client that makes the same mistake a million times must not fill the disk. A session may
write ``SESSION_LINES`` lines, the process ``LINES_PER_S`` after a burst of ``BURST_LINES``. What is
left out is counted, and the log says that something is missing. Where the reader of the log has
stopped reading (a pipe is full), lines are left out, too: the event loop must not wait for it.
"""

from __future__ import annotations

import contextlib
import io
import logging
import select
import sys
import time
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, TextIO

import msgspec

from dragoman.runtime.observer import current_turn

SESSION_LINES = 100
LINES_PER_S = 100.0
BURST_LINES = 1000.0
KEPT_LINES = 100.0
"""What is left of a burst for warnings and errors, which a flood of other lines must not hide."""
_MESSAGE_CHARS = 2000
_ENOUGH = "%(lines)d lines are enough: further ones of this session are only counted"
_WEB_SERVER_LOGGERS = ("uvicorn", "uvicorn.error", "uvicorn.access", "websockets", "asyncio")
_ONE_LINE = {code: f"\\x{code:02x}" for code in (*range(32), 127)}


class SessionLines:
    """The lines of one session: whose they are, and how many it may still write."""

    def __init__(self, nonce: str) -> None:
        self.nonce = nonce
        self.left_out = 0
        self._left = SESSION_LINES

    def admit(self) -> bool:
        """Count a line; whether it may be written."""
        self._left -= 1
        if self._left >= 0:
            return True
        self.left_out += 1
        return False

    def end(self) -> None:
        """The session ends: its last lines are written whatever came before."""
        self._left = SESSION_LINES


current_session: ContextVar[SessionLines | None] = ContextVar("current_session", default=None)
"""Set once where a session begins; tasks started from there inherit it."""

left_out: dict[str, int] = {"session": 0, "process": 0, "reader": 0}
"""Lines that were not written, by what did not allow them."""


class BoundedLines(logging.StreamHandler[TextIO]):
    """Writes lines, but not more than the bounds allow."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._tokens, self._filled_s = BURST_LINES, time.monotonic()
        self._missing = 0
        self._poll: select.poll | None = None
        with contextlib.suppress(io.UnsupportedOperation):  # no file: it takes everything
            number = stream.fileno()
            self._poll = select.poll()
            self._poll.register(number, select.POLLOUT)

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record, count it, or say that from now on records are only counted."""
        session = current_session.get()
        record.session = session.nonce if session is not None else ""
        kept = 0.0 if record.levelno >= logging.WARNING else KEPT_LINES
        if session is not None and record.levelno < logging.ERROR and not session.admit():
            left_out["session"] += 1
            if session.left_out > 1:
                return
            record = _remark(record, _ENOUGH, {"lines": SESSION_LINES})
        obstacle = self._obstacle(kept)
        if obstacle is not None:
            left_out[obstacle] += 1
            self._missing += 1
            return
        if self._missing:
            missing, self._missing = {"left_out": self._missing}, 0
            super().emit(_remark(record, "%(left_out)d lines could not be written", missing))
        super().emit(record)

    def _obstacle(self, kept: float) -> str | None:
        """Why no line may be written now; a pipe that has room has room for a line. ``kept``: so
        many lines of the burst are for others.
        """
        if self._poll is not None and not self._poll.poll(0):
            return "reader"
        now_s = time.monotonic()
        gained = (now_s - self._filled_s) * LINES_PER_S
        self._tokens, self._filled_s = min(BURST_LINES, self._tokens + gained), now_s
        if self._tokens < kept + 1:
            return "process"
        self._tokens -= 1
        return None


def _remark(about: logging.LogRecord, message: str, values: Mapping[str, int]) -> logging.LogRecord:
    remark = logging.LogRecord(about.name, logging.WARNING, "", 0, message, (values,), None)
    remark.session = getattr(about, "session", "")
    return remark


class ConsoleLines(logging.Formatter):
    """One line for people; a traceback follows on lines of its own."""

    converter = staticmethod(time.gmtime)

    def __init__(self) -> None:
        line = "%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s%(about)s %(message)s"
        super().__init__(line, datefmt="%Y-%m-%dT%H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # logging's name
        """The line. What a client had a hand in can neither begin a line nor move the cursor."""
        session = getattr(record, "session", "")
        record.about = f" session={session}" if session else ""
        record.message = _shortened(record.message.translate(_ONE_LINE))
        return super().formatMessage(record)


class JsonLines(logging.Formatter):
    """One JSON object in a line, the values of the message as fields."""

    def format(self, record: logging.LogRecord) -> str:
        """First what every line has, then ``session``, ``turn`` and the values."""
        second = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        own: dict[str, Any] = {
            "time": f"{second}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "pid": record.process,
            "message": _shortened(record.getMessage()),
        }
        if session := getattr(record, "session", ""):
            own["session"] = session
        if record.exc_info:
            own["traceback"] = _sound(self.formatException(record.exc_info))
        turn = current_turn.get()  # of the task; a value of the message goes before it
        values: dict[str, Any] = {"turn": turn} if turn else {}
        if isinstance(record.args, Mapping):
            values |= {name: _field(value) for name, value in record.args.items()}
        return msgspec.json.encode(own | values | own).decode()  # no value takes their place


def _field(value: object) -> str | float | bool | None:
    return value if value is None or isinstance(value, int | float) else _shortened(str(value))


def _shortened(text: str) -> str:
    return _sound(text if len(text) <= _MESSAGE_CHARS else f"{text[:_MESSAGE_CHARS]}…")


def _sound(text: str) -> str:
    """Without lone surrogates, which clients can send and UTF-8 does not have."""
    return text.encode("utf-8", "backslashreplace").decode()


def configure(level: str, log_format: str = "console") -> None:
    """Send our log to standard error from ``level`` (``debug`` … ``error``) upwards, as lines for
    people (``console``) or ``json``.
    """
    lines = BoundedLines(sys.stderr)
    lines.setFormatter(JsonLines() if log_format == "json" else ConsoleLines())
    logging.basicConfig(level=logging.WARNING, handlers=[lines], force=True)
    logging.getLogger("dragoman").setLevel(level.upper())
    for name in _WEB_SERVER_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
