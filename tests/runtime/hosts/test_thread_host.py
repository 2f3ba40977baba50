"""Engines on threads: order, batches, bounds, slow listeners, and shutdown."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import aclosing, asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from dragoman.engines.base import EngineUnavailable, Translation, Utterance, Window
from dragoman.runtime.hosts import thread_host
from dragoman.runtime.hosts.host import EngineFailed
from dragoman.runtime.hosts.job_queue import Batching
from dragoman.runtime.hosts.requests import StartRecognition, WarmDirection
from dragoman.runtime.hosts.thread_host import ThreadHost
from dragoman.runtime.observer import EngineTimed, Event, current_turn, session_observer
from dragoman.speech import Hints, Hypothesis, joined_text
from tests.runtime.hosts import tiny_engines as tiny

pytestmark = pytest.mark.anyio


def say(text: str) -> Utterance:
    return Utterance(text, "", "en")


@asynccontextmanager
async def hosted(engine: Any, **options: Any) -> AsyncIterator[ThreadHost]:
    host = ThreadHost(engine, **{"threads": 1, **options})
    await host.start()
    try:
        yield host
    finally:
        await host.close()


async def failed(work: Coroutine[Any, Any, Any]) -> str:
    with pytest.raises(EngineFailed) as caught:
        await work
    return str(caught.value)


async def spoken(host: ThreadHost, text: str, rate_hz: int = tiny.RATE_HZ) -> bytes:
    return b"".join([piece async for piece in host.speak(say(text), rate_hz)])


async def until(true: Callable[[], bool]) -> None:
    while not true():
        await asyncio.sleep(0.001)


async def test_speech_arrives_whole_and_at_the_asked_rate() -> None:
    async with hosted(tiny.Speaker(), threads=2) as host:
        texts = ["abc", "Zażółć", "", "x" * 30]
        assert await asyncio.gather(*(spoken(host, t) for t in texts)) == [
            tiny.pcm_of(t) for t in texts
        ]
        assert len(await spoken(host, "abc", 24_000)) == 3 * 2 * 2_400


async def test_windows_that_wait_share_a_call_in_order() -> None:
    engine = tiny.Listener()
    async with hosted(engine) as host:
        engine.gate.clear()
        calls = [asyncio.create_task(host.call(Window(b"")))]
        await until(lambda: engine.entered.acquire(blocking=False))
        calls += [asyncio.create_task(host.call(Window(bytes(4 * n)))) for n in range(1, 6)]
        await until(lambda: host.waiting == 5)
        engine.gate.set()
        answers = await asyncio.gather(*calls)
        assert [a.words[0].text for a in answers if isinstance(a, Hypothesis)] == [
            str(4 * n) for n in range(6)
        ]
        assert engine.batches == [1, 4, 1]
        assert host.waiting == 0


async def test_who_asked_is_told_how_long_it_waited_and_how_long_it_took() -> None:
    told: list[Event] = []
    engine = tiny.Listener()
    observer = SimpleNamespace(on=told.append)
    async with hosted(engine) as host:
        engine.gate.clear()
        calls = [asyncio.create_task(host.call(Window(b"")))]
        await until(lambda: engine.entered.acquire(blocking=False))
        token = session_observer.set(observer)
        current_turn.set(3)
        calls += [asyncio.create_task(host.call(Window(bytes(4 * n)))) for n in (1, 2)]
        session_observer.reset(token)
        await until(lambda: host.waiting == 2)
        waited_from_s = time.monotonic()
        engine.gate.set()
        await asyncio.gather(*calls)
        waited_s = time.monotonic() - waited_from_s
    assert [(t.engine, t.role, t.turn, t.batch) for t in told if isinstance(t, EngineTimed)] == [
        (host.info.name, "asr", 3, 2)
    ] * 2
    assert all(t.took_s <= waited_s for t in told if isinstance(t, EngineTimed))
    assert all(t.queued_s > 0 for t in told if isinstance(t, EngineTimed))


async def test_speech_is_timed_until_its_first_sound() -> None:
    told: list[Event] = []
    session_observer.set(SimpleNamespace(on=told.append))
    async with hosted(tiny.Speaker()) as host:
        await spoken(host, "abc")
        assert await spoken(host, "") == b""  # no sound: nothing to tell
    (timed,) = told
    assert isinstance(timed, EngineTimed)
    assert (timed.role, timed.turn, timed.batch) == ("tts", 0, 1)


async def test_an_incomplete_batch_waits_while_the_engine_is_busy_and_no_longer() -> None:
    engine = tiny.Listener()
    batching = Batching(max_batch=3, max_wait_s=60.0, kinds=frozenset({Window}))
    async with hosted(engine, threads=2, batching=batching) as host, asyncio.timeout(20):
        engine.gate.clear()
        calls = [asyncio.create_task(host.call(Window(b"")))]
        await until(lambda: engine.entered.acquire(blocking=False))
        calls += [asyncio.create_task(host.call(Window(b""))) for _ in range(3)]
        await until(lambda: engine.entered.acquire(blocking=False))  # three are a batch
        calls.append(asyncio.create_task(host.call(Window(b""))))
        await until(lambda: host.waiting == 1)
        engine.gate.set()
        await asyncio.gather(*calls)
        assert sorted(engine.batches) == [1, 1, 3]


async def test_a_bad_window_fails_alone_in_its_batch() -> None:
    engine = tiny.Listener()
    async with hosted(engine) as host:
        engine.gate.clear()
        first = asyncio.create_task(host.call(Window(b"")))
        await until(lambda: engine.entered.acquire(blocking=False))
        languages = ("en", "raise", "es")
        calls = [asyncio.create_task(host.call(Window(b"", language))) for language in languages]
        await until(lambda: host.waiting == 3)
        engine.gate.set()
        results = await asyncio.gather(first, *calls, return_exceptions=True)
        assert [isinstance(r, Hypothesis) for r in results] == [True, True, False, True]
        assert isinstance(results[2], EngineFailed)


async def test_a_caller_that_leaves_is_not_worked_for() -> None:
    engine = tiny.Listener()
    async with hosted(engine) as host:
        engine.gate.clear()
        first = asyncio.create_task(host.call(Window(b"")))
        await until(lambda: engine.entered.acquire(blocking=False))
        gone = asyncio.create_task(host.call(Window(b"")))
        await until(lambda: host.waiting == 1)
        gone.cancel()
        await asyncio.wait([gone])
        engine.gate.set()
        await first
        assert joined_text(list((await host.call(Window(b""))).words)) == "0 1"
        assert engine.batches == [1, 1]


async def test_calls_are_answered_and_failures_wrapped() -> None:
    async with hosted(tiny.UpperCase()) as host:
        assert await host.call(WarmDirection("es", "en")) is None
        assert await host.call(Translation("hola", "es", "en")) == "HOLA"
        assert "as asked" in await failed(host.call(Translation("!raise", "es", "en")))
        assert "takes no Window" in await failed(host.call(Window(b"")))


async def test_unavailable_engines_say_so() -> None:
    host = ThreadHost(tiny.Missing(), threads=1)
    with pytest.raises(EngineUnavailable, match="tiny thing"):
        await host.start()
    assert "not open" in await failed(host.call(Window(b"")))


async def test_an_engine_that_raises_fails_only_that_segment() -> None:
    async with hosted(tiny.Speaker()) as host:
        assert "as asked" in await failed(spoken(host, "!raise"))
        assert await spoken(host, "ok") == tiny.pcm_of("ok")


class Quits(tiny.Listener):
    """An engine whose library ends the program, or raises what a future cannot take."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error

    def transcribe(self, windows: Any) -> Any:
        raise self.error

    def start(self, language: str | None, hints: Hints) -> Any:
        raise self.error


