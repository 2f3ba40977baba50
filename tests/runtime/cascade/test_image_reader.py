"""Reading what is shown: throttled, the latest first, nothing twice, and never fatal."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import pairwise

import pytest

from dragoman.engines.base import Info, Line, Picture, Reading
from dragoman.policy.vision.onscreen import FRESH_S
from dragoman.runtime.cascade.image_reader import AGAIN_S, EVERY_S, ImageReader
from dragoman.runtime.hosts.host import EngineFailed
from dragoman.runtime.hosts.time_limit import CALL_S
from dragoman.runtime.observer import PictureHandled
from tests.runtime.cascade.fake_cascade import Events

OCR = Info(name="reader", role="ocr", licence="-", quality="scripted")


class PictureEngine:
    """A reader on a clock of its own: a picture is the text in it, and its first byte its looks."""

    info = OCR

    def __init__(self, clock: Clock) -> None:
        self.read: list[tuple[float, str]] = []
        self.at_once = 0
        self.most_at_once = 0
        self.broken = False
        self.takes_s = 0.0
        self._clock = clock

    async def call(self, picture: Picture) -> Reading:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await self._clock.sleep(self.takes_s)
        self.at_once -= 1
        if self.broken:
            raise EngineFailed("reader: closed")
        sketch = picture.data[:1]
        if sketch == picture.like:
            return Reading(sketch)
        text = picture.data.decode()
        self.read.append((self._clock.now, text))
        return Reading(sketch, (Line(text, 1.0, 0.1),))


class Clock:
    """Time passes only when ``until`` says so."""

    def __init__(self) -> None:
        self.now = 100.0
        self._waiting: list[tuple[float, asyncio.Future[None]]] = []

    async def sleep(self, delay_s: float) -> None:
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((self.now + max(0.0, delay_s), future))
        await future

    async def until(self, then: float) -> None:
        while True:
            for _ in range(10):  # let everybody run who can
                await asyncio.sleep(0)
            due = min(
                (w for w in self._waiting if not w[1].done()), default=None, key=lambda w: w[0]
            )
            if due is None or due[0] > then:
                break
            self.now = max(self.now, due[0])
            self._waiting.remove(due)
            due[1].set_result(None)
        self.now = then


class Scene:
    """A reader, a clock, and what the observer was told."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.engine = PictureEngine(self.clock)
        self.events = Events()
        self.images = ImageReader(
            self.engine, self.events, lambda: self.clock.now, self.clock.sleep
        )

    @property
    def counts(self) -> Counter[str]:
        return Counter(event.outcome for event in self.events.of(PictureHandled))


Test = Callable[[Scene], Awaitable[None]]


def play(test: Test) -> None:
    async def main() -> None:
        scene = Scene()
        task = asyncio.create_task(scene.images.run())
        try:
            await test(scene)
        finally:
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled(), task.exception()

    asyncio.run(main())


def test_other_stages_get_what_was_read() -> None:
    async def test(scene: Scene) -> None:
        scene.images.show(b"The Veltrano group")
        await scene.clock.until(101)
        assert scene.images.image == b"The Veltrano group"
        assert scene.images.lines() == ("The Veltrano group",)
        assert scene.images.terms() == ("Veltrano",)
        scene.images.show(b"nothing to see")
        await scene.clock.until(104)
        assert scene.images.terms() == ("Veltrano",), "still fresh"
        await scene.clock.until(104 + FRESH_S)
        assert scene.images.terms() == ()

    play(test)


def test_readings_are_throttled_and_the_latest_picture_wins() -> None:
    async def test(scene: Scene) -> None:
        for half_second in range(40):
            scene.images.show(f"{chr(65 + half_second)} picture".encode())
            await scene.clock.until(100.5 + half_second / 2)
        moments = [at for at, _ in scene.engine.read]
        assert 7 <= len(moments) <= 9
        assert all(b - a >= EVERY_S for a, b in pairwise(moments))
        for at, text in scene.engine.read:
            shown = int((at - 100.0) * 2)
            assert ord(text[0]) - 65 in {shown - 1, shown}, "an old picture was read"
        assert scene.counts["read"] == len(moments)
        assert scene.counts["skipped"] >= 40 - len(moments) - 1

    play(test)


