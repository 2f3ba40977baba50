"""One segment of speech made by the threads of a ``ThreadHost``, with back-pressure.

Scope: the iterator of a segment, advanced on one thread at a time, and the count of what its
listener has not taken yet. When that fills the window, the thread puts the iterator aside and
takes other work; when half of it has been taken, the segment is queued again. So a slow listener
holds memory (one window), but never a thread. Where other jobs wait, it goes to the end of the line
behind every piece, so that one long segment does not hold up the first audio of others.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator

from dragoman.audio.pcm import bytes_in
from dragoman.engines.base import Synthesizer, Unspeakable, Utterance
from dragoman.runtime.hosts.engine_work import EngineWork
from dragoman.runtime.hosts.pcm_stream import PcmStream
from dragoman.runtime.hosts.synthesize_segment import synthesize_segment

Requeue = Callable[["ThreadSegment", int], bool]
"""Have the segment run on an engine thread, unless the host is closed; so many bytes are left to be
played."""


class ThreadSegment:
    """A segment on its way from the threads to the loop. ``others_wait``: the threads have more to
    do. ``post`` has a function called there, and returns False when the loop is closed.
    """

    def __init__(
        self,
        engine: Synthesizer,
        utterance: Utterance,
        rate_hz: int,
        *,
        window_bytes: int,
        requeue: Requeue,
        others_wait: Callable[[], bool],
        post: Callable[..., bool],
        work: EngineWork,
    ) -> None:
        self.stream = PcmStream(rate_hz)
        self.sounds = False
        """Whether any of it was made."""
        self._post = post
        self._work = work
        self._engine = engine
        self._utterance, self._rate_hz = utterance, rate_hz
        self._window = window_bytes
        self._requeue = requeue
        self._others_wait = others_wait
        self._pieces: Generator[bytes, None, None] | None = None
        self._lock = threading.Lock()
        self._made_bytes = 0  # by the present call of ``run``
        self._not_taken = 0
        self._parked = False
        self._left = False

    # ------------------------------------------------------------ on an engine thread
    def run(self) -> None:
        """Make speech until the window is full, the segment ends or its listener goes."""
        failure, refusal = None, None
        self._made_bytes, cpu_before_s = 0, time.thread_time()
        try:
            with self._work.stint() as stint:
                goes_on = self._made()
            made_s = self._made_bytes / bytes_in(1000, self._rate_hz)
            self._work.spoke(made_s, stint.own_s, time.thread_time() - cpu_before_s)
            if goes_on:
                return
        except Unspeakable as error:
            refusal = str(error)
        except BaseException as error:  # noqa: BLE001 - an engine may raise anything
            failure = f"{self._engine.info.name}: {error!r}"
        self._post(self.stream.end, failure, refusal)

    def _made(self) -> bool:
        """Make speech; whether there is more to make later."""
        if self._pieces is None:
            if self._left:
                return False
            self.stream.times.begin()
            self._pieces = synthesize_segment(self._engine, self._utterance, self._rate_hz)
        while not self._left:
            pcm = next(self._pieces, None)
            if pcm is None or not self._hand_over(pcm):
                break
            if self._park():
                return True
            if self._others_wait() and self._requeue(self, self._not_taken):
                return True
        self._pieces.close()
        return False

    def _hand_over(self, pcm: bytes) -> bool:
        self.sounds = True
        self._made_bytes += len(pcm)
        with self._lock:
            self._not_taken += len(pcm)
        return self._post(self.stream.push, pcm)

    def _park(self) -> bool:
        with self._lock:
            self._parked = not self._left and self._not_taken >= self._window
            return self._parked

    # ------------------------------------------------------------ on the loop
    def taken(self, size: int) -> None:
        """The listener has taken that many bytes."""
        with self._lock:
            self._not_taken -= size
            resumes = self._parked and self._not_taken <= self._window // 2
            self._parked = self._parked and not resumes
        if resumes:
            self._requeue(self, self._not_taken)

    def leave(self) -> None:
        """Nobody listens any more: the engine's iterator is closed on a thread."""
        with self._lock:
            self._left = True
            resumes, self._parked = self._parked, False
        if resumes:
            self._requeue(self, 0)
