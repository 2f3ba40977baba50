"""Hypothesis logs of live sessions, for those who tune policies. Off unless asked for.

Law of this file: when ``DRAGOMAN_RECORD_HYPOTHESES`` names a folder, every interpretation session
writes one file there, which holds *what was said*, readable by its owner only
(``policy.recognition.hypothesis_log`` is the format). Nothing here may slow or fail a session:
lines are collected and written on a thread when a turn ends, and a disk that refuses is noted once.
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
from dragoman.runtime.cascade.word_mailbox import TurnWords, WordMailbox
from dragoman.runtime.driver.driver import Emit
from dragoman.speech import Result, SpeechStarted, SpeechStopped

LOG = logging.getLogger("dragoman.session")

VARIABLE = "DRAGOMAN_RECORD_HYPOTHESES"


class HypothesisRecorder:
    """The log of one session. ``now_s`` is the clock of the session."""

    def __init__(self, folder: Path, now_s: Callable[[], float]) -> None:
        self._folder = folder
        self._now_s = now_s
        self._began_s = now_s()
        self._lines: list[bytes] = []
        self._path: Path | None = None
        self._writing = asyncio.Lock()
        self._broken = False
        self._flushing: asyncio.Task[None] | None = None  # held, or it would be collected

    def watch(self, texts: WordMailbox) -> None:
        """Record what is put into the mailbox."""
        texts.watcher = self._words

    def observing(self, emit: Emit) -> Emit:
        """The same ``emit``, with the begin and end of turns recorded."""

        async def observed(fact: Result) -> None:
            if isinstance(fact, SpeechStarted):
                self._add(LoggedStart(self._t(), fact.turn, fact.at_ms))
            elif isinstance(fact, SpeechStopped):
                self._add(LoggedEnd(self._t(), fact.turn, fact.at_ms))
            await emit(fact)

        return observed

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

    def _words(self, words: TurnWords) -> None:
        self._add(
            LoggedWords(
                t=self._t(),
                turn=words.turn,
                words=entries(words.committed),
                tail=entries(words.tail),
                source=words.settings.source or words.language,
                target=words.settings.target,
                paused=words.paused,
                final=words.final,
            )
        )
        if words.final:
            self._flushing = asyncio.create_task(self.flush())

    def _add(self, line: Line) -> None:
        self._lines.append(encode(line))

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
