"""Beside the cascade: reads the pictures that the speaker shows.

Scope: pictures are context, so they may cost little and can fail nothing. The latest picture wins,
one reading is in flight for a session, and at most one begins every ``EVERY_S`` (later where
readings take long: the engine is shared). What looks like the picture read last is not read again,
except after ``AGAIN_S``. A failed reading is reported, and the next one waits longer. Pictures and
what was read in them are neither stored nor logged; they end with the session.

Recognisers get the names and terms that were read as weak hints, translators the lines as context,
for as long as they are fresh (``policy.vision.onscreen``).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from dragoman.engines.base import Picture, Reading
from dragoman.policy.vision.onscreen import OnscreenTerms
from dragoman.runtime.hosts.host import EngineFailed, EngineHost
from dragoman.runtime.observer import Observer, PictureHandled

LOG = logging.getLogger("dragoman.session")

EVERY_S = 2.5
AGAIN_S = 30.0
_READING_SHARE = 4
"""At most a quarter of the time is spent on reading."""
_LONGEST_PAUSE_S = 60.0

Sleep = Callable[[float], Awaitable[None]]


class ImageReader:
    """The pictures of one session. Without an engine only the latest one is kept. ``sleep`` is for
    tests.
    """

    def __init__(
        self,
        engine: EngineHost | None,
        observer: Observer,
        now_s: Callable[[], float],
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.image = b""
        """What the speaker shows now: the latest picture."""
        self._engine = engine
        self._observer = observer
        self._now_s = now_s
        self._sleep = sleep
        self._onscreen = OnscreenTerms()
        self._next = b""
        self._last = b""  # the picture read last
        self._fingerprint = b""
        self._read_s = 0.0
        self._failures = 0
        self._arrived = asyncio.Event()

    def show(self, picture: bytes) -> None:
        """The speaker shows this from now on."""
        self.image = picture
        if self._engine is not None:
            if self._next:
                self._observer.on(PictureHandled("skipped"))
            self._next = picture
            self._arrived.set()

    def lines(self) -> tuple[str, ...]:
        """The lines read from pictures that are fresh now."""
        return self._onscreen.lines(self._now_s()) if self._engine is not None else ()

    def terms(self) -> tuple[str, ...]:
        """The names and terms in them."""
        return self._onscreen.terms(self._now_s()) if self._engine is not None else ()

    async def run(self) -> None:
        """Until it is cancelled, which is harmless at any moment."""
        while self._engine is not None:
            await self._arrived.wait()
            self._arrived.clear()
            picture, self._next = self._next, b""
            began_s = self._now_s()
            await self._read(self._engine, picture, began_s)
            took_s = self._now_s() - began_s
            pause_s = max(EVERY_S, _READING_SHARE * took_s) * 2.0**self._failures
            await self._sleep(min(pause_s, _LONGEST_PAUSE_S) - took_s)

    async def _read(self, engine: EngineHost, picture: bytes, now_s: float) -> None:
        due = now_s - self._read_s >= AGAIN_S
        if picture == self._last and not due:
            self._is_same(now_s)
            return
        try:
            answer = await engine.call(Picture(picture, b"" if due else self._fingerprint))
        except EngineFailed as failure:
            self._observer.on(PictureHandled("failed"))
            self._failures = min(self._failures + 1, 5)
            LOG.info("a picture was not read: %s", failure)
            return
        self._failures = 0
        if not isinstance(answer, Reading):
            raise TypeError(f"{engine.info.name} answered a picture with no reading")
        if answer.lines is None:
            self._is_same(now_s)
            return
        self._last, self._fingerprint, self._read_s = picture, answer.sketch, now_s
        self._onscreen.read(answer.lines, self._now_s())
        self._observer.on(PictureHandled("read"))

    def _is_same(self, now_s: float) -> None:
        self._onscreen.repeat(now_s)
        self._observer.on(PictureHandled("same"))
