"""Second stage of the cascade: committed source words to committed target text.

Scope: it carries out what the target policy of each turn asks for
(``policy.translation.commit_rules``): one translation call at a time for a session, while the
mailbox keeps the newest words of each turn, so that a slow engine makes fewer drafts and never a
queue. Before an answer is used the policy has seen the newest words, so what is stale is not shown.
A draft is given up when newer words are to be committed, if the engine can end a call early: they
do not wait for it, and the engine does not work for nothing. What will be committed is never given
up. Turns are finished in order. The same language passes through without an engine. A draft that
fails is left out; a call that was to commit fails its turn, never the session. A turn keeps the
settings it was opened with.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from functools import partial

from dragoman.engines.base import Translation
from dragoman.policy.translation.commit_rules import TargetPolicy, WantedTranslation, chosen
from dragoman.policy.translation.flicker import DisplayThrottle, DraftStability
from dragoman.policy.translation.spoken_span import spoken_span
from dragoman.runtime.capacity import Speaker
from dragoman.runtime.cascade.glossary_steps import GlossarySteps
from dragoman.runtime.cascade.image_reader import ImageReader
from dragoman.runtime.cascade.recent_audio import RecentAudio
from dragoman.runtime.cascade.speech.stage import SpeechStage
from dragoman.runtime.cascade.word_mailbox import TurnWords, WordMailbox, stash_behind
from dragoman.runtime.driver.driver import Emit
from dragoman.runtime.engine_set import EngineSet
from dragoman.runtime.hosts import call_costs
from dragoman.runtime.hosts.host import EngineFailed, EngineHost
from dragoman.runtime.observer import Observer, TranslationCommitted, current_turn
from dragoman.runtime.routing.fallback_host import FallbackHost
from dragoman.speech import Translated

LOG = logging.getLogger("dragoman.session")

_CONTEXT_SENTENCES = 2


class TurnTranslation:
    """The target side of one turn. Its commit rule is chosen by what calls cost, again with every
    call: under load a turn falls back to the rule that makes fewer.
    """

    def __init__(self, words: TurnWords, language: str) -> None:
        self.turn = words.turn
        self.settings = words.settings
        self.words = words
        self.language = language
        self.policy: TargetPolicy | None = None
        self.throttle = DisplayThrottle()
        self.failed = False
        self.waiting_since_s: float | None = None
        """When words were committed of which nothing is translated yet."""

    @property
    def direction(self) -> tuple[str, str]:
        """Source and target language."""
        return self.language, self.settings.target

    @property
    def passes_through(self) -> bool:
        """Source and target are the same language."""
        return self.language == self.settings.target

    @property
    def text(self) -> str:
        """All committed text."""
        return self.policy.text if self.policy is not None else ""

    @property
    def stash(self) -> str:
        """The tentative rest."""
        if self.policy is None:
            return ""
        if self.passes_through:
            return stash_behind(self.text, self.words.tail)
        return self.policy.stash


class TranslationStage:
    """The stage of one session: give it to one task."""

    def __init__(
        self,
        engines: EngineSet,
        emit: Emit,
        mailbox: WordMailbox,
        images: ImageReader,
        speech: SpeechStage,
        *,
        recent: RecentAudio,
        speaker: Speaker,
        observer: Observer,
        now_s: Callable[[], float],
    ) -> None:
        self._engines = engines
        self._emit = emit
        self._mailbox = mailbox
        self._images = images
        self._recent = recent
        self._speech = speech
        self._speaker = speaker
        self._now_s = now_s
        self._observer = observer
        self._glossary = GlossarySteps(observer)
        self._open: TurnTranslation | None = None  # the oldest turn that is not finished
        self._context: list[tuple[str, str]] = []  # last closed sentence pairs, across turns
        self._direction: tuple[str, str] | None = None  # theirs

    async def run(self) -> None:
        """Until recognition ends."""
        while not self._mailbox.ended:
            words = await self._mailbox.get(self._wait_s())
            if words is not None:
                self._take(words)
            if self._open is not None:
                await self._work(self._open)
        await self._speech.end()

    # ------------------------------------------------------------ words in
    def _take(self, words: TurnWords) -> None:
        """The newest words of the oldest turn, to its policy."""
        if self._open is None:
            source = words.settings.source or words.language or self._engines.only_source
            self._open = TurnTranslation(words, source or words.settings.target)
            current_turn.set(words.turn)
        turn = self._open
        if len(words.committed) > (len(turn.words.committed) if turn.policy else 0):
            turn.waiting_since_s = turn.waiting_since_s or self._now_s()
        turn.words = words
        if turn.policy is None and words.language and not words.settings.source:
            turn.language = words.language
        if turn.failed:
            return
        if turn.policy is None and words.committed:
            turn.policy = self._policy(turn)
        if turn.policy is not None:
            turn.policy.update(
                words.committed,
                words.tail,
                paused=words.paused,
                final=words.final,
                now_s=self._now_s(),
            )

    def _policy(self, turn: TurnTranslation) -> TargetPolicy:
        conduct = turn.settings.conduct
        rule = chosen(conduct.policy, *turn.direction, None, forces_prefix=False)
        together = self._glossary.must_not_cut(turn.settings, turn.language)
        return TargetPolicy(
            rule,
            *turn.direction,
            pace=conduct.pace,
            together=together,
            stability=self._stability(turn),
        )

    def _stability(self, turn: TurnTranslation) -> DraftStability | None:
        """What drafts of the direction are like; None where there are none."""
        if not turn.passes_through:
            with contextlib.suppress(EngineFailed):  # the first call fails, and with it the turn
                return call_costs.stability(self._translator(turn).preferred, turn.direction)
        return None

    def _wait_s(self) -> float | None:
        """How long to wait for words at most."""
        turn = self._open
        if turn is None or turn.policy is None or turn.failed:
            return None
        moments = (turn.policy.next_s(self._cost_s(turn), self._draft_every_s), turn.throttle.due_s)
        due_s = min((moment for moment in moments if moment is not None), default=None)
        return None if due_s is None else max(due_s - self._now_s(), 0.0)

    # ------------------------------------------------------------ translations out
    async def _work(self, turn: TurnTranslation) -> None:
        """Everything that can be done for the turn now."""
        try:
            while turn.policy is not None and not turn.failed:
                wanted = self._wanted(turn, turn.policy)
                if wanted is None:
                    break
                await self._carry_out(turn, turn.policy, wanted)
        except EngineFailed as failure:
            values = {"turn": turn.turn, "failure": failure}
            LOG.warning("turn %(turn)d is not translated: %(failure)s", values)
            turn.failed = True
        if turn.words.final:
            self._open = None
            await self._emit(Translated(turn.turn, turn.text, "", final=True))
            await self._speech.close(turn.turn, failed=turn.failed or turn.words.failed)
        elif not turn.failed:
            await self._show(turn)

    def _wanted(self, turn: TurnTranslation, policy: TargetPolicy) -> WantedTranslation | None:
        """What the policy asks for next, by the rule that fits what calls cost now."""
        forces_prefix = not turn.passes_through and self._translator(turn).info.forces_prefix
        cost_s = self._cost_s(turn)
        policy.switch(
            chosen(
                turn.settings.conduct.policy,
                *turn.direction,
                None if turn.passes_through else cost_s,
                forces_prefix=forces_prefix,
                now=policy.rule,
            )
        )
        return policy.due(self._now_s(), cost_s, self._draft_every_s)

    @property
    def _draft_every_s(self) -> float:
        return self._speaker.shedding.draft_every_s

    async def _carry_out(
        self, turn: TurnTranslation, policy: TargetPolicy, wanted: WantedTranslation
    ) -> None:
        try:
            answer = await self._answer(turn, policy, wanted)
        except EngineFailed as failure:
            if wanted.commits:
                raise
            LOG.info("a draft of turn %d failed: %s", turn.turn, failure)
            policy.give_up(again=False)
            return
        if answer is None:
            policy.give_up(again=True)
            return
        newer = self._mailbox.newer(turn.turn)
        if newer is not None:
            self._take(newer)
        step = policy.answer(wanted, answer)
        if step.pair is not None:
            self._use_context_of(turn)
            self._context = [*self._context, step.pair][-_CONTEXT_SENTENCES:]
            self._glossary.count_misses(step.pair, turn.language, turn.settings)
        if step.addition and turn.waiting_since_s is not None:
            self._observer.on(TranslationCommitted(turn.turn, self._now_s() - turn.waiting_since_s))
            turn.waiting_since_s = None
        await self._show(turn)
        if step.addition or step.ends:
            closes = step.pair is not None
            await self._speech.say(
                turn.turn, turn.settings, step.addition, ends=step.ends, closes=closes
            )

    async def _show(self, turn: TurnTranslation) -> None:
        shown = turn.throttle.show(turn.text, turn.stash, self._now_s())
        if shown is not None:
            await self._emit(Translated(turn.turn, *shown))

    # ------------------------------------------------------------ the engine
    async def _answer(
        self, turn: TurnTranslation, policy: TargetPolicy, wanted: WantedTranslation
    ) -> str | None:
        """The translation; None for a draft that was given up. Raises ``EngineFailed``."""
        if wanted.commits or turn.passes_through or not self._translator(turn).info.cancellable:
            return await self._translate(turn, wanted)
        call = asyncio.ensure_future(self._translate(turn, wanted))
        try:
            while (newer := await self._mailbox.newer_before(call, turn.turn)) is not None:
                self._take(newer)
                if policy.must_commit and not call.done():
                    return None
            return await call
        finally:
            if call.cancel():
                await asyncio.gather(call, return_exceptions=True)

    async def _translate(self, turn: TurnTranslation, wanted: WantedTranslation) -> str:
        """Raises ``EngineFailed``."""
        if turn.passes_through:
            return wanted.source
        self._use_context_of(turn)
        return await self._translator(turn).ask(partial(self._ask, turn, wanted))

    async def _ask(self, turn: TurnTranslation, wanted: WantedTranslation, host: EngineHost) -> str:
        """Ask one engine, with the request that it needs."""
        settings = turn.settings
        request = Translation(
            text=wanted.source,
            source=turn.language,
            target=settings.target,
            before=tuple(self._context),
            prefix=wanted.prefix,
            hints=settings.hints,
            image=self._images.image if host.info.takes_images else b"",
            onscreen=self._images.lines(),
            terse=host.info.shortens and self._speech.wants_terse(settings),
            speech=self._spoken(turn.words, wanted) if host.info.takes_speech else b"",
        )
        began_s = self._now_s()
        answer = await host.call(self._glossary.prepare_request(request, host.info))
        if not isinstance(answer, str):
            raise TypeError("a translator answered with no text")
        call_costs.record_cost(host, turn.direction, self._now_s() - began_s)
        return self._glossary.restore_terms(request, answer)

    def _spoken(self, words: TurnWords, wanted: WantedTranslation) -> bytes:
        """The audio in which the text was said; none if it is gone."""
        span_ms = spoken_span(words.committed, wanted.begin, wanted.end, words.span_ms)
        return self._recent.piece(*span_ms)

    def _use_context_of(self, turn: TurnTranslation) -> None:
        """Pairs of another direction are no context."""
        if turn.direction != self._direction:
            self._context, self._direction = [], turn.direction

    def _translator(self, turn: TurnTranslation) -> FallbackHost:
        return self._engines.translator(*turn.direction)

    def _cost_s(self, turn: TurnTranslation) -> float | None:
        if turn.passes_through:
            return 0.0
        return call_costs.cost_s(self._translator(turn).preferred, turn.direction)