class QuitsLoading(tiny.Speaker):
    def load(self) -> None:
        raise SystemExit(3)


class QuitsSpeaking(tiny.Speaker):
    def synthesize(self, utterance: Utterance) -> Any:
        raise SystemExit(3)


async def test_whatever_an_engine_raises_while_loading_fails_the_start() -> None:
    with pytest.raises(EngineFailed, match="SystemExit"):
        await ThreadHost(QuitsLoading(), threads=1).start()


@pytest.mark.parametrize("error", [SystemExit(3), StopIteration(), asyncio.CancelledError()])
async def test_whatever_an_engine_raises_fails_its_call_and_not_its_thread(
    error: BaseException,
) -> None:
    engine = Quits(error)
    async with asyncio.timeout(10), hosted(engine) as host:
        for _ in range(2):  # there is one thread: it must have survived the first time
            assert type(error).__name__ in await failed(host.open(StartRecognition()))
            assert type(error).__name__ in await failed(host.call(Window(b"")))
    async with asyncio.timeout(10), hosted(QuitsSpeaking()) as host:
        for _ in range(2):
            assert "SystemExit" in await failed(spoken(host, "a"))


async def test_a_slow_listener_stops_the_engine_but_holds_no_thread() -> None:
    engine = tiny.Speaker()
    async with hosted(engine, window_ms=500) as host:
        async with aclosing(host.speak(say("x" * 1000), tiny.RATE_HZ)) as pieces:
            await anext(pieces)
            # 100 ms each: at most 9 that the listener took at once, the window of 5, and one piece
            # of up to 10 that was begun before it was full
            await until(lambda: engine.made >= 6)
            assert await spoken(host, "next") == tiny.pcm_of("next"), "the thread is free"
            assert engine.made <= 24 + len("next")
            engine.stopped.clear()
        await until(engine.stopped.is_set)


