"""The second stage alone: a mailbox of words in, committed text and stash out."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable

import msgspec
import pytest

from dragoman.engines.base import Info, Translation
from dragoman.runtime.cascade.translation.stage import TranslationStage
from dragoman.runtime.cascade.word_mailbox import WordMailbox
from dragoman.runtime.hosts import call_costs
from dragoman.runtime.hosts.host import EngineFailed
from dragoman.speech import Interpret, InterpretationOptions, Result, Translated, Word

INFO = Info(name="any", role="mt", licence="-", quality="scripted")
TASK = Interpret(target="es", source="en")


class Host:
    """A translator that answers when it is let go, and never does two things at once."""

    def __init__(self) -> None:
        self.info = INFO
        self.requests: list[Translation] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.fails = False
        self._busy = False

    async def call(self, request: Translation) -> str:
        assert not self._busy
        self._busy = True
        self.requests.append(request)
        await self.gate.wait()
        self._busy = False
        if self.fails:
            raise EngineFailed("as told")
        return " ".join(f"{word}'" for word in request.text.split())


class Bench:
    """Translating with everything around it faked; ``clock_s`` is moved by the test."""

    only_heard = "en"

    def __init__(self) -> None:
        self.clock_s = 100.0
        self.behind = False
        self.host = Host()
        self.texts = WordMailbox()
        self.facts: list[Result] = []
        self.voiced: list[tuple[int, str, bool]] = []
        self.closed: list[tuple[int, bool]] = []
        self.noticed: list[str] = []
        self._job = asyncio.create_task(TranslationStage(self, self.emit, self.texts, self).run())

    # the stack
    def translator(self, source: str, target: str) -> Host:
        return self.host

    def now_s(self) -> float:
        return self.clock_s

    def noted(self, name: str) -> None:
        self.noticed.append(name)

    # the client
    async def emit(self, fact: Result) -> None:
        self.facts.append(fact)

    # the voice
    async def say(
        self, turn: int, settings: Interpret, text: str, *, ends: bool = False, closes: bool = False
    ) -> None:
        assert ends or not closes
        self.voiced.append((turn, text, ends))

    def wants_terse(self, settings: Interpret) -> bool:
        return self.behind

    async def close(self, turn: int, *, failed: bool) -> None:
        self.closed.append((turn, failed))

    async def end(self) -> None: ...

    # the listener
    async def hear(self, text: str, *, turn: int = 1, tail: str = "", **marks: bool) -> None:
        words, rest = ([Word(word) for word in part.split()] for part in (text, tail))
        self.texts.put(turn, words, rest, "en", **marks)
        self.clock_s += 1
        await self.settle()

    async def settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)

    async def finish(self) -> list[Translated]:
        self.texts.end()
        await asyncio.wait_for(self._job, 5)
        return [fact for fact in self.facts if isinstance(fact, Translated)]

    @property
    def shown(self) -> tuple[str, str]:
        last = self.facts[-1]
        assert isinstance(last, Translated)
        return last.text, last.stash


def play(scene: Callable[[Bench], Awaitable[None]]) -> None:
    async def main() -> None:
        await scene(Bench())

    asyncio.run(main())


def conduct(policy: str) -> Interpret:
    return Interpret(target="es", source="en", conduct=InterpretationOptions(policy=policy))


def test_one_call_at_a_time_and_the_newest_words_win() -> None:
    async def scene(bench: Bench) -> None:
        await bench.texts.open(1, conduct("units"))
        bench.host.gate.clear()
        await bench.hear("the")
        for text in ("the old", "the old man", "the old man and", "the old man and the sea."):
            await bench.hear(text)
        assert [r.text for r in bench.host.requests] == ["the"]
        bench.host.gate.set()
        await bench.hear("the old man and the sea.", final=True)
        shown = await bench.finish()
        assert [r.text for r in bench.host.requests] == ["the", "the old man and the sea."]
        assert all(fact.stash == "" for fact in shown)  # the draft was stale when it came
        assert shown[-1] == Translated(1, "the' old' man' and' the' sea.'", "", final=True)

    play(scene)


def test_the_stash_is_not_emptied_while_words_are_pending() -> None:
    async def scene(bench: Bench) -> None:
        await bench.texts.open(1, conduct("units"))
        await bench.hear("when the rain stopped they")
        await bench.hear("when the rain stopped, they went", tail="home")
        await bench.hear("when the rain stopped, they went home and", tail="slept")
        for fact in bench.facts:
            assert isinstance(fact, Translated)
            assert fact.stash or fact.text.endswith("stopped,'")
        assert bench.shown == ("when' the' rain' stopped,'", " they' went' home'")
        await bench.hear("when the rain stopped, they went home and slept", final=True)
        await bench.finish()

    play(scene)


def test_agree_says_words_as_they_agree_and_marks_where_clauses_end() -> None:
    async def scene(bench: Bench) -> None:
        await bench.texts.open(1, conduct("agree"))
        await bench.hear("the old")
        await bench.hear("the old man")
        await bench.hear("the old man and")
        await bench.hear("the old man and the sea.", final=True)
        shown = await bench.finish()
        assert bench.voiced == [
            (1, "the'", False), (1, " old'", False), (1, " man' and' the' sea.'", True),
        ]  # fmt: skip
        texts = [fact.text for fact in shown]
        assert all(later.startswith(earlier) for earlier, later in itertools.pairwise(texts))

    play(scene)


def test_drafts_come_again_by_themselves_when_the_interval_is_over() -> None:
    async def scene(bench: Bench) -> None:
        await bench.texts.open(1, conduct("units"))
        await bench.hear("the")
        bench.clock_s += 0.25  # so soon that the next draft has to wait
        bench.texts.put(1, [Word("the"), Word("old")], (), "en")
        await bench.settle()
        assert len(bench.host.requests) == 1
        bench.clock_s += 1.0
        for _ in range(300):
            await asyncio.sleep(0.01)  # the interval runs on the loop's clock, too
            if len(bench.host.requests) > 1:
                break
        assert [r.text for r in bench.host.requests] == ["the", "the old"]
        await bench.hear("the old", final=True)
        await bench.finish()

    play(scene)


def test_a_turn_keeps_the_settings_it_was_opened_with() -> None:
    async def scene(bench: Bench) -> None:
        await bench.texts.open(1, TASK)
        await bench.hear("one two")
        await bench.texts.open(2, Interpret(target="ca", source="en"))
        await bench.hear("one two three.", final=True)
        await bench.hear("four.", turn=2, final=True)
        await bench.finish()
        assert {(r.text, r.target) for r in bench.host.requests} == {
            ("one two", "es"), ("one two three.", "es"), ("four.", "ca"),
        }  # fmt: skip
        assert bench.host.requests[-1].before == ()  # pairs of another direction are no context

    play(scene)


def test_closed_sentences_are_context() -> None:
    async def scene(bench: Bench) -> None:
        await bench.texts.open(1, TASK)
        await bench.hear("One. Two. Three. Four", final=True)
        await bench.finish()
        assert bench.host.requests[-1].before == (("Two.", "Two.'"), ("Three.", "Three.'"))

    play(scene)


@pytest.mark.parametrize("shortens", [True, False])
def test_only_who_can_be_terse_is_asked_to_be(shortens: bool) -> None:
    async def scene(bench: Bench) -> None:
        bench.host.info = msgspec.structs.replace(INFO, shortens=shortens)
        bench.behind = True
        await bench.texts.open(1, TASK)
        await bench.hear("One.", final=True)
        await bench.finish()
        assert [r.terse for r in bench.host.requests] == [shortens]

    play(scene)


def test_a_call_that_fails_fails_its_turn_only() -> None:
    async def scene(bench: Bench) -> None:
        await bench.texts.open(1, TASK)
        await bench.texts.open(2, TASK)
        await bench.hear("one two.")
        bench.host.fails = True
        await bench.hear("one two. three four.")
        await bench.hear("one two. three four. five", final=True)
        bench.host.fails = False
        await bench.hear("six.", turn=2, final=True)
        shown = await bench.finish()
        assert [(f.turn, f.text) for f in shown if f.final] == [(1, "one' two.'"), (2, "six.'")]
        assert bench.closed == [(1, True), (2, False)]

    play(scene)


def test_auto_goes_by_what_calls_cost() -> None:
    async def scene(bench: Bench) -> None:
        call_costs.record_cost(bench.host, ("en", "es"), 0.01)
        await bench.texts.open(1, TASK)
        for text in ("the old", "the old man", "the old man and"):
            await bench.hear(text)
        assert bench.shown == ("the' old'", " man'")
        await bench.hear("the old man and", final=True)
        for _ in range(20):
            call_costs.record_cost(bench.host, ("en", "es"), 0.6)
        await bench.texts.open(2, TASK)
        for text in ("the old", "the old man", "the old man and"):
            await bench.hear(text, turn=2)
        assert bench.shown[0] == ""
        await bench.hear("the old man and", turn=2, final=True)
        await bench.finish()

    play(scene)


def test_costs_are_averages_for_each_host_and_direction() -> None:
    class Stub:
        pass

    one, two = Stub(), Stub()
    assert call_costs.cost_s(one, ("en", "es")) is None
    call_costs.record_cost(one, ("en", "es"), 1.0)
    call_costs.record_cost(one, ("en", "es"), 0.0)
    assert call_costs.cost_s(one, ("en", "es")) == pytest.approx(0.75)
    assert call_costs.cost_s(one, ("es", "en")) is None
    assert call_costs.cost_s(two, ("en", "es")) is None
