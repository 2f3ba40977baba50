"""The operator's log: plain lines on standard error, each with the session it is about.

Scope: set-up and format. No secret ever reaches a log: headers and query strings are never logged,
so the web server's own loggers stay at ``warning`` even when ours say ``debug`` (theirs would print
the ``Authorization`` header).

A line is ``TIME LEVEL LOGGER [session=NONCE] message``. The nonce is the middle of every id
that the session uses on the wire (``sess_NONCE…``, ``resp_NONCE…``), so that a client's log and
this one can be laid side by side.
"""

from __future__ import annotations

import logging
import sys
import time
from contextvars import ContextVar

session_nonce: ContextVar[str] = ContextVar("session_nonce", default="")
"""Set once where a session begins; tasks started from there inherit it."""

_WEB_SERVER_LOGGERS = ("uvicorn", "uvicorn.error", "uvicorn.access", "websockets", "asyncio")


class _PlainLines(logging.Formatter):
    converter = staticmethod(time.gmtime)

    def format(self, record: logging.LogRecord) -> str:
        nonce = session_nonce.get()
        record.session = f" session={nonce}" if nonce else ""
        return super().format(record)


def configure(level: str) -> None:
    """Send our log to standard error from ``level`` (``debug`` … ``error``) upwards."""
    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter(
        _PlainLines(
            "%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s%(session)s %(message)s",
            datefmt="%Y-%m-%dT%H:%M:%S",
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[lines], force=True)
    logging.getLogger("dragoman").setLevel(level.upper())
    for name in _WEB_SERVER_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
