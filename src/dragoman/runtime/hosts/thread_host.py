"""Engines in threads of the server process, for those that release the GIL while they work.

Law of this file: a fixed number of threads takes work first in, first out; results come back to
the loop with ``call_soon_threadsafe``. The threads are daemons: an engine that never returns must
not keep the server from ending; and whatever one raises, ``SystemExit`` included, fails its call
and neither a thread nor the loop. Windows that wait while all threads are busy are put together
into one engine call, up to ``Info.max_batch``. A speaking thread waits when its listener is a
window behind, and stops when the listener goes.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import queue
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable
from typing import Any, TypeVar

from dragoman.audio.pcm import bytes_in
from dragoman.engines.base import (
    Engine,
    EngineUnavailable,
    Synthesizer,
    Unspeakable,
    Utterance,
    Window,
)
from dragoman.runtime.hosts.audio_limit import limit_audio
from dragoman.runtime.hosts.batch_calls import Answer, CallOutcome, Request, answer_batch
from dragoman.runtime.hosts.host import EngineFailed
from dragoman.runtime.hosts.pcm_stream import PcmStream
from dragoman.runtime.hosts.synthesize_segment import synthesize_segment

T = TypeVar("T")
_Work = Callable[[], None]


class _Threads:
    """Threads with one line of work. Half the cost per call of the standard pool, and daemons."""

    def __init__(self, count: int, name: str) -> None:
        self._work: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._run, name=f"{name}-{index}", daemon=True)
            for index in range(count)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, work: _Work) -> None:
        """Have it done; ``work`` must not raise."""
        self._work.put(work)

    def waiting(self) -> int:
        """How much work no thread has taken yet."""
        return self._work.qsize()

    def stop(self) -> None:
        """Let each thread end after what was submitted before."""
        for _ in self._threads:
            self._work.put(None)

    def join(self, limit_s: float) -> None:
        """Wait for the threads, each at most that long."""
        for thread in self._threads:
            thread.join(limit_s)

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()
            del work  # what it holds must not live until the next one comes


class _HandOver:
    """Speech from a producing thread to the loop, at most ``window`` bytes ahead."""

    def __init__(self, loop: asyncio.AbstractEventLoop, window: int) -> None:
        self.stream = PcmStream()
        self._loop = loop
        self._window = window
        self._changed = threading.Condition()
        self._ahead = 0
        self._left = False

    def put(self, pcm: bytes) -> bool:
        """In the thread: hand over, waiting for room. False: nobody listens any more."""
        with self._changed:
            self._changed.wait_for(lambda: self._left or self._ahead < self._window)
            if self._left:
                return False
            self._ahead += len(pcm)
        return self._tell(self.stream.push, pcm)

    def end(self, failure: str | None, refusal: str | None = None) -> None:
        """In the thread: nothing more comes."""
        self._tell(self.stream.end, failure, refusal)

    def _tell(self, function: Callable[..., None], *arguments: Any) -> bool:
        try:
            self._loop.call_soon_threadsafe(function, *arguments)
        except RuntimeError:  # the loop is closed: so nobody listens
            return False
        return True

    def taken(self, size: int) -> None:
        """In the loop: the listener has taken that many bytes."""
        with self._changed:
            self._ahead -= size
            self._changed.notify_all()

    def leave(self) -> None:
        """In the loop: nobody listens any more."""
        with self._changed:
            self._left = True
            self._changed.notify_all()


class ThreadHost:
    """An ``EngineHost`` on threads. ``threads`` is how many calls run at the same time."""

    _CLOSE_S = 2.0

    def __init__(
        self,
        engine: Engine,
        *,
        threads: int,
        most_waiting: int = 4096,
        window_ms: int = 10_000,
    ) -> None:
        self.info = engine.info
        self._engine = engine
        self._count = max(1, threads)
        self._most_waiting = most_waiting
        self._window_ms = window_ms
        self._threads: _Threads | None = None
        self._calls: deque[tuple[Request, asyncio.Future[CallOutcome]]] = deque()
        self._batches = 0  # handed to threads and not yet back
        self._open: set[asyncio.Future[Any]] = set()
        self._speaking: set[_HandOver] = set()

    @property
    def waiting(self) -> int:
        """Calls queued and not begun."""
        return len(self._calls) + (self._threads.waiting() if self._threads else 0)

    async def start(self) -> None:
        """Start the threads and load the engine in one. Raises ``EngineUnavailable``."""
        if self._threads is None:
            self._threads = _Threads(self._count, self.info.name)
        try:
            await self._do(self._engine.load)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """As in the Protocol; waits briefly for calls that are inside the engine."""
        threads, self._threads = self._threads, None
        if threads is None:
            return
        for hand_over in list(self._speaking):
            hand_over.leave()
            hand_over.stream.end("the engine's host was closed")
        for future in list(self._open):
            if not future.done():
                future.set_exception(EngineFailed("the engine's host was closed"))
        self._calls.clear()
        threads.submit(self._close_engine)
        threads.stop()
        await asyncio.to_thread(threads.join, self._CLOSE_S)

    def _close_engine(self) -> None:
        with contextlib.suppress(Exception):
            self._engine.close()

    # ------------------------------------------------------------ one blocking call
    async def run(self, function: Callable[..., T], *args: Any) -> T:
        """As in the Protocol."""
        try:
            return await self._do(function, *args)
        except (EngineFailed, EngineUnavailable):
            raise
        except Exception as error:
            raise EngineFailed(f"{self.info.name}: {error!r}") from error

    async def _do(self, function: Callable[..., T], *args: Any) -> T:
        threads = self._admit()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def work() -> None:
            if future.cancelled():  # its caller left while it waited
                return
            try:
                result = function(*args)
            except Exception as error:  # noqa: BLE001 - raised again where the caller waits
                # A future takes no StopIteration.
                strange = isinstance(error, StopIteration)
                _settle(loop, future, None, EngineFailed(repr(error)) if strange else error)
            except BaseException as error:  # noqa: BLE001 - would end the loop that it is raised in
                _settle(loop, future, None, EngineFailed(repr(error)))
            else:
                _settle(loop, future, result, None)

        threads.submit(work)
        return await self._answer(future)

    def _admit(self) -> _Threads:
        if self._threads is None:
            raise EngineFailed(f"the host of {self.info.name} is not open")
        if self.waiting >= self._most_waiting:
            raise EngineFailed(f"too many calls wait for {self.info.name}")
        return self._threads

    async def _answer(self, future: asyncio.Future[T]) -> T:
        self._open.add(future)
        try:
            return await future
        finally:
            self._open.discard(future)

    # ------------------------------------------------------------ stateless calls, in batches
    async def call(self, request: Request) -> Answer:
        """As in the Protocol."""
        self._admit()
        future: asyncio.Future[CallOutcome] = asyncio.get_running_loop().create_future()
        self._calls.append((request, future))
        self._dispatch()
        outcome = await self._answer(future)
        answer = outcome.answer
        if answer is None:
            raise EngineFailed(f"{self.info.name}: {outcome.failure}")
        return answer

    def _dispatch(self) -> None:
        while self._calls and self._batches < self._count and self._threads is not None:
            batch = next_batch(self._calls, self.info.max_batch)
            if batch:
                self._batches += 1
                loop = asyncio.get_running_loop()
                self._threads.submit(functools.partial(self._work_on, loop, batch))

    def _work_on(
        self,
        loop: asyncio.AbstractEventLoop,
        batch: list[tuple[Request, asyncio.Future[CallOutcome]]],
    ) -> None:
        try:
            outcomes = answer_batch(self._engine, [request for request, _ in batch])
        except BaseException as error:  # noqa: BLE001 - see the head of this file
            outcomes = [CallOutcome(failure=repr(error)) for _ in batch]
        futures = [future for _, future in batch]
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
            loop.call_soon_threadsafe(self._answered, futures, outcomes)

    def _answered(
        self, futures: list[asyncio.Future[CallOutcome]], outcomes: list[CallOutcome]
    ) -> None:
        self._batches -= 1
        for future, outcome in zip(futures, outcomes, strict=True):
            if not future.done():
                future.set_result(outcome)
        self._dispatch()

    # ------------------------------------------------------------ speech
    async def speak(
        self,
        utterance: Utterance,
        rate_hz: int,
        *,
        slack_s: float = 0.0,  # first come, first served
    ) -> AsyncGenerator[bytes, None]:
        """As in the Protocol."""
        threads = self._admit()
        engine = self._engine
        if not isinstance(engine, Synthesizer):
            raise EngineFailed(f"{self.info.name} ({self.info.role}) does not speak")
        window = bytes_in(self._window_ms, rate_hz)
        hand_over = _HandOver(asyncio.get_running_loop(), window)
        self._speaking.add(hand_over)
        threads.submit(lambda: _produce(engine, utterance, rate_hz, hand_over))
        try:
            while (pcm := await hand_over.stream.next()) is not None:
                hand_over.taken(len(pcm))
                yield pcm
        finally:
            hand_over.leave()
            self._speaking.discard(hand_over)


def next_batch(
    calls: deque[tuple[Request, asyncio.Future[CallOutcome]]], most: int
) -> list[tuple[Request, asyncio.Future[CallOutcome]]]:
    """Take the oldest call and, for windows, those right behind it; leaves out cancelled ones."""
    batch: list[tuple[Request, asyncio.Future[CallOutcome]]] = []
    while calls and len(batch) < max(1, most):
        request, future = calls[0]
        if batch and not (isinstance(request, Window) and isinstance(batch[0][0], Window)):
            break
        calls.popleft()
        if not future.done():
            batch.append((request, future))
    return batch


def _settle(
    loop: asyncio.AbstractEventLoop,
    future: asyncio.Future[T],
    result: T | None,
    error: BaseException | None,
) -> None:
    def settle() -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]  # None only where T allows it

    with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
        loop.call_soon_threadsafe(settle)


def _produce(engine: Synthesizer, utterance: Utterance, rate_hz: int, out: _HandOver) -> None:
    """In a thread: speak one segment into ``out``."""
    failure, refusal = None, None
    try:
        with contextlib.closing(synthesize_segment(engine, utterance, rate_hz)) as pieces:
            for pcm in limit_audio(pieces, engine.info.caps, rate_hz):
                if not out.put(pcm):
                    break
    except Unspeakable as error:
        refusal = str(error)
    except BaseException as error:  # noqa: BLE001 - an engine may raise anything; it fails its call
        failure = f"{engine.info.name}: {error!r}"
    out.end(failure, refusal)
