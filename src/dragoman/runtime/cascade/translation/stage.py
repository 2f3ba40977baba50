"""Second stage of the cascade: committed source words to committed target text.

Law of this file: it carries out what the target policy of each turn asks for
(``policy.translation.commit_rules``): one translation call at a time for a session, while the
mailbox keeps the newest words of each turn, so that a slow engine makes fewer drafts and never a
queue. Before an answer is used the policy has seen the newest words, so what is stale is not shown.
Turns are finished in order. The same language passes through without an engine. A failed call fails
its turn, never the session. A turn keeps the settings it was opened with.
"""

from __future__ import annotations

import logging

from dragoman.engines.base import Translation
from dragoman.policy.translation.commit_rules import Rule, TargetPolicy, WantedTranslation, chosen
from dragoman.policy.translation.flicker import DisplayThrottle
from dragoman.runtime.cascade.glossary_steps import GlossarySteps
from dragoman.runtime.cascade.speech.stage import SpeechStage
from dragoman.runtime.cascade.word_mailbox import TurnWords, WordMailbox, stash_behind
from dragoman.runtime.driver.driver import Emit
from dragoman.runtime.engine_set import EngineSet
from dragoman.runtime.hosts import call_costs
from dragoman.runtime.hosts.host import EngineFailed
from dragoman.speech import Translated

LOG = logging.getLogger("dragoman.session")

_SENTENCES_KEPT = 2


class TurnTranslation:
    """The target side of one turn. Its rule is chosen by what calls cost, again with every call:
    under load a turn falls back to the one that makes fewer.
    """

    def __init__(self, words: TurnWords, language: str) -> None:
        self.turn = words.turn
        self.settings = words.settings
        self.words = words
        self.language = language
        self.policy: TargetPolicy | None = None
        self.screen = DisplayThrottle()
        self.failed = False

    @property
    def direction(self) -> tuple[str, str]:
        """Source and target language."""
        return self.language, self.settings.target

    @property
    def passes(self) -> bool:
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
        return stash_behind(self.text, self.words.tail) if self.passes else self.policy.stash


