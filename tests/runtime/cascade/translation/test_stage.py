"""The second stage alone: a mailbox of words in, committed text and stash out."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable

import msgspec
import pytest

from dragoman.engines.base import Info, Translation
from dragoman.runtime.capacity import Speaker
from dragoman.runtime.cascade.image_reader import ImageReader
from dragoman.runtime.cascade.recent_audio import RecentAudio
from dragoman.runtime.cascade.translation.stage import TranslationStage
from dragoman.runtime.cascade.word_mailbox import WordMailbox
from dragoman.runtime.hosts import call_costs
from dragoman.runtime.hosts.host import EngineFailed
from dragoman.runtime.routing.fallback_host import FallbackHost
from dragoman.speech import Interpret, InterpretationOptions, Result, Translated, Word
from tests.runtime.cascade.fake_cascade import Events

INFO = Info(name="any", role="mt", licence="-", quality="scripted")
TASK = Interpret(target="es", source="en")


class Host:
    """A translator that answers when it is let go, and never does two things at once."""

    def __init__(self) -> None:
        self.info = INFO
        self.requests: list[Translation] = []
        self.cancelled: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.fails = False
        self._busy = False

    async def call(self, request: Translation) -> str:
        assert not self._busy
        self._busy = True
        self.requests.append(request)
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled.append(request.text)
            raise
        finally:
            self._busy = False
        if self.fails:
            raise EngineFailed("as told")
        return " ".join(f"{word}'" for word in request.text.split())


class Scene:
    """Translating with everything around it faked; ``clock_s`` is moved by the test."""

    only_source = "en"

    def __init__(self) -> None:
        self.clock_s = 100.0
        self.behind = False
        self.host = Host()
        self.mailbox = WordMailbox()
        self.facts: list[Result] = []
        self.spoken: list[tuple[int, str, bool]] = []
        self.closed: list[tuple[int, bool]] = []
        self.events = Events()
        images = ImageReader(None, self.events, self.now_s)
        stage = TranslationStage(
            self,
            self.emit,
            self.mailbox,
            images,
            self,
            recent=RecentAudio(),
            speaker=Speaker(),
            observer=self.events,
            now_s=self.now_s,
        )
        self.job = asyncio.create_task(stage.run())

    # the engines, and the clock
    def translator(self, source: str, target: str) -> FallbackHost:
        return FallbackHost([self.host])

    def now_s(self) -> float:
        return self.clock_s

    # the client
    async def emit(self, fact: Result) -> None:
        self.facts.append(fact)

    # speech
    async def say(
        self, turn: int, settings: Interpret, text: str, *, ends: bool = False, closes: bool = False
    ) -> None:
        assert ends or not closes
        self.spoken.append((turn, text, ends))

    def wants_terse(self, settings: Interpret) -> bool:
        return self.behind

    async def close(self, turn: int, *, failed: bool) -> None:
        self.closed.append((turn, failed))

    async def end(self) -> None: ...

    # recognition
    async def recognise(self, text: str, *, turn: int = 1, tail: str = "", **marks: bool) -> None:
        words, rest = ([Word(word) for word in part.split()] for part in (text, tail))
        self.mailbox.put(turn, words, rest, "en", **marks)
        self.clock_s += 1
        await self.settle()

    async def settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)

    async def finish(self) -> list[Translated]:
        self.mailbox.end()
        await asyncio.wait_for(self.job, 5)
        return [fact for fact in self.facts if isinstance(fact, Translated)]

    @property
    def shown(self) -> tuple[str, str]:
        last = self.facts[-1]
        assert isinstance(last, Translated)
        return last.text, last.stash


def play(test: Callable[[Scene], Awaitable[None]]) -> None:
    async def main() -> None:
        await test(Scene())

    asyncio.run(main())


def conduct(policy: str) -> Interpret:
    return Interpret(target="es", source="en", conduct=InterpretationOptions(policy=policy))


def test_one_call_at_a_time_and_the_newest_words_win() -> None:
    async def test(scene: Scene) -> None:
        await scene.mailbox.open(1, conduct("units"))
        scene.host.gate.clear()
        await scene.recognise("the")
        for text in ("the old", "the old man", "the old man and", "the old man and the sea."):
            await scene.recognise(text)
        assert [r.text for r in scene.host.requests] == ["the"]
        scene.host.gate.set()
        await scene.recognise("the old man and the sea.", final=True)
        shown = await scene.finish()
        assert [r.text for r in scene.host.requests] == ["the", "the old man and the sea."]
        assert all(fact.stash == "" for fact in shown)  # the draft was stale when it came
        assert shown[-1] == Translated(1, "the' old' man' and' the' sea.'", "", final=True)

    play(test)


def test_the_stash_is_not_emptied_while_words_are_pending() -> None:
    async def test(scene: Scene) -> None:
        await scene.mailbox.open(1, conduct("units"))
        await scene.recognise("when the rain stopped they")
        await scene.recognise("when the rain stopped, they went", tail="home")
        await scene.recognise("when the rain stopped, they went home and", tail="slept")
        for fact in scene.facts:
            assert isinstance(fact, Translated)
            assert fact.stash or fact.text.endswith("stopped,'")
        assert scene.shown == ("when' the' rain' stopped,'", " they' went' home'")
        await scene.recognise("when the rain stopped, they went home and slept", final=True)
        await scene.finish()

    play(test)


def test_agree_commits_words_as_they_agree_and_marks_where_clauses_end() -> None:
    async def test(scene: Scene) -> None:
        await scene.mailbox.open(1, conduct("agree"))
        await scene.recognise("the old")
        await scene.recognise("the old man")
        await scene.recognise("the old man and")
        await scene.recognise("the old man and the sea.", final=True)
        shown = await scene.finish()
        assert scene.spoken == [
            (1, "the'", False), (1, " old'", False), (1, " man' and' the' sea.'", True),
        ]  # fmt: skip
        mailbox = [fact.text for fact in shown]
        assert all(later.startswith(earlier) for earlier, later in itertools.pairwise(mailbox))

    play(test)


def test_drafts_come_again_by_themselves_when_the_interval_is_over() -> None:
    async def test(scene: Scene) -> None:
        await scene.mailbox.open(1, conduct("units"))
        await scene.recognise("the")
        scene.clock_s += 0.25  # so soon that the next draft has to wait
        scene.mailbox.put(1, [Word("the"), Word("old")], (), "en")
        await scene.settle()
        assert len(scene.host.requests) == 1
        scene.clock_s += 1.0
        for _ in range(300):
            await asyncio.sleep(0.01)  # the interval runs on the loop's clock, too
            if len(scene.host.requests) > 1:
                break
        assert [r.text for r in scene.host.requests] == ["the", "the old"]
        await scene.recognise("the old", final=True)
        await scene.finish()

    play(test)


def test_a_draft_is_given_up_for_what_will_be_committed_if_the_engine_can_stop() -> None:
    async def test(scene: Scene) -> None:
        scene.host.info = msgspec.structs.replace(INFO, cancellable=True)
        await scene.mailbox.open(1, conduct("units"))
        scene.host.gate.clear()
        await scene.recognise("the old")
        await scene.recognise("the old man")  # the draft is older now, and not in the way
        assert [r.text for r in scene.host.requests] == ["the old"]
        await scene.recognise("the old man and the sea.")
        assert [r.text for r in scene.host.requests] == ["the old", "the old man and the sea."]
        assert scene.host.cancelled == ["the old"]
        await scene.recognise("the old man and the sea. It was.")  # never given up: it commits
        assert scene.host.cancelled == ["the old"]
        scene.host.gate.set()
        await scene.recognise("the old man and the sea. It was.", final=True)
        shown = await scene.finish()
        assert [r.text for r in scene.host.requests][2:] == ["It was."]
        assert shown[-1].text == "the' old' man' and' the' sea.' It' was.'"

    play(test)


def test_a_draft_ends_with_its_session() -> None:
    async def test(scene: Scene) -> None:
        scene.host.info = msgspec.structs.replace(INFO, cancellable=True)
        await scene.mailbox.open(1, conduct("units"))
        scene.host.gate.clear()
        await scene.recognise("the old")
        scene.job.cancel()
        await scene.settle()
        assert scene.host.cancelled == ["the old"]

    play(test)


def test_a_turn_keeps_the_settings_it_was_opened_with() -> None:
    async def test(scene: Scene) -> None:
        await scene.mailbox.open(1, TASK)
        await scene.recognise("one two")
        await scene.mailbox.open(2, Interpret(target="ca", source="en"))
        await scene.recognise("one two three.", final=True)
        await scene.recognise("four.", turn=2, final=True)
        await scene.finish()
        assert {(r.text, r.target) for r in scene.host.requests} == {
            ("one two", "es"), ("one two three.", "es"), ("four.", "ca"),
        }  # fmt: skip
        assert scene.host.requests[-1].before == ()  # pairs of another direction are no context

    play(test)


def test_closed_sentences_are_context() -> None:
    async def test(scene: Scene) -> None:
        await scene.mailbox.open(1, TASK)
        await scene.recognise("One. Two. Three. Four", final=True)
        await scene.finish()
        assert scene.host.requests[-1].before == (("Two.", "Two.'"), ("Three.", "Three.'"))

    play(test)


@pytest.mark.parametrize("shortens", [True, False])
def test_only_an_engine_that_shortens_is_asked_for_terse_wording(shortens: bool) -> None:
    async def test(scene: Scene) -> None:
        scene.host.info = msgspec.structs.replace(INFO, shortens=shortens)
        scene.behind = True
        await scene.mailbox.open(1, TASK)
        await scene.recognise("One.", final=True)
        await scene.finish()
        assert [r.terse for r in scene.host.requests] == [shortens]

    play(test)


def test_a_draft_that_fails_is_left_out() -> None:
    async def test(scene: Scene) -> None:
        await scene.mailbox.open(1, conduct("units"))
        scene.host.fails = True
        await scene.recognise("the old")
        await scene.settle()
        assert [r.text for r in scene.host.requests] == ["the old"], "and not asked again"
        scene.host.fails = False
        await scene.recognise("the old man", final=True)
        shown = await scene.finish()
        assert shown[-1] == Translated(1, "the' old' man'", "", final=True)
        assert scene.closed == [(1, False)]

    play(test)


def test_a_call_that_fails_fails_its_turn_only() -> None:
    async def test(scene: Scene) -> None:
        await scene.mailbox.open(1, TASK)
        await scene.mailbox.open(2, TASK)
        await scene.recognise("one two.")
        scene.host.fails = True
        await scene.recognise("one two. three four.")
        await scene.recognise("one two. three four. five", final=True)
        scene.host.fails = False
        await scene.recognise("six.", turn=2, final=True)
        shown = await scene.finish()
        assert [(f.turn, f.text) for f in shown if f.final] == [(1, "one' two.'"), (2, "six.'")]
        assert scene.closed == [(1, True), (2, False)]

    play(test)


def test_auto_chooses_the_rule_by_what_calls_cost() -> None:
    async def test(scene: Scene) -> None:
        call_costs.record_cost(scene.host, ("en", "es"), 0.01)
        await scene.mailbox.open(1, TASK)
        for text in ("the old", "the old man", "the old man and"):
            await scene.recognise(text)
        assert scene.shown == ("the' old'", " man'")
        await scene.recognise("the old man and", final=True)
        for _ in range(20):
            call_costs.record_cost(scene.host, ("en", "es"), 0.6)
        await scene.mailbox.open(2, TASK)
        for text in ("the old", "the old man", "the old man and"):
            await scene.recognise(text, turn=2)
        assert scene.shown[0] == ""
        await scene.recognise("the old man and", turn=2, final=True)
        await scene.finish()

    play(test)


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