def test_a_slow_engine_is_asked_more_rarely_and_never_twice_at_once() -> None:
    async def test(scene: Scene) -> None:
        scene.engine.takes_s = 2.0
        for second in range(40):
            scene.images.show(f"{chr(65 + second)} picture".encode())
            await scene.clock.until(101.0 + second)
        assert scene.engine.most_at_once == 1
        assert len(scene.engine.read) == 5  # every 8 s

    play(test)


def test_what_looks_the_same_is_not_read_again_for_long() -> None:
    async def test(scene: Scene) -> None:
        for second in range(int(AGAIN_S) - 3):
            scene.images.show(b"Slide of Veltrano" if second % 6 < 3 else b"Slide of Achterberg")
            await scene.clock.until(101.0 + second)
        assert [text for _, text in scene.engine.read] == ["Slide of Veltrano"]
        assert scene.counts["same"] > 5
        scene.images.show(b"Slide of Achterberg")
        await scene.clock.until(101 + AGAIN_S + EVERY_S)
        scene.images.show(b"Slide of Achterberg")
        await scene.clock.until(101 + AGAIN_S + 3 * EVERY_S)
        assert len(scene.engine.read) == 2, "read again after a while, whatever it looks like"
        assert scene.images.terms()[0] in {"Veltrano", "Achterberg", "Slide"}

    play(test)


def test_failures_are_reported_and_make_readings_rarer() -> None:
    async def test(scene: Scene) -> None:
        scene.engine.broken = True
        for second in range(200):
            scene.images.show(f"{second} broken".encode())
            await scene.clock.until(101.0 + second)
        assert 4 <= scene.counts["failed"] <= 10
        assert scene.images.terms() == ()
        scene.engine.broken = False
        await scene.clock.until(scene.clock.now + 70)
        scene.images.show(b"the Veltrano group")
        await scene.clock.until(scene.clock.now + 70)
        assert scene.images.terms() == ("Veltrano",)

    play(test)


class SharedEngine(PictureEngine):
    """Reads one picture at a time, in the order in which they come, as a worker does. Those that
    begin with "slow" reach the limit of time.
    """

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.slow = 0
        self.answered_s: list[float] = []
        self._one = asyncio.Lock()

    async def call(self, picture: Picture) -> Reading:
        asked_s = self._clock.now
        async with self._one:
            if picture.data.startswith(b"slow"):
                self.slow += 1
                await self._clock.sleep(CALL_S[Picture])
                raise EngineFailed("reader: overran the time limit")
            reading = await super().call(picture)
            self.answered_s.append(self._clock.now - asked_s)
            return reading


def test_a_session_of_slow_pictures_delays_others_by_one_of_them() -> None:
    async def main() -> None:
        clock = Clock()
        engine = SharedEngine(clock)
        readers = [ImageReader(engine, Events(), lambda: clock.now, clock.sleep) for _ in range(2)]
        tasks = [asyncio.create_task(reader.run()) for reader in readers]
        for half_second in range(400):
            readers[0].show(f"slow {half_second}".encode())
            readers[1].show(f"{chr(65 + half_second % 60)} picture".encode())
            await clock.until(100.5 + half_second / 2)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        assert max(engine.answered_s) <= CALL_S[Picture]
        assert len(engine.answered_s) >= 60, "every 2.5 s, nearly as if nobody else was there"
        assert 2 <= engine.slow <= 8, "and the slow ones at ever longer intervals"

    asyncio.run(main())


@pytest.mark.parametrize("shown", [b"", b"picture"])
def test_without_an_engine_only_the_latest_picture_is_kept(shown: bytes) -> None:
    async def main() -> None:
        images = ImageReader(None, Events(), lambda: 0.0)
        images.show(shown)
        await asyncio.wait_for(images.run(), 5)
        assert images.image == shown
        assert images.terms() == images.lines() == ()

    asyncio.run(main())