async def test_many_slow_listeners_hold_no_thread_and_miss_nothing() -> None:
    async with hosted(tiny.Speaker(), window_ms=300) as host, asyncio.timeout(20):
        texts = [chr(ord("a") + number) * 30 for number in range(12)]
        slow = [host.speak(say(text), tiny.RATE_HZ) for text in texts]
        heard = [await anext(pieces) for pieces in slow]
        assert await spoken(host, "quick") == tiny.pcm_of("quick")
        async for number in in_turns(slow, heard):
            assert heard[number] == tiny.pcm_of(texts[number])


async def in_turns(
    slow: list[AsyncGenerator[bytes, None]], heard: list[bytes]
) -> AsyncIterator[int]:
    """Take one piece of each in turn, to their ends; the number of each that ended."""
    open_ones = dict(enumerate(slow))
    while open_ones:
        for number, pieces in list(open_ones.items()):
            pcm = await anext(pieces, None)
            if pcm is None:
                del open_ones[number]
                yield number
            else:
                heard[number] += pcm


async def test_closing_ends_what_is_open() -> None:
    engine = tiny.Speaker()
    host = ThreadHost(engine, threads=1, window_ms=100)
    await host.start()
    pieces = host.speak(say("x" * 1000), tiny.RATE_HZ)
    await anext(pieces)
    behind = asyncio.create_task(host.call(Window(b"")))
    await asyncio.sleep(0)
    await host.close()
    await host.close()
    assert "closed" in await failed(behind)
    with pytest.raises(EngineFailed, match="closed"):
        async for _ in pieces:
            pass
    assert engine.stopped.is_set()


async def test_the_queue_has_a_bound() -> None:
    engine = tiny.Listener()
    async with hosted(engine, most_waiting=2) as host:
        engine.gate.clear()
        calls = [asyncio.create_task(host.call(Window(b"")))]
        await until(lambda: engine.entered.acquire(blocking=False))
        calls += [asyncio.create_task(host.call(Window(b""))) for _ in range(2)]
        await until(lambda: host.waiting == 2)
        assert "too many" in await failed(host.call(Window(b"")))
        engine.gate.set()
        await asyncio.gather(*calls)


def test_a_closed_loop_does_not_keep_the_thread() -> None:
    engine = tiny.Speaker()

    async def begin() -> None:
        host = ThreadHost(engine, threads=1, window_ms=100)
        await host.start()
        await anext(host.speak(say("x" * 1000), tiny.RATE_HZ))

    asyncio.run(begin())
    assert engine.stopped.wait(20)
    assert engine.made < 10


# ---------------------------------------------------------------- engines that hang
async def test_speech_that_does_not_begin_fails_and_its_thread_is_no_worker_meanwhile() -> None:
    engine = tiny.Late()
    async with hosted(engine, threads=2) as host, asyncio.timeout(20):
        assert host.vitals.workers == 2
        assert "no sound in 0.2 s" in await failed(spoken(host, "late"))
        assert host.vitals.workers == 1
        assert await spoken(host, "fine") == tiny.pcm_of("fine")
        engine.gate.set()
        await until(lambda: host.vitals.workers == 2)


async def test_a_call_that_does_not_return_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thread_host, "OTHER_CALL_S", 0.2)
    monkeypatch.setattr(ThreadHost, "_WATCH_S", 0.05)
    engine = tiny.Listener()
    async with hosted(engine) as host, asyncio.timeout(20):
        engine.gate.clear()
        assert "no answer" in await failed(host.call(Window(b"")))
        assert host.vitals.workers == 0
        engine.gate.set()
        await until(lambda: host.vitals.workers == 1)
        assert isinstance(await host.call(Window(b"")), Hypothesis)


async def test_what_waits_fails_while_every_thread_is_stuck() -> None:
    engine = tiny.Late()
    async with hosted(engine) as host, asyncio.timeout(20):
        waiting = [asyncio.create_task(failed(spoken(host, text))) for text in ("late", "fine")]
        hung, queued = await asyncio.gather(*waiting)
        assert "no sound" in hung
        assert "every thread" in queued
        assert "every thread" in await failed(spoken(host, "fine"))
        engine.gate.set()
        await until(lambda: host.vitals.workers == 1)
        assert await spoken(host, "fine") == tiny.pcm_of("fine")