class TranslationStage:
    """See the head of this file."""

    def __init__(
        self,
        stack: EngineSet,
        emit: Emit,
        texts: WordMailbox,
        voicing: SpeechStage,
        terms: GlossarySteps | None = None,
    ) -> None:
        self._stack = stack
        self._emit = emit
        self._texts = texts
        self._voicing = voicing
        self._terms = terms or GlossarySteps(stack.noted)
        self._open: TurnTranslation | None = None  # the oldest turn that is not finished
        self._before: list[tuple[str, str]] = []  # last closed sentence pairs, across turns
        self._direction: tuple[str, str] | None = None

    async def run(self) -> None:
        """Until listening ends."""
        while not self._texts.ended:
            words = await self._texts.get(self._nap_s())
            if words is not None:
                self._take(words)
            if self._open is not None:
                await self._work(self._open)
        await self._voicing.end()

    # ------------------------------------------------------------ words in
    def _take(self, words: TurnWords) -> None:
        """The newest words of the oldest turn, to its policy."""
        if self._open is None:
            source = words.settings.source or words.language or self._stack.only_heard
            self._open = TurnTranslation(words, source or words.settings.target)
        target = self._open
        target.words = words
        if target.policy is None and words.language and not words.settings.source:
            target.language = words.language
        if target.failed:
            return
        if target.policy is None and words.committed:
            target.policy = self._policy(target)
        if target.policy is not None:
            target.policy.update(
                words.committed,
                words.tail,
                paused=words.paused,
                final=words.final,
                now_s=self._stack.now_s(),
            )

    def _policy(self, target: TurnTranslation) -> TargetPolicy:
        conduct = target.settings.conduct
        rule = chosen(conduct.policy, *target.direction, None, forces_prefix=False)
        together = self._terms.together(target.settings)
        return TargetPolicy(rule, *target.direction, pace=conduct.pace, together=together)

    def _rule(self, target: TurnTranslation) -> Rule:
        """By which rule the turn goes on now."""
        conduct, forces, cost_s = target.settings.conduct, False, None
        if not target.passes:
            host = self._stack.translator(*target.direction)
            forces, cost_s = host.info.forces_prefix, call_costs.cost_s(host, target.direction)
        now = target.policy.rule if target.policy is not None else None
        return chosen(conduct.policy, *target.direction, cost_s, forces_prefix=forces, now=now)

    def _catch_up(self, target: TurnTranslation) -> None:
        """Give the policy what came while a call was under way."""
        words = self._texts.newer(target.turn)
        if words is not None:
            self._take(words)

    # ------------------------------------------------------------ translations out
    async def _work(self, target: TurnTranslation) -> None:
        """Everything that can be done for the turn now."""
        try:
            while target.policy is not None and not target.failed:
                target.policy.switch(self._rule(target))
                ask = target.policy.due(self._stack.now_s(), self._cost_s(target))
                if ask is None:
                    break
                await self._carry_out(target, target.policy, ask)
        except EngineFailed as failure:
            LOG.warning("turn %d is not translated: %s", target.turn, failure)
            target.failed = True
        if target.words.final:
            self._open = None
            await self._emit(Translated(target.turn, target.text, "", final=True))
            await self._voicing.close(target.turn, failed=target.failed or target.words.failed)
        elif not target.failed:
            await self._show(target)

    async def _carry_out(
        self, target: TurnTranslation, policy: TargetPolicy, ask: WantedTranslation
    ) -> None:
        translation = await self._translate(target, ask)
        self._catch_up(target)
        step = policy.answer(ask, translation)
        if step.pair is not None:
            self._remember(target, step.pair)
            self._terms.closed(step.pair, target.language, target.settings)
        await self._show(target)
        if step.addition or step.ends:
            closes = step.pair is not None
            await self._voicing.say(
                target.turn, target.settings, step.addition, ends=step.ends, closes=closes
            )

    async def _show(self, target: TurnTranslation) -> None:
        shown = target.screen.show(target.text, target.stash, self._stack.now_s())
        if shown is not None:
            await self._emit(Translated(target.turn, *shown))

    async def _translate(self, target: TurnTranslation, ask: WantedTranslation) -> str:
        if target.passes:
            return ask.source
        settings = target.settings
        if target.direction != self._direction:
            self._before, self._direction = [], target.direction
        host = self._stack.translator(*target.direction)
        request = Translation(
            text=ask.source,
            source=target.language,
            target=settings.target,
            before=tuple(self._before),
            prefix=ask.prefix,
            hints=settings.hints,
            image=self._texts.image if host.info.takes_images else b"",
            onscreen=self._texts.onscreen(),
            terse=host.info.shortens and self._voicing.wants_terse(settings),
        )
        began_s = self._stack.now_s()
        answer = await host.call(self._terms.before(request, host.info))
        if not isinstance(answer, str):
            raise TypeError("a translator answered with no text")
        call_costs.record_cost(host, target.direction, self._stack.now_s() - began_s)
        return self._terms.after(request, answer, commits=ask.commits)

    # ------------------------------------------------------------ inside
    def _cost_s(self, target: TurnTranslation) -> float | None:
        if target.passes:
            return 0.0
        return call_costs.cost_s(self._stack.translator(*target.direction), target.direction)

    def _nap_s(self) -> float | None:
        """How long to wait for words at most."""
        target = self._open
        if target is None or target.policy is None or target.failed:
            return None
        moments = (target.policy.next_s(self._cost_s(target)), target.screen.due_s)
        due_s = min((moment for moment in moments if moment is not None), default=None)
        return None if due_s is None else max(due_s - self._stack.now_s(), 0.0)

    def _remember(self, target: TurnTranslation, pair: tuple[str, str]) -> None:
        if target.direction != self._direction:
            self._before, self._direction = [], target.direction
        self._before = [*self._before, pair][-_SENTENCES_KEPT:]
