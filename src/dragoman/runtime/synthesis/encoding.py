"""The encoder of one job, as the event loop sees it.

Scope: PCM in, ``Voiced`` emitted, order kept. pcm and wav cost nothing and stay on the
loop; mp3 and opus are encoded in a few threads that all jobs share, a slice of at most 300 ms at a
time, so that no client gets sound in bursts and no job keeps a thread from the others. A job waits
for its slice before it hands over the next, so at most one slice of each job is queued. The codecs
release the GIL, so the threads use other cores, not the loop's time.
"""

from __future__ import annotations

import asyncio
import functools
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from dragoman.audio.encode import encoder
from dragoman.audio.encoder import Encoder
from dragoman.audio.pcm import SAMPLE_BYTES, bytes_in
from dragoman.runtime.driver.driver import Emit
from dragoman.speech import Speak, Voiced

SLICE_MS = 300
_MOST_THREADS = 4


@functools.cache
def _threads() -> ThreadPoolExecutor:
    """The threads of this process; made when the first job needs them."""
    count = max(1, min(_MOST_THREADS, os.cpu_count() or 1))
    return ThreadPoolExecutor(count, thread_name_prefix="encode")


class Encoding:
    """One stream of speech in the task's format; what comes out is emitted as it comes."""

    def __init__(self, task: Speak, emit: Emit) -> None:
        self._task = task
        self._emit = emit
        self._slice = bytes_in(SLICE_MS, task.sample_rate)
        self._encoder: Encoder | None = None
        self._waiting = 0  # samples that went in and were not reported yet
        self._work: Future[bytes] | None = None

    async def feed(self, pcm: bytes) -> None:
        """Take a piece of speech: whole samples, never empty."""
        if self._task.format == "pcm":
            await self._emit(Voiced(pcm))
            return
        for at in range(0, len(pcm), self._slice):
            part = pcm[at : at + self._slice]
            data = await self._run(functools.partial(self._encode, part))
            self._waiting += len(part) // SAMPLE_BYTES
            await self._emit_encoded(data)

    async def finish(self) -> None:
        """Complete the stream with what the encoder still holds."""
        if self._encoder is not None:
            await self._emit_encoded(await self._run(self._encoder.finish))

    def close(self) -> None:
        """Free the encoder without waiting; a thread at work with it does that when it is done."""
        if self._work is None:
            self._free()
        else:
            self._work.add_done_callback(lambda _: self._free())

    def _free(self) -> None:
        made, self._encoder = self._encoder, None
        if made is not None:
            made.close()

    async def _emit_encoded(self, data: bytes) -> None:
        if data:
            samples, self._waiting = self._waiting, 0
            await self._emit(Voiced(data, samples=samples))

    def _encode(self, pcm: bytes) -> bytes:
        if self._encoder is None:  # here, because the first use of a codec imports it
            task = self._task
            self._encoder = encoder(task.format, task.sample_rate, task.bit_rate)
        return self._encoder.feed(pcm)

    async def _run(self, work: Callable[[], bytes]) -> bytes:
        if self._task.format == "wav":
            return work()
        self._work = _threads().submit(work)
        return await asyncio.wrap_future(self._work)
