"""Second stage of the cascade: committed source words to committed target text.

Law of this file: one translation call at a time for a session. Units that became ripe are
translated first and committed; only when none waits is a draft of the rest made, as stash, at
most every 300 ms. Committed target text only grows. The same language passes through without an
engine. A failed call fails its turn, never the session.
"""

from __future__ import annotations

import logging

from dragoman.engines.base import Translation
from dragoman.policy.calm import Calm
from dragoman.policy.units import Unit, Units, continuation
from dragoman.runtime.driver import Emit
from dragoman.runtime.hosts import EngineFailed
from dragoman.runtime.stack import Stack
from dragoman.runtime.texts import Texts, Words, stash_behind
from dragoman.runtime.voicing import Voicing
from dragoman.speech import Interpret, Translated, joined_text

LOG = logging.getLogger("dragoman.session")

_DRAFT_EVERY_S = 0.3
_SENTENCES_KEPT = 2
_UNSPACED = frozenset({"zh", "ja", "yue", "th"})


class Target:
    """The target text of one turn."""

    def __init__(self, turn: int, settings: Interpret, language: str) -> None:
        self.turn = turn
        self.settings = settings
        self.language = language
        self.units = Units(language)
        self.calm = Calm()
        self.closed = ""  # committed text of closed sentences
        self.open = ""  # committed text of the open one
        self.stash = ""
        self.failed = False
        self.drafted_s = float("-inf")

    @property
    def passes(self) -> bool:
        """Source and target are the same language."""
        return self.language == self.settings.target

    @property
    def text(self) -> str:
        """All committed text."""
        return self._join(self.closed, self.open)

    def extend(self, addition: str) -> str:
        """Commit more of the open sentence; returns the piece as it joins what was there."""
        before = self.text
        self.open += addition if self.open else addition.lstrip()
        return self.text[len(before) :]

    def close_sentence(self) -> str:
        """The open sentence is complete; returns it."""
        sentence = self.open
        self.closed, self.open = self.text, ""
        return sentence

    def behind(self, draft: str) -> str:
        """A draft as the stash behind the committed text."""
        return self._join(self.text, draft)[len(self.text) :] if not self.open else draft

    def _join(self, left: str, right: str) -> str:
        spaced = left and right and self.settings.target not in _UNSPACED
        return f"{left} {right}" if spaced else left + right


class Translating:
    """See the head of this file."""

    def __init__(self, stack: Stack, emit: Emit, texts: Texts, voicing: Voicing) -> None:
        self._stack = stack
        self._emit = emit
        self._texts = texts
        self._voicing = voicing
        self._targets: dict[int, Target] = {}
        self._before: list[tuple[str, str]] = []  # last closed sentence pairs, across turns
        self._direction: tuple[str, str] | None = None

    async def run(self) -> None:
        """Until listening ends."""
        while (words := await self._texts.get()) is not None:
            target = self._target(words)
            try:
                await self._advance(target, words)
            except EngineFailed as failure:
                LOG.warning("turn %d is not translated: %s", words.turn, failure)
                target.failed = True
            if words.final:
                await self._finish(target, words)
        await self._voicing.end()

    def _target(self, words: Words) -> Target:
        if words.turn not in self._targets:
            source = words.settings.source or words.language or self._stack.only_heard
            language = source or words.settings.target
            self._targets[words.turn] = Target(words.turn, words.settings, language)
        return self._targets[words.turn]

    async def _advance(self, target: Target, words: Words) -> None:
        if target.failed:
            return
        if words.language and not words.settings.source and not target.text:
            target.language = words.language
        ripe = target.units.update(
            words.committed, words.tail, paused=words.paused, final=words.final
        )
        for unit in ripe:
            await self._commit(target, unit)
        if not words.final:
            await self._draft(target, words)

    async def _commit(self, target: Target, unit: Unit) -> None:
        whole = await self._translate(target, unit.source)
        piece = target.extend(continuation(whole, target.open))
        if unit.closes:
            self._remember(target, unit.source, target.close_sentence())
        if piece:
            target.stash = ""
            await self._emit(Translated(target.turn, target.text, ""))
            await self._voicing.say(target.turn, target.settings, piece)

    async def _draft(self, target: Target, words: Words) -> None:
        """What the words since the last cut will probably become."""
        now_s = self._stack.now_s()
        source = joined_text(words.committed[target.units.begin :])
        if target.passes:
            draft = continuation(source, target.open) + stash_behind(source, words.tail)
        elif now_s - target.drafted_s < _DRAFT_EVERY_S or not source:
            return
        else:
            target.drafted_s = now_s
            draft = continuation(await self._translate(target, source), target.open)
        stash = target.calm.show(target.text, target.behind(draft), now_s)
        if stash != target.stash:
            target.stash = stash
            await self._emit(Translated(target.turn, target.text, stash))

    async def _translate(self, target: Target, source: str) -> str:
        if target.passes:
            return source
        settings = target.settings
        host = self._stack.translator(target.language, settings.target)
        request = Translation(
            text=source,
            source=target.language,
            target=settings.target,
            before=tuple(self._before),
            prefix=target.open,
            hints=settings.hints,
            image=self._texts.image if host.info.takes_images else b"",
        )
        answer = await host.call(request)
        if not isinstance(answer, str):
            raise TypeError("a translator answered with no text")
        return answer

    def _remember(self, target: Target, source: str, sentence: str) -> None:
        direction = (target.language, target.settings.target)
        if direction != self._direction:
            self._before, self._direction = [], direction
        self._before = [*self._before, (source, sentence)][-_SENTENCES_KEPT:]

    async def _finish(self, target: Target, words: Words) -> None:
        del self._targets[target.turn]
        await self._emit(Translated(target.turn, target.text, "", final=True))
        await self._voicing.close(target.turn, failed=target.failed or words.failed)
