"""Hypothesis logs of live sessions, for those who tune policies. Off unless asked for.

Scope: when ``DRAGOMAN_RECORD_HYPOTHESES`` names a folder, every interpretation session writes one
file there, which holds *what was said*, readable by its owner only
(``policy.recognition.hypothesis_log`` is the format). Nothing here may slow or fail a session:
lines are collected and written on a thread when a turn ends, and a disk that refuses is logged
once.
"""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from dragoman.policy.recognition.hypothesis_log import (
    Line,
    LoggedEnd,
    LoggedStart,
    LoggedWords,
    encode,
    entries,
)
from dragoman.runtime.observer import Event, TurnClosed, TurnOpened, WordsRecognised

LOG = logging.getLogger("dragoman.session")

VARIABLE = "DRAGOMAN_RECORD_HYPOTHESES"


class HypothesisRecorder:
    """An ``Observer`` that writes the log of one session. ``now_s`` is the session's clock."""

    def __init__(self, folder: Path, now_s: Callable[[], float]) -> None:
        self._folder = folder
        self._now_s = now_s
        self._began_s = now_s()
        self._lines: list[bytes] = []
        self._path: Path | None = None
        self._writing = asyncio.Lock()
        self._broken = False
        self._flushing: asyncio.Task[None] | None = None  # held, or it would be collected

    def on(self, event: Event) -> None:
        """See ``Observer``."""
        line = self._line(event)
        if line is not None:
            self._lines.append(encode(line))
        if isinstance(event, WordsRecognised) and event.final:
            self._flushing = asyncio.create_task(self.flush())

    async def flush(self) -> None:
        """Write what was collected."""
        async with self._writing:
            lines, self._lines = self._lines, []
            if lines and not self._broken:
                try:
                    await asyncio.to_thread(self._write, b"".join(lines))
                except OSError as error:
                    self._broken = True
                    LOG.warning("hypotheses are not recorded: %s", error.strerror)

    def _line(self, event: Event) -> Line | None:
        match event:
            case TurnOpened(turn=turn, at_ms=at_ms):
                return LoggedStart(self._t(), turn, at_ms)
            case TurnClosed(turn=turn, at_ms=at_ms):
                return LoggedEnd(self._t(), turn, at_ms)
            case WordsRecognised() as words:
                return LoggedWords(
                    t=self._t(),
                    turn=words.turn,
                    words=entries(words.committed),
                    tail=entries(words.tail),
                    source=words.source,
                    target=words.target,
                    paused=words.paused,
                    final=words.final,
                )
        return None

    def _t(self) -> float:
        return round(self._now_s() - self._began_s, 3)

    def _write(self, data: bytes) -> None:
        if self._path is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            number, name = tempfile.mkstemp(".jsonl", "hypotheses-", self._folder)
            os.close(number)
            self._path = Path(name)
        with self._path.open("ab") as file:
            file.write(data)


def recorder(now_s: Callable[[], float]) -> HypothesisRecorder | None:
    """A recorder for a new session, if the operator asked for logs."""
    folder = os.environ.get(VARIABLE)
    return HypothesisRecorder(Path(folder), now_s) if folder else None
