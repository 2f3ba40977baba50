"""Beside the cascade: reads the pictures that the speaker shows.

Law of this file: pictures are context, so they may cost little and can fail nothing. The latest
picture wins, one reading is in flight for a session, at most one begins every ``EVERY_S`` (later,
where readings take long: the reader is shared), and what looks like the picture read last is not
read again, except after ``AGAIN_S``. A failed reading is counted, and the next one waits longer.
Pictures and what was read in them are neither stored nor logged; they end with the session.

What was read stands in ``WordMailbox``: recognisers get names and terms as weak hints, translators
lines as context, for as long as they are fresh (``policy.vision.onscreen``).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from dragoman.engines.base import Picture, Reading
from dragoman.policy.vision.onscreen import OnscreenTerms
from dragoman.runtime.cascade.word_mailbox import WordMailbox
from dragoman.runtime.engine_set import EngineSet
from dragoman.runtime.hosts.host import EngineFailed, EngineHost

LOG = logging.getLogger("dragoman.session")

EVERY_S = 2.5
AGAIN_S = 30.0
_SHARE = 4  # of the time, at most one part of so many is spent on reading
_LONGEST_PAUSE_S = 60.0

Sleep = Callable[[float], Awaitable[None]]


class ImageReader:
    """See the head of this file; one for each session. ``sleep`` is for tests."""

    def __init__(self, stack: EngineSet, texts: WordMailbox, sleep: Sleep = asyncio.sleep) -> None:
        self._stack = stack
        self._sleep = sleep
        self._reader = stack.reader
        self._seen = OnscreenTerms()
        self._next = b""
        self._last = b""  # the picture read last
        self._sketch = b""
        self._read_s = 0.0
        self._failures = 0
        self._arrived = asyncio.Event()
        if self._reader is not None:
            texts.shown = self.show
            texts.onscreen = lambda: self._seen.lines(stack.now_s())
            texts.terms = lambda: self._seen.terms(stack.now_s())

    def show(self, picture: bytes) -> None:
        """The speaker shows this now."""
        if self._next:
            self._stack.noted("pictures_skipped")
        self._next = picture
        self._arrived.set()

    async def run(self) -> None:
        """Until it is cancelled, which is harmless at any moment."""
        while self._reader is not None:
            await self._arrived.wait()
            self._arrived.clear()
            picture, self._next = self._next, b""
            began_s = self._stack.now_s()
            await self._look(self._reader, picture, began_s)
            took_s = self._stack.now_s() - began_s
            pause_s = max(EVERY_S, _SHARE * took_s) * 2.0**self._failures
            await self._sleep(min(pause_s, _LONGEST_PAUSE_S) - took_s)

    async def _look(self, reader: EngineHost, picture: bytes, now_s: float) -> None:
        due = now_s - self._read_s >= AGAIN_S
        if picture == self._last and not due:
            self._seen.repeat(now_s)
            self._stack.noted("pictures_same")
            return
        try:
            answer = await reader.call(Picture(picture, b"" if due else self._sketch))
        except EngineFailed as failure:
            self._stack.noted("pictures_failed")
            self._failures = min(self._failures + 1, 5)
            LOG.info("a picture was not read: %s", failure)
            return
        self._failures = 0
        if not isinstance(answer, Reading):
            raise TypeError(f"{reader.info.name} answered a picture with no reading")
        if answer.lines is None:
            self._seen.repeat(now_s)
            self._stack.noted("pictures_same")
            return
        self._last, self._sketch, self._read_s = picture, answer.sketch, now_s
        self._seen.read(answer.lines, self._stack.now_s())
        self._stack.noted("pictures_read")
