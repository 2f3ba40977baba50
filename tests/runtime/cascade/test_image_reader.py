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
from dragoman.runtime.cascade.word_mailbox import WordMailbox
from dragoman.runtime.hosts.host import EngineFailed

OCR = Info(name="eyes", role="ocr", licence="-", quality="scripted")


class Eyes:
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
            raise EngineFailed("eyes: closed")
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


class Stack:
    def __init__(self) -> None:
        self.clock = Clock()
        self.reader: Eyes | None = Eyes(self.clock)
        self.counts: Counter[str] = Counter()

    def noted(self, name: str) -> None:
        self.counts[name] += 1

    def now_s(self) -> float:
        return self.clock.now


Test = Callable[[Stack, WordMailbox, Eyes], Awaitable[None]]


def watched(test: Test) -> None:
    async def main() -> None:
        stack, texts = Stack(), WordMailbox()
        eyes = stack.reader
        assert eyes is not None
        watching = ImageReader(stack, texts, stack.clock.sleep)
        task = asyncio.create_task(watching.run())
        try:
            await test(stack, texts, eyes)
        finally:
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled(), task.exception()

    asyncio.run(main())


def test_what_is_read_is_there_for_the_other_stages() -> None:
    async def test(stack: Stack, texts: WordMailbox, eyes: Eyes) -> None:
        texts.show(b"The Veltrano group")
        await stack.clock.until(101)
        assert texts.image == b"The Veltrano group"
        assert texts.onscreen() == ("The Veltrano group",)
        assert texts.terms() == ("Veltrano",)
        texts.show(b"nothing to see")
        await stack.clock.until(104)
        assert texts.terms() == ("Veltrano",), "still fresh"
        await stack.clock.until(104 + FRESH_S)
        assert texts.terms() == ()

    watched(test)


def test_at_most_one_reading_in_a_while_and_the_latest_picture_wins() -> None:
    async def test(stack: Stack, texts: WordMailbox, eyes: Eyes) -> None:
        for half_second in range(40):
            texts.show(f"{chr(65 + half_second)} picture".encode())
            await stack.clock.until(100.5 + half_second / 2)
        moments = [at for at, _ in eyes.read]
        assert 7 <= len(moments) <= 9
        assert all(b - a >= EVERY_S for a, b in pairwise(moments))
        for at, text in eyes.read:
            shown = int((at - 100.0) * 2)
            assert ord(text[0]) - 65 in {shown - 1, shown}, "an old picture was read"
        assert stack.counts["pictures_read"] == len(moments)
        assert stack.counts["pictures_skipped"] >= 40 - len(moments) - 1

    watched(test)


def test_a_slow_reader_is_asked_more_rarely_and_never_twice_at_once() -> None:
    async def test(stack: Stack, texts: WordMailbox, eyes: Eyes) -> None:
        eyes.takes_s = 2.0
        for second in range(40):
            texts.show(f"{chr(65 + second)} picture".encode())
            await stack.clock.until(101.0 + second)
        assert eyes.most_at_once == 1
        assert len(eyes.read) == 5  # every 8 s

    watched(test)


def test_what_looks_the_same_is_not_read_again_for_long() -> None:
    async def test(stack: Stack, texts: WordMailbox, eyes: Eyes) -> None:
        for second in range(int(AGAIN_S) - 3):
            texts.show(b"Slide of Veltrano" if second % 6 < 3 else b"Slide of Achterberg")
            await stack.clock.until(101.0 + second)
        assert [text for _, text in eyes.read] == ["Slide of Veltrano"]
        assert stack.counts["pictures_same"] > 5
        texts.show(b"Slide of Achterberg")
        await stack.clock.until(101 + AGAIN_S + EVERY_S)
        texts.show(b"Slide of Achterberg")
        await stack.clock.until(101 + AGAIN_S + 3 * EVERY_S)
        assert len(eyes.read) == 2, "looks may deceive: after a while it is read all the same"
        assert texts.terms()[0] in {"Veltrano", "Achterberg", "Slide"}

    watched(test)


def test_failures_are_counted_and_slow_it_down() -> None:
    async def test(stack: Stack, texts: WordMailbox, eyes: Eyes) -> None:
        eyes.broken = True
        for second in range(200):
            texts.show(f"{second} broken".encode())
            await stack.clock.until(101.0 + second)
        assert 4 <= stack.counts["pictures_failed"] <= 10
        assert texts.terms() == ()
        eyes.broken = False
        await stack.clock.until(stack.clock.now + 70)
        texts.show(b"the Veltrano group")
        await stack.clock.until(stack.clock.now + 70)
        assert texts.terms() == ("Veltrano",)

    watched(test)


@pytest.mark.parametrize("shown", [b"", b"picture"])
def test_without_a_reader_nothing_happens(shown: bytes) -> None:
    async def main() -> None:
        stack, texts = Stack(), WordMailbox()
        stack.reader = None
        watching = ImageReader(stack, texts)
        texts.show(shown)
        await asyncio.wait_for(watching.run(), 5)
        assert texts.image == shown
        assert texts.terms() == texts.onscreen() == ()

    asyncio.run(main())
